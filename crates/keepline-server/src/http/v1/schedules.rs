//! Schedules: messages for later.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::content::{self, Kind};
use super::conversations::mine;
use super::cursor;
use super::names::ConversationName;
use crate::http::Services;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::{Body, Path, UrlQuery, id, limit};
use crate::schedule::{Delayed, Edit, LONGEST_PAGE, Progress, Scheduled};

/// A message for later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "conversation": "p.ann.bob", "due_ms": 1_767_225_600_000_u64, "text": "a happy new year" }))]
pub(super) struct NewSchedule {
    #[schema(value_type = ConversationName, inline)]
    conversation: String,
    /// When: milliseconds since 1970, at most a year from now. One whose time is over is sent at once.
    due_ms: u64,
    #[serde(default)]
    kind: Kind,
    /// Of a text.
    text: Option<String>,
    /// Of the other kinds: base64.
    data: Option<String>,
}

/// The name of a message for later.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Named {
    schedule: String,
}

/// A message for later.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleView {
    schedule: String,
    conversation: String,
    due_ms: u64,
    created_ms: u64,
    state: StateView,
    /// Why it will not be sent, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    kind: Kind,
    /// Of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Of the other kinds: base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

/// How far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StateView {
    /// It can be edited and cancelled.
    Waiting,
    /// Too late for both.
    Sending,
    /// It will not be sent.
    Failed,
}

/// A page of messages for later, by the time they are due.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Schedules {
    schedules: Vec<ScheduleView>,
    /// Where the next page begins; null at the end.
    next: Option<String>,
}

/// Takes a message for later
#[utoipa::path(post, path = "/v1/schedules", operation_id = "create_schedule", tag = "schedules",
    request_body = NewSchedule, security(("token" = [])),
    responses((status = 201, body = Named), (status = "default", body = ErrorBody)))]
pub(super) async fn create(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Body(request): Body<NewSchedule>,
) -> Result<(StatusCode, Json<Named>), ApiError> {
    // Asked again when it is sent; who is not let in now need not wait for the refusal.
    let conversation = mine(&services, caller.user(), &request.conversation)?;
    let body = content::read(request.kind, request.text, request.data)?;
    let message = Delayed { conversation, kind: request.kind.into(), body };
    let schedule = services.schedules.create(caller.user(), message, request.due_ms).await?;
    Ok((StatusCode::CREATED, Json(Named { schedule: schedule.to_string() })))
}

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `next` of the page before.
    cursor: Option<String>,
    /// At most so many, 1 to 100; 50 if not said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// The caller's messages for later
#[utoipa::path(get, path = "/v1/schedules", operation_id = "list_schedules", tag = "schedules", params(ListQuery),
    security(("token" = [])),
    responses((status = 200, body = Schedules), (status = "default", body = ErrorBody)))]
pub(super) async fn list(
    State(services): State<Arc<Services>>,
    caller: Caller,
    UrlQuery(query): UrlQuery<ListQuery>,
) -> Result<Json<Schedules>, ApiError> {
    let after = query.cursor.map(|cursor| cursor::read("schedules", &cursor)).transpose()?;
    let limit = limit(query.limit, LONGEST_PAGE)?;
    let page = services.schedules.list(caller.user(), after.as_ref(), limit).await?;
    let next = page.next.map(|next| cursor::write("schedules", next));
    Ok(Json(Schedules { schedules: page.items.into_iter().map(view).collect(), next }))
}

/// What is to be changed. What is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    due_ms: Option<u64>,
    #[serde(default)]
    kind: Kind,
    text: Option<String>,
    data: Option<String>,
}

/// Changes a message that waits
#[utoipa::path(patch, path = "/v1/schedules/{schedule}", operation_id = "edit_schedule", tag = "schedules", request_body = Change,
    params(("schedule" = String, Path)), security(("token" = [])), responses(
        (status = 204),
        (status = 409, description = "already_sent, cancelled", body = ErrorBody),
        (status = "default", body = ErrorBody),
    ))]
pub(super) async fn edit(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(schedule): Path<String>,
    Body(change): Body<Change>,
) -> Result<StatusCode, ApiError> {
    let says = change.text.is_some() || change.data.is_some() || change.kind != Kind::default();
    let message = says
        .then(|| content::read(change.kind, change.text, change.data).map(|body| (change.kind.into(), body)))
        .transpose()?;
    services.schedules.edit(caller.user(), &id(&schedule)?, Edit { message, due_ms: change.due_ms }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sees to it that a message is not sent
#[utoipa::path(delete, path = "/v1/schedules/{schedule}", operation_id = "cancel_schedule", tag = "schedules",
    params(("schedule" = String, Path)),
    security(("token" = [])), responses(
        (status = 204),
        (status = 409, description = "already_sent", body = ErrorBody),
        (status = "default", body = ErrorBody),
    ))]
pub(super) async fn cancel(
    State(services): State<Arc<Services>>,
    caller: Caller,
    Path(schedule): Path<String>,
) -> Result<StatusCode, ApiError> {
    services.schedules.cancel(caller.user(), &id(&schedule)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(scheduled: Scheduled) -> ScheduleView {
    let (text, data) = content::write(scheduled.message.kind, &scheduled.message.body);
    let (state, failure) = match scheduled.state {
        Progress::Waiting => (StateView::Waiting, None),
        Progress::Sending => (StateView::Sending, None),
        Progress::Failed { code } => (StateView::Failed, Some(code)),
    };
    ScheduleView {
        schedule: scheduled.id.to_string(),
        conversation: scheduled.message.conversation.to_string(),
        due_ms: scheduled.due_ms,
        created_ms: scheduled.created_ms,
        state,
        failure,
        kind: scheduled.message.kind.into(),
        text,
        data,
    }
}
