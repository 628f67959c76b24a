//! Entity: one thing that is kept as a log of its own, whose last record is its state.
//!
//! An account, a token, a group and a delayed message are entities. One is made by appending at head 0, which only one
//! of many can do, and changed by appending at the head that was read, which fails if anybody changed it meanwhile. So
//! there is no lock in the store, and none between nodes. What is older than the last record is dropped.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

use crate::id::MessageId;
use crate::store::{Append, Expected, LARGEST, LogName, Outcome, Page, Record, Store, StoreError};

pub(crate) mod follow;
pub(crate) mod replica;
pub(crate) mod scan;

/// What an entity's record says. Fields are only ever added: what is stored stays readable.
pub(crate) trait State: prost::Message + Default + 'static {}

impl<S: prost::Message + Default + 'static> State for S {}

/// How often a request is made again before we say that we do not know what became of it.
const TRIES: u32 = 6;

/// How long we wait before the second try; each further wait is twice the one before, 0.3 s in all.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// How often a change begins anew because another node was faster.
const ROUNDS: u32 = 16;

/// Changes of entities whose names fall into one of so many classes wait for each other in this process.
const LANES: usize = 64;

/// The last record of a log and nothing else.
const LAST: Page = Page { records: 1, bytes: LARGEST };

/// The entities of one store.
pub(crate) struct Entities {
    store: Arc<dyn Store>,
    /// So that a hundred changes of one entity in this process are a queue, and not ten thousand conflicts. What holds
    /// between nodes is the expected head.
    lanes: [Mutex<()>; LANES],
}

/// A state, and the number of the record that says it.
#[derive(Clone, Debug)]
pub(crate) struct Held<S> {
    pub(crate) seq: u64,
    pub(crate) state: S,
}

/// Why nothing was written, or perhaps nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// The store did not say what became of it, however often it was asked. It may be written, or be written yet.
    #[error("the store did not say whether it was written")]
    Unknown,
    /// Nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an entity was not changed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChangeError<E> {
    /// There is none of this name.
    Absent,
    /// The change itself says no to the state as it is.
    Refused(E),
    /// Other nodes changed it each time that we tried.
    Contended,
    /// As with any write.
    Write(WriteError),
}

impl<E> From<WriteError> for ChangeError<E> {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

impl<E> From<StoreError> for ChangeError<E> {
    fn from(error: StoreError) -> Self {
        Self::Write(error.into())
    }
}

/// Makes an error one of entities: with `UnknownOutcome`, `Store` and `Conflict`, and a word for an entity that is not
/// there.
macro_rules! entity_error {
    ($error:ty, absent: $absent:ident) => {
        impl From<$crate::entity::WriteError> for $error {
            fn from(error: $crate::entity::WriteError) -> Self {
                match error {
                    $crate::entity::WriteError::Unknown => Self::UnknownOutcome,
                    $crate::entity::WriteError::Store(error) => Self::Store(error),
                }
            }
        }

        impl From<$crate::entity::ChangeError<Self>> for $error {
            fn from(error: $crate::entity::ChangeError<Self>) -> Self {
                match error {
                    $crate::entity::ChangeError::Absent => Self::$absent,
                    $crate::entity::ChangeError::Refused(error) => error,
                    $crate::entity::ChangeError::Contended => Self::Conflict,
                    $crate::entity::ChangeError::Write(error) => error.into(),
                }
            }
        }
    };
}
pub(crate) use entity_error;

impl Entities {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, lanes: [const { Mutex::const_new(()) }; LANES] }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The state of an entity; `None` if there is none of this name, or nothing is left of it.
    pub(crate) async fn read<S: State>(&self, log: &LogName) -> Result<Option<Held<S>>, StoreError> {
        let last = self.store.read_back(log, u64::MAX, LAST).await?;
        last.first().map(|record| decode(log, record)).transpose()
    }

    /// Makes an entity; its record's number, or `None` if the name is taken, for ever.
    pub(crate) async fn create<S: State>(&self, log: &LogName, state: &S) -> Result<Option<u64>, WriteError> {
        self.append(log, 0, state).await
    }

    /// Changes an entity by what `change` makes of its state. It is called again with the newer state when another
    /// node was faster; with `None` from it everything stays as it is.
    pub(crate) async fn change<S: State, E>(
        &self,
        log: &LogName,
        mut change: impl FnMut(&S) -> Result<Option<S>, E>,
    ) -> Result<Held<S>, ChangeError<E>> {
        let _turn = self.turn(log).await;
        for _ in 0..ROUNDS {
            let held = self.read::<S>(log).await?.ok_or(ChangeError::Absent)?;
            let Some(state) = change(&held.state).map_err(ChangeError::Refused)? else {
                return Ok(held);
            };
            if let Some(seq) = self.append(log, held.seq, &state).await? {
                // Not waited for: what is not dropped now is dropped by the next change.
                drop(self.store.trim(log, held.seq));
                return Ok(Held { seq, state });
            }
        }
        Err(ChangeError::Contended)
    }

    /// A turn at what `key` stands for: nobody else in this process has it meanwhile, nor those of some other keys.
    /// Never ask for a second turn while holding one.
    pub(crate) async fn turn(&self, key: impl Hash) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % LANES as u64).unwrap_or(0);
        self.lanes[lane].lock().await
    }

    /// Appends at a head; `None` if the head is another. The same request is made again while the store does not say
    /// what became of it, so that it is stored once.
    async fn append<S: State>(&self, log: &LogName, head: u64, state: &S) -> Result<Option<u64>, WriteError> {
        let expected = Expected::Head(head);
        let append = Append { log: log.clone(), expected, id: new_id()?, body: state.encode_to_vec().into() };
        let (mut wait, mut maybe) = (FIRST_WAIT, false);
        for attempt in 1..=TRIES {
            match self.store.append(append.clone()).await {
                Ok(Outcome::Appended(seq) | Outcome::Duplicate(seq)) => return Ok(Some(seq)),
                // Whatever an earlier try is still up to, it cannot succeed any more.
                Ok(Outcome::Conflict { .. }) => return Ok(None),
                Ok(Outcome::Unknown) => maybe = true,
                Err(error) if !maybe => return Err(error.into()),
                // This try failed for certain; the one before it may have not.
                Err(_) => {}
            }
            if attempt < TRIES {
                sleep(wait).await;
                wait *= 2;
            }
        }
        Err(WriteError::Unknown)
    }
}

/// What a record says.
pub(crate) fn decode<S: State>(log: &LogName, record: &Record) -> Result<Held<S>, StoreError> {
    match S::decode(record.body.clone()) {
        Ok(state) => Ok(Held { seq: record.seq, state }),
        Err(error) => Err(damaged(log, record.seq, &error)),
    }
}

/// That a record is not what was written.
pub(crate) fn damaged(log: &LogName, seq: u64, what: &impl ToString) -> StoreError {
    StoreError::Damaged(format!("record {seq} of {log}: {}", what.to_string()).into())
}

/// A number that nobody had before.
fn new_id() -> Result<MessageId, StoreError> {
    random().map(MessageId::new)
}

/// Bytes from the kernel; its failure is passed on, never replaced.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Unavailable(format!("the kernel gives no randomness: {error}").into()))?;
    Ok(bytes)
}
