//! Picture: what is asked of the server at one time, and what it answered.

use crate::api::{Admin, ApiError, Close, Counters, LiveSessions, Seq, SessionDetail, SessionQuery};

/// How many of the last ends stand in the head.
const LAST_ENDS: usize = 4;

/// How many earlier ends of a device are in its timeline.
const EARLIER_ENDS: usize = 32;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) page: SessionQuery,
    /// The one that is looked at closely.
    pub(super) one: Option<One>,
}

/// A session, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct One {
    pub(super) session: Seq,
    pub(super) user: String,
    pub(super) device: String,
}

/// What was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Picture {
    /// Where in the order its page begins.
    pub(super) offset: usize,
    pub(super) page: LiveSessions,
    pub(super) counters: Counters,
    /// The latest first.
    pub(super) ends: Vec<Close>,
    pub(super) one: Option<Closer>,
}

/// What is known of the session that is looked at closely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closer {
    pub(super) session: Seq,
    /// `None` once it has ended.
    pub(super) detail: Option<SessionDetail>,
    /// Ends of its device, its own too, the latest first.
    pub(super) ends: Vec<Close>,
}

/// Asks everything at once.
///
/// # Errors
/// The first [`ApiError`].
pub(super) async fn take(admin: &Admin, question: &Question) -> Result<Picture, ApiError> {
    let (page, counters, ends, one) = tokio::try_join!(
        admin.sessions(&question.page),
        admin.counters(),
        admin.closes(None, LAST_ENDS),
        look_closer(admin, question.one.as_ref()),
    )?;
    Ok(Picture { offset: question.page.offset, page, counters, ends, one })
}

async fn look_closer(admin: &Admin, one: Option<&One>) -> Result<Option<Closer>, ApiError> {
    let Some(One { session, user, device }) = one else { return Ok(None) };
    // The session first: one that ends in between is among the ends.
    let detail = match admin.session(*session).await {
        Ok(detail) => Some(detail),
        Err(error) if error.code() == Some("not_found") => None,
        Err(error) => return Err(error),
    };
    let ends = admin.closes(Some((user, device)), EARLIER_ENDS).await?;
    Ok(Some(Closer { session: *session, detail, ends }))
}
