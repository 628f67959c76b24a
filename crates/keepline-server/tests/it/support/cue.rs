//! Cue: a store in memory that fails where a test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use keepline_server::forward_store;
use keepline_server::store::memory::Memory;
use keepline_server::store::{
    Answer, Append, Committed, Feed, Head, LogName, Outcome, Page, Record, Store, StoreError,
};
use tokio::sync::{broadcast, oneshot};

/// What becomes of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// What should.
    Done,
    /// It is refused, for certain.
    Refused,
    /// It is stored, and the answer is lost.
    AnswerLost,
    /// It is lost, and the answer with it.
    Lost,
    /// It is stored, and never answered: as after a crash.
    Hangs,
}

/// A store that fails where it is told to, and else does what it should.
pub(crate) struct Cue {
    pub(crate) memory: Arc<Memory>,
    prefix: &'static str,
    fates: Mutex<VecDeque<Fate>>,
    damaged: Mutex<Option<LogName>>,
    /// What the next read waits for, when it has read.
    gate: Mutex<Option<oneshot::Receiver<()>>>,
    /// What the next look at a head waits for, when it has looked.
    head_gate: Mutex<Option<oneshot::Receiver<()>>>,
    /// Where nothing is ever told.
    silence: Option<broadcast::Sender<Committed>>,
}

impl Cue {
    /// The appends to logs whose names begin with `prefix` have these fates, one after the other.
    pub(crate) fn new(memory: Arc<Memory>, prefix: &'static str, fates: &[Fate]) -> Arc<Self> {
        Arc::new(Self::with(memory, prefix, fates, None))
    }

    /// All is well but that the feed tells nothing, or nothing yet.
    pub(crate) fn silent(memory: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self::with(memory, "-", &[], Some(broadcast::Sender::new(1))))
    }

    fn with(
        memory: Arc<Memory>,
        prefix: &'static str,
        fates: &[Fate],
        silence: Option<broadcast::Sender<Committed>>,
    ) -> Self {
        let fates = Mutex::new(fates.iter().copied().collect());
        Self {
            memory,
            prefix,
            fates,
            damaged: Mutex::default(),
            gate: Mutex::default(),
            head_gate: Mutex::default(),
            silence,
        }
    }

    /// From now on the disk gives something else for this log.
    pub(crate) fn damage(&self, log: &str) {
        *self.damaged.lock().unwrap() = Some(LogName::new(log));
    }

    /// The answer to the next read of a last record, as it is when it is asked for, comes when this is used or dropped.
    pub(crate) fn hold_a_read(&self) -> oneshot::Sender<()> {
        let (open, gate) = oneshot::channel();
        *self.gate.lock().unwrap() = Some(gate);
        open
    }

    /// The answer to the next look at a head, as it is when it is asked for, comes when this is used or dropped.
    pub(crate) fn hold_a_head(&self) -> oneshot::Sender<()> {
        let (open, gate) = oneshot::channel();
        *self.head_gate.lock().unwrap() = Some(gate);
        open
    }

    /// Whether somebody waits for each answer that is held.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.gate.lock().unwrap().is_none() && self.head_gate.lock().unwrap().is_none()
    }

    /// Whether each fate has met an append.
    pub(crate) fn is_over(&self) -> bool {
        self.fates.lock().unwrap().is_empty()
    }

    fn fate(&self, log: &LogName) -> Fate {
        if !log.as_str().starts_with(self.prefix) {
            return Fate::Done;
        }
        self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Done)
    }
}

impl Store for Cue {
    forward_store!(memory; durability, read, logs, trim, forget, put_mark, marks, health);

    fn append(&self, append: Append) -> Answer<Outcome> {
        match self.fate(&append.log) {
            Fate::Done => self.memory.append(append),
            Fate::Refused => Box::pin(async { Err(StoreError::Full) }),
            Fate::Lost => Box::pin(async { Ok(Outcome::Unknown) }),
            Fate::AnswerLost => {
                drop(self.memory.append(append));
                Box::pin(async { Ok(Outcome::Unknown) })
            }
            Fate::Hangs => {
                drop(self.memory.append(append));
                Box::pin(std::future::pending())
            }
        }
    }

    fn head(&self, log: &LogName) -> Answer<Head> {
        let answer = self.memory.head(log);
        match self.head_gate.lock().unwrap().take() {
            None => answer,
            Some(gate) => Box::pin(async move {
                let _ = gate.await;
                answer.await
            }),
        }
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> Answer<Vec<Record>> {
        if self.damaged.lock().unwrap().as_ref() == Some(log) {
            return Box::pin(async { Err(StoreError::Damaged("a flipped bit".into())) });
        }
        let answer = self.memory.read_back(log, before, page);
        match self.gate.lock().unwrap().take() {
            None => answer,
            Some(gate) => Box::pin(async move {
                let _ = gate.await;
                answer.await
            }),
        }
    }

    fn subscribe(&self) -> Feed {
        self.silence.as_ref().map_or_else(|| self.memory.subscribe(), broadcast::Sender::subscribe)
    }
}
