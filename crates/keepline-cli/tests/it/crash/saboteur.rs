//! Saboteur: a store that breaks its word in one way, in front of one that keeps it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};

use keepline_server::forward_store;
use keepline_server::id::MessageId;
use keepline_server::store::memory::Memory;
use keepline_server::store::{Answer, Append, FEED, Feed, LogName, Outcome, Page, Record, Store};
use tokio::sync::broadcast;

/// Acknowledged messages that are not stored yet, where they are acknowledged first.
const BEHIND: usize = 64;

/// The messages with a multiple of this number are overlooked, where any are.
const OVERLOOKED: u64 = 3;

/// A store that can't be trusted with messages. It keeps everything else.
pub(crate) struct Saboteur {
    honest: Arc<Memory>,
    trick: Trick,
}

/// What it does.
enum Trick {
    /// Acknowledges a message, and stores it when `BEHIND` others have come.
    AckFirst(Mutex<Promised>),
    /// Stores a message that is sent again as another one. Its readers see the id that its sender chose.
    ForgetIds(Arc<Mutex<Aliases>>),
    /// Leaves messages out of the first page with them, as if they had been dropped; it has these.
    Overlook(Arc<Mutex<HashSet<MessageId>>>),
}

#[derive(Default)]
struct Promised {
    heads: HashMap<LogName, u64>,
    seqs: HashMap<(LogName, MessageId), u64>,
    waiting: VecDeque<Append>,
}

/// The ids that senders chose, by those under which their messages are stored.
#[derive(Default)]
struct Aliases {
    chosen: HashMap<MessageId, MessageId>,
    appended: u128,
}

impl Saboteur {
    pub(crate) fn acks_first(honest: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self { honest, trick: Trick::AckFirst(Mutex::default()) })
    }

    pub(crate) fn forgets_ids(honest: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self { honest, trick: Trick::ForgetIds(Arc::default()) })
    }

    pub(crate) fn overlooks(honest: Arc<Memory>) -> Arc<Self> {
        Arc::new(Self { honest, trick: Trick::Overlook(Arc::default()) })
    }

    /// What its readers are shown.
    fn shown(&self, records: Answer<Vec<Record>>) -> Answer<Vec<Record>> {
        match &self.trick {
            Trick::AckFirst(_) => records,
            Trick::ForgetIds(aliases) => {
                let aliases = Arc::clone(aliases);
                Box::pin(async move {
                    let mut records = records.await?;
                    let aliases = aliases.lock().expect("nobody panics");
                    records.iter_mut().for_each(|record| aliases.show(record));
                    Ok(records)
                })
            }
            Trick::Overlook(overlooked) => {
                let overlooked = Arc::clone(overlooked);
                Box::pin(async move {
                    let records = records.await?;
                    Ok(overlook(records, &mut overlooked.lock().expect("nobody panics")))
                })
            }
        }
    }
}

/// What is left of a page. Its last message stays: a hole has an end.
fn overlook(mut records: Vec<Record>, overlooked: &mut HashSet<MessageId>) -> Vec<Record> {
    let last = records.last().map(|record| record.seq);
    records.retain(|record| {
        let due = record.seq.is_multiple_of(OVERLOOKED) && Some(record.seq) != last;
        !(due && overlooked.insert(record.id))
    });
    records
}

impl Promised {
    fn append(&mut self, append: Append, honest: &Memory) -> Outcome {
        let key = (append.log.clone(), append.id);
        if let Some(seq) = self.seqs.get(&key) {
            return Outcome::Duplicate(*seq);
        }
        let head = self.heads.entry(append.log.clone()).or_default();
        *head += 1;
        self.seqs.insert(key, *head);
        self.waiting.push_back(append);
        if self.waiting.len() > BEHIND
            && let Some(first) = self.waiting.pop_front()
        {
            // It is done at the call.
            drop(honest.append(first));
        }
        Outcome::Appended(*head)
    }
}

impl Aliases {
    fn rename(&mut self, append: &mut Append) {
        self.appended += 1;
        let alias = MessageId::new(self.appended.to_be_bytes());
        self.chosen.insert(alias, append.id);
        append.id = alias;
    }

    fn show(&self, record: &mut Record) {
        record.id = self.chosen.get(&record.id).copied().unwrap_or(record.id);
    }
}

impl Store for Saboteur {
    forward_store!(honest; durability, head, logs, trim, forget, put_mark, marks, health);

    fn append(&self, mut append: Append) -> Answer<Outcome> {
        if append.log.conversation().is_none() {
            return self.honest.append(append);
        }
        match &self.trick {
            Trick::Overlook(_) => self.honest.append(append),
            Trick::AckFirst(promised) => {
                let outcome = promised.lock().expect("nobody panics").append(append, &self.honest);
                Box::pin(std::future::ready(Ok(outcome)))
            }
            Trick::ForgetIds(aliases) => {
                // Under the lock, so that nobody reads a record whose alias is not known.
                let mut aliases = aliases.lock().expect("nobody panics");
                aliases.rename(&mut append);
                self.honest.append(append)
            }
        }
    }

    fn read(&self, log: &LogName, after: u64, page: Page) -> Answer<Vec<Record>> {
        self.shown(self.honest.read(log, after, page))
    }

    fn read_back(&self, log: &LogName, before: u64, page: Page) -> Answer<Vec<Record>> {
        self.shown(self.honest.read_back(log, before, page))
    }

    fn subscribe(&self) -> Feed {
        let mut honest = self.honest.subscribe();
        let Trick::ForgetIds(aliases) = &self.trick else { return honest };
        let aliases = Arc::clone(aliases);
        let (shown, receiver) = broadcast::channel(FEED);
        tokio::spawn(async move {
            while let Ok(mut committed) = honest.recv().await {
                aliases.lock().expect("nobody panics").show(&mut committed.record);
                if shown.send(committed).is_err() {
                    return;
                }
            }
        });
        receiver
    }
}
