//! Delayed messages: on time, once, listed, edited and cancelled, whatever happens meanwhile.

mod cim_flaws;
mod crash;
mod list;
mod races;
mod time;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use keepline_server::clock::Clock;
use keepline_server::conversation::Conversation;
use keepline_server::id::{MessageId, UserId};
use keepline_server::message::{Kind, Message};
use keepline_server::schedule::{Delayed, Deliver, Schedules, Undelivered};
use keepline_server::store::memory::Memory;
use keepline_server::store::{Append, Expected, LogName, Page, Store};
use tokio::sync::watch;

use crate::support::id;
use crate::support::wall::Wall;

/// What becomes of a message that is to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// What should.
    Done,
    /// It is not stored, and may be another time.
    Later,
    /// It is stored, and nobody says so.
    DoneThenLater,
    /// It is not stored, and nobody ever answers.
    Hangs,
    /// It is stored, and nobody ever answers.
    DoneThenHangs,
    /// It is not stored, nor ever will be.
    Refused,
    /// Whoever stores it falls.
    Panics,
}

/// Stores messages in their conversations, each id once, and notes when.
struct Post {
    store: Arc<Memory>,
    wall: Wall,
    fates: Mutex<VecDeque<Fate>>,
    stored: watch::Sender<Vec<Stored>>,
    calls: watch::Sender<usize>,
}

/// A message that was stored, and when by the wall's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    sender: UserId,
    text: String,
    at_ms: u64,
}

impl Post {
    fn new(store: Arc<Memory>, wall: &Wall, fates: &[Fate]) -> Arc<Self> {
        let fates = Mutex::new(fates.iter().copied().collect());
        let (stored, calls) = (watch::Sender::default(), watch::Sender::default());
        Arc::new(Self { store, wall: wall.clone(), fates, stored, calls })
    }

    /// What was stored, as soon as that are so many.
    async fn stored(&self, many: usize) -> Vec<Stored> {
        self.stored.subscribe().wait_for(|stored| stored.len() >= many).await.unwrap().clone()
    }

    /// Waits until it was called so often.
    async fn called(&self, times: usize) {
        self.calls.subscribe().wait_for(|calls| *calls >= times).await.unwrap();
    }

    fn texts(&self) -> Vec<String> {
        self.stored.borrow().iter().map(|stored| stored.text.clone()).collect()
    }
}

impl Deliver for Post {
    fn send(&self, sender: &UserId, id: MessageId, message: Delayed) -> BoxFuture<'static, Result<u64, Undelivered>> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Done);
        self.calls.send_modify(|calls| *calls += 1);
        match fate {
            Fate::Later => return Box::pin(async { Err(Undelivered::Later) }),
            Fate::Refused => return Box::pin(async { Err(Undelivered::Refused("not_member")) }),
            Fate::Hangs => return Box::pin(std::future::pending()),
            Fate::Panics => panic!("as told"),
            Fate::Done | Fate::DoneThenLater | Fate::DoneThenHangs => {}
        }
        let (sender, at_ms) = (sender.clone(), self.wall.now_ms());
        let text = String::from_utf8(message.body.to_vec()).unwrap();
        let record = Message { sender: sender.clone(), kind: message.kind, body: message.body, at_ms: 0 }.to_record();
        let append = Append { log: message.conversation.log(), expected: Expected::Any, id, body: record };
        let (store, stored) = (self.store.clone(), self.stored.clone());
        Box::pin(async move {
            use keepline_server::store::Outcome::{Appended, Duplicate};
            let seq = match store.append(append).await {
                Ok(Appended(seq)) => {
                    stored.send_modify(|stored| stored.push(Stored { sender, text, at_ms }));
                    seq
                }
                Ok(Duplicate(seq)) => seq,
                other => panic!("{other:?}"),
            };
            match fate {
                Fate::DoneThenLater => Err(Undelivered::Later),
                Fate::DoneThenHangs => std::future::pending().await,
                _ => Ok(seq),
            }
        })
    }
}

fn text(text: &str) -> Delayed {
    let conversation = Conversation::private(id("ann"), id("bob"));
    Delayed { conversation, kind: Kind::Text, body: text.to_owned().into() }
}

async fn node(store: Arc<dyn Store>, post: &Arc<Post>, wall: &Wall) -> Schedules {
    Schedules::load_at(store, post.clone(), Arc::new(wall.clone())).await.unwrap()
}

/// What the conversation's log says, which is what counts.
async fn said(store: &Memory) -> Vec<String> {
    let log: LogName = Conversation::private(id("ann"), id("bob")).log();
    let records = store.read(&log, 0, Page { records: 10_000, bytes: 1 << 24 }).await.unwrap();
    let text = |message: Message| String::from_utf8(message.body.to_vec()).unwrap();
    records.iter().map(|record| text(Message::from_record(record).unwrap().1)).collect()
}
