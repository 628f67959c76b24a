//! Cim accounts: users of cim's dialects, who are a name and a number without a password.
//!
//! cim takes the current millisecond for a new user's number, so that two who register in one millisecond are the same
//! user, and puts names into its keys as they are. Here a number is drawn from a counter in the store, which is never
//! behind the clock and never says a number twice, on any node and after any jump of the clock; and a name is a key
//! only in hexadecimal digits. What is not there is never remembered.
//!
//! In memory is one entry for each: at most 150 bytes, and the name.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio_util::task::AbortOnDropHandle;

use super::error::AccountError;
use super::known::UNSETTLED;
use crate::clock::{Clock, System};
use crate::conversation::Conversation;
use crate::entity::follow::{Follow, Source, follow};
use crate::entity::{ChangeError, Entities, Held};
use crate::id::UserId;
use crate::store::{LogName, Store, StoreError};

/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 256;

/// What cim users' names on our side begin with.
const PREFIX: &str = "cim-";

/// What the names of the logs of cim's names begin with.
const LOGS: &str = "n.";

/// The log of the counter of numbers.
const COUNTER: &str = "x.cim";

/// The users of cim's dialects.
pub struct CimAccounts {
    entities: Entities,
    known: Arc<Known>,
    clock: Arc<dyn Clock>,
    _following: AbortOnDropHandle<()>,
}

impl fmt::Debug for CimAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CimAccounts").finish_non_exhaustive()
    }
}

impl CimAccounts {
    /// Reads every one of the store, and follows their changes until it is dropped.
    ///
    /// # Errors
    /// The store's.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn load(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        Self::load_at(store, Arc::new(System)).await
    }

    /// As [`load`](Self::load), with a clock of the caller's.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_at(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let known = Arc::new(Known::default());
        let following = follow(store.clone(), known.clone()).await?;
        Ok(Self { entities: Entities::new(store), known, clock, _following: following })
    }

    /// The number of a name, and whether it is new. The same name has the same number for ever.
    ///
    /// # Errors
    /// `NameTooLong`, `Conflict`, `UnknownOutcome` and the store's; after each, the same again is safe.
    pub async fn register(&self, name: &str) -> Result<(i64, bool), AccountError> {
        if name.len() > LONGEST_NAME {
            return Err(AccountError::NameTooLong { length: name.len(), limit: LONGEST_NAME });
        }
        if let Some(id) = self.id_of_name(name) {
            return Ok((id, false));
        }
        let log = log(name);
        let (held, created) = match self.entities.read::<Stored>(&log).await? {
            Some(held) => (held, false),
            None => self.create(&log).await?,
        };
        let held = if held.state.everyone_since == UNSETTLED { self.settle(&log).await? } else { held };
        let id = held.state.id;
        self.known.put(name, &held);
        Ok((id, created))
    }

    /// The name of a number. Looks into memory only.
    #[must_use]
    pub fn name_of(&self, id: i64) -> Option<String> {
        self.known.read().by_id.get(&id).map(|user| user.name.to_string())
    }

    /// The number of a name that is registered. Looks into memory only.
    #[must_use]
    pub fn id_of_name(&self, name: &str) -> Option<i64> {
        self.known.read().by_name.get(name).copied()
    }

    /// At most so many numbers after `after`, in their order, each with its name. Looks into memory only.
    #[must_use]
    pub fn numbers(&self, after: Option<i64>, most: usize) -> Vec<(i64, String)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let tables = self.known.read();
        tables
            .by_id
            .range((start, Bound::Unbounded))
            .take(most)
            .map(|(id, user)| (*id, user.name.to_string()))
            .collect()
    }

    /// The last message to everyone before this one was registered; `None` if there is no such one.
    #[must_use]
    pub fn everyone_since(&self, id: i64) -> Option<u64> {
        self.known.read().by_id.get(&id).map(|user| user.everyone_since)
    }

    /// A new name's record; that of who was faster, if somebody was.
    async fn create(&self, log: &LogName) -> Result<(Held<Stored>, bool), AccountError> {
        let state = Stored { id: self.draw().await?, everyone_since: UNSETTLED };
        if let Some(seq) = self.entities.create(log, &state).await? {
            return Ok((Held { seq, state }, true));
        }
        let held = self.entities.read(log).await?.ok_or(AccountError::Conflict)?;
        Ok((held, false))
    }

    /// Gives a name its part in what is said to everyone from now on: as with the other accounts, once it has its record.
    async fn settle(&self, log: &LogName) -> Result<Held<Stored>, AccountError> {
        let everyone_since = self.entities.store().head(&Conversation::Everyone.log()).await?.seq;
        let settled = self.entities.change(log, |now: &Stored| {
            Ok::<_, AccountError>((now.everyone_since == UNSETTLED).then(|| Stored { everyone_since, ..now.clone() }))
        });
        Ok(settled.await?)
    }

    /// A number that nobody has, higher than each before it.
    async fn draw(&self) -> Result<i64, AccountError> {
        let now = i64::try_from(self.clock.now_ms()).unwrap_or(i64::MAX);
        let counter = LogName::new(COUNTER);
        let next = |last: i64| last.checked_add(1).map(|next| next.max(now));
        loop {
            let drawn = self.entities.change(&counter, |now: &Counter| {
                next(now.last).map(|last| Some(Counter { last })).ok_or(AccountError::Conflict)
            });
            match drawn.await {
                Err(ChangeError::Absent) => {}
                drawn => return Ok(drawn?.state.last),
            }
            let first = Counter { last: now };
            if self.entities.create(&counter, &first).await?.is_some() {
                return Ok(now);
            }
        }
    }
}

/// The name on our side of a user of cim's dialects.
#[must_use]
pub fn user_of(id: i64) -> Option<UserId> {
    format!("{PREFIX}{id}").parse().ok()
}

/// The number of a user of cim's dialects; `None` for other users.
#[must_use]
pub fn id_of(user: &UserId) -> Option<i64> {
    let digits = user.as_str().strip_prefix(PREFIX)?;
    let id: i64 = digits.parse().ok()?;
    // One user, one name: no plus sign, no leading zero.
    (id.to_string() == digits).then_some(id)
}

/// Whether a name is kept for users of cim's dialects.
pub(super) fn is_reserved(user: &UserId) -> bool {
    user.as_str().get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// A name's record.
#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    #[prost(int64, tag = "1")]
    id: i64,
    /// The last message to everyone before it was registered; [`UNSETTLED`] for a moment.
    #[prost(uint64, tag = "2")]
    everyone_since: u64,
}

/// The counter's record.
#[derive(Clone, PartialEq, prost::Message)]
struct Counter {
    #[prost(int64, tag = "1")]
    last: i64,
}

/// Those in memory, by number and by name.
#[derive(Default)]
struct Known(RwLock<Tables>);

#[derive(Default)]
struct Tables {
    by_id: BTreeMap<i64, User>,
    by_name: HashMap<Arc<str>, i64>,
}

struct User {
    name: Arc<str>,
    everyone_since: u64,
}

impl Known {
    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, name: &str, held: &Held<Stored>) {
        let name: Arc<str> = name.into();
        let Stored { id, everyone_since } = held.state;
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tables.by_name.insert(name.clone(), id);
        tables.by_id.insert(id, User { name, everyone_since });
    }
}

impl Follow for Known {
    const PREFIX: &'static str = LOGS;
    type State = Stored;

    fn take(&self, log: &LogName, held: Held<Stored>, _: Source) {
        if let Some(name) = name_of(log).filter(|_| held.state.everyone_since != UNSETTLED) {
            self.put(&name, &held);
        }
    }

    /// A name's record stays as it is once it is settled.
    fn is_news(&self, log: &LogName, _: u64) -> bool {
        name_of(log).is_some_and(|name| !self.read().by_name.contains_key(name.as_str()))
    }
}

/// The log of a name.
fn log(name: &str) -> LogName {
    LogName::new(&name.bytes().fold(LOGS.to_owned(), |log, byte| log + &format!("{byte:02x}")))
}

/// The name of a log.
fn name_of(log: &LogName) -> Option<String> {
    let hex = log.as_str().strip_prefix(LOGS)?;
    let bytes = hex.as_bytes().chunks(2).map(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}
