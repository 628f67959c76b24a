//! Schedules: messages that are sent later, at the time they say, whatever happens to the server meanwhile.
//!
//! Each is an entity of its own in the store. In memory is when it is due and whose it is: at most 340 bytes, whatever
//! it says.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::{Clock, System};
use crate::entity::follow::{Follow as _, Source, follow};
use crate::entity::scan::scan;
use crate::entity::{self, Entities, Held};
use crate::id::{ScheduleId, UserId};
use crate::message::{Kind, LARGEST_BODY};
use crate::store::{LogName, Store, StoreError};

mod delayed;
mod deliver;
mod error;
mod fire;
mod known;

pub use delayed::{Delayed, Progress, Scheduled};
pub use deliver::{Deliver, Undelivered};
pub use error::ScheduleError;

use delayed::{Phase, Stored, log};
use fire::Sender;
use known::Known;

/// How many delayed messages one user may have.
pub const MOST: usize = 1_000;

/// By how many milliseconds a message may be delayed: 366 days.
pub const LONGEST_DELAY_MS: u64 = 366 * 24 * 3600 * 1000;

/// The most entries of a page.
pub const LONGEST_PAGE: usize = 100;

/// Bytes of bodies behind which a page ends.
const PAGE_BYTES: usize = 1 << 20;

/// The delayed messages of a store, and who sends them.
pub struct Schedules {
    entities: Arc<Entities>,
    known: Arc<Known>,
    clock: Arc<dyn Clock>,
    _following: AbortOnDropHandle<()>,
    _sending: AbortOnDropHandle<()>,
}

/// What is to be changed; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the caller makes it")]
pub struct Edit {
    /// What is to be said instead.
    pub message: Option<(Kind, Bytes)>,
    /// When instead.
    pub due_ms: Option<u64>,
}

/// Some of a user's delayed messages.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// They, by the time they are due.
    pub items: Vec<Scheduled>,
    /// What to ask for to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// A place in a user's list: behind one entry, whether or not that is still there. As text `<due_ms>.<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(u64, ScheduleId);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A text that is no place in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this cursor is none that a list of delayed messages gave")]
#[non_exhaustive]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let (due_ms, id) = text.split_once('.').ok_or(BadCursor)?;
        Ok(Self(due_ms.parse().map_err(|_| BadCursor)?, id.parse().map_err(|_| BadCursor)?))
    }
}

impl fmt::Debug for Schedules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedules").finish_non_exhaustive()
    }
}

impl Schedules {
    /// Reads every delayed message of the store, and sends each when it is due until this is dropped. What is overdue
    /// is sent at once.
    ///
    /// # Errors
    /// The store's. One whose record is damaged is left out instead.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn load(store: Arc<dyn Store>, deliver: impl Deliver) -> Result<Self, StoreError> {
        Self::load_at(store, deliver, Arc::new(System)).await
    }

    /// As [`load`](Self::load), with a clock of the caller's.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_at(
        store: Arc<dyn Store>,
        deliver: impl Deliver,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let known = Arc::new(Known::new());
        let following = follow(store.clone(), known.clone()).await?;
        let entities = Arc::new(Entities::new(store));
        let sender = Sender {
            entities: entities.clone(),
            known: known.clone(),
            deliver: Box::new(deliver),
            clock: clock.clone(),
        };
        let sending = AbortOnDropHandle::new(tokio::spawn(fire::run(Arc::new(sender))));
        Ok(Self { entities, known, clock, _following: following, _sending: sending })
    }

    /// Takes a message for later; its name. One whose time is over is sent at once. Whether the user may write to the
    /// conversation is asked when it is sent.
    ///
    /// # Errors
    /// `TooMany`, `TooLate`, `TooLarge`, `UnknownOutcome` and the store's.
    pub async fn create(&self, owner: &UserId, message: Delayed, due_ms: u64) -> Result<ScheduleId, ScheduleError> {
        check_body(&message.body)?;
        let created_ms = self.check_due(due_ms)?;
        // One after the other, so that nobody slips past the limit.
        let _turn = self.entities.turn(owner).await;
        if self.known.how_many_of(owner) >= MOST {
            return Err(ScheduleError::TooMany { limit: MOST });
        }
        let id = new_id()?;
        let state = Stored {
            owner: owner.to_string(),
            phase: Phase::Waiting as i32,
            due_ms,
            created_ms,
            conversation: message.conversation.to_string(),
            kind: message.kind as i32,
            body: message.body,
            ..Stored::default()
        };
        let log = log(&id);
        let seq = self.entities.create(&log, &state).await?.ok_or(ScheduleError::Conflict)?;
        self.known.take(&log, Held { seq, state }, Source::Own);
        Ok(id)
    }

    /// One of a user's.
    ///
    /// # Errors
    /// `NotFound`, `AlreadySent`, `Cancelled` and the store's.
    pub async fn get(&self, owner: &UserId, id: &ScheduleId) -> Result<Scheduled, ScheduleError> {
        let log = log(id);
        let held = self.entities.read::<Stored>(&log).await?.ok_or(ScheduleError::NotFound)?;
        check_owner(&held.state, owner)?;
        held.state.scheduled(&log, held.seq)?.ok_or_else(|| why_not(&held.state))
    }

    /// Those of a user, by the time they are due: waiting, being sent, and failed. At most `limit` of them, at most
    /// [`LONGEST_PAGE`], and no more behind 1 MiB of bodies.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, owner: &UserId, after: Option<&Cursor>, limit: usize) -> Result<Page, ScheduleError> {
        let limit = limit.clamp(1, LONGEST_PAGE);
        let after = after.map(|Cursor(due_ms, id)| (*due_ms, id.clone()));
        // One more, to know whether there is more.
        let mut places = self.known.of_user(owner, after.as_ref(), limit + 1).into_iter().peekable();
        let (mut items, mut bytes, mut next) = (Vec::new(), 0, None);
        while items.len() < limit
            && bytes < PAGE_BYTES
            && let Some((due_ms, id)) = places.next()
        {
            let log = log(&id);
            if let Some(held) = self.entities.read::<Stored>(&log).await?
                && let Some(item) = held.state.scheduled(&log, held.seq)?
            {
                bytes += item.message.body.len();
                items.push(item);
            }
            next = Some(Cursor(due_ms, id));
        }
        let next = next.filter(|_| places.peek().is_some());
        Ok(Page { items, next })
    }

    /// Changes what is to be said, or when.
    ///
    /// # Errors
    /// `NotFound`, `AlreadySent`, `Cancelled`, `TooLate`, `TooLarge`, `Conflict`, `UnknownOutcome` and the store's.
    pub async fn edit(&self, owner: &UserId, id: &ScheduleId, edit: Edit) -> Result<(), ScheduleError> {
        if let Some((_, body)) = &edit.message {
            check_body(body)?;
        }
        if let Some(due_ms) = edit.due_ms {
            self.check_due(due_ms)?;
        }
        self.change(owner, id, |now| {
            if now.phase() != Phase::Waiting {
                return Err(why_not(now));
            }
            let mut next = now.clone();
            if let Some((kind, body)) = &edit.message {
                next.kind = *kind as i32;
                next.body = body.clone();
            }
            next.due_ms = edit.due_ms.unwrap_or(now.due_ms);
            Ok(Some(next))
        })
        .await
    }

    /// Sees to it that it is not sent; one that failed is no longer listed. Nothing happens if it was cancelled before.
    ///
    /// # Errors
    /// `NotFound`, `AlreadySent` (as soon as sending has begun), `Conflict`, `UnknownOutcome` and the store's.
    pub async fn cancel(&self, owner: &UserId, id: &ScheduleId) -> Result<(), ScheduleError> {
        let now_ms = self.clock.now_ms();
        self.change(owner, id, |now| match now.phase() {
            Phase::Waiting | Phase::Failed => Ok(Some(now.over(Phase::Cancelled, now_ms))),
            Phase::Cancelled => Ok(None),
            Phase::None | Phase::Sending | Phase::Sent => Err(ScheduleError::AlreadySent),
        })
        .await
    }

    /// Forgets those that were sent or cancelled more than a day ago; how many. Until then who asks for one is told what
    /// became of it, later that there is none. To be called now and then, as once an hour: it reads every delayed message
    /// of the store, a few at a time.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let (store, now_ms) = (self.entities.store(), self.clock.now_ms());
        let mut swept = 0;
        let take = |log: &LogName, held: Result<Held<Stored>, StoreError>| {
            if held.is_ok_and(|held| held.state.is_long_over(now_ms)) {
                // Whether it is gone now or at the next time makes no difference.
                drop(store.forget(log));
                swept += 1;
            }
        };
        scan(&**store, delayed::LOGS, |_, _| true, take).await?;
        Ok(swept)
    }

    async fn change(
        &self,
        owner: &UserId,
        id: &ScheduleId,
        mut change: impl FnMut(&Stored) -> Result<Option<Stored>, ScheduleError>,
    ) -> Result<(), ScheduleError> {
        let log = log(id);
        let changed = self.entities.change(&log, |now: &Stored| {
            check_owner(now, owner)?;
            change(now)
        });
        let held = changed.await?;
        self.known.take(&log, held, Source::Own);
        Ok(())
    }

    /// What time it is, if a message may be due then.
    fn check_due(&self, due_ms: u64) -> Result<u64, ScheduleError> {
        let now_ms = self.clock.now_ms();
        if due_ms.saturating_sub(now_ms) > LONGEST_DELAY_MS {
            return Err(ScheduleError::TooLate { limit_ms: LONGEST_DELAY_MS });
        }
        Ok(now_ms)
    }
}

/// Why one that is not waiting cannot be had.
fn why_not(state: &Stored) -> ScheduleError {
    if state.phase() == Phase::Cancelled { ScheduleError::Cancelled } else { ScheduleError::AlreadySent }
}

fn check_owner(state: &Stored, owner: &UserId) -> Result<(), ScheduleError> {
    if state.owner == owner.as_str() { Ok(()) } else { Err(ScheduleError::NotFound) }
}

fn check_body(body: &Bytes) -> Result<(), ScheduleError> {
    let (length, limit) = (body.len(), LARGEST_BODY);
    if length <= limit { Ok(()) } else { Err(ScheduleError::TooLarge { length, limit }) }
}

/// A name that nobody had before, and nobody guesses.
fn new_id() -> Result<ScheduleId, StoreError> {
    let number = u128::from_be_bytes(entity::random()?);
    format!("{number:032x}").parse().map_err(|_| StoreError::Unavailable("no name for a delayed message".into()))
}
