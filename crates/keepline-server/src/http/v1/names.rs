//! Names: what the names of things look like, for the description: their rules are those of the types that are parsed.

#![expect(dead_code, reason = "they stand in the description only; requests hold plain strings until they are parsed")]

use utoipa::ToSchema;

/// A user.
#[derive(ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "bob")]
pub(super) struct UserName(String);

/// A group.
#[derive(ToSchema)]
#[schema(pattern = "^[A-Za-z0-9_-]{1,64}$", example = "team")]
pub(super) struct GroupName(String);

/// A conversation.
#[derive(ToSchema)]
#[schema(
    pattern = "^(p\\.[A-Za-z0-9_-]{1,64}\\.[A-Za-z0-9_-]{1,64}|g\\.[A-Za-z0-9_-]{1,64}|all)$",
    example = "p.ann.bob"
)]
pub(super) struct ConversationName(String);

/// A number of 64 bits.
#[derive(ToSchema)]
#[schema(pattern = "^[0-9]{1,19}$", example = "1")]
pub(super) struct Number(String);
