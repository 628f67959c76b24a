//! `Sends`: the messages without a final answer, in the order in which they were given.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use keepline_check::MessageId;
use keepline_proto::wire::im::v1;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use super::Submission;
use crate::witness::Verdict;

/// How long a message waits that the server asked to send again.
const PUT_OFF: Duration = Duration::from_millis(200);

pub(super) struct Sends {
    /// The upper half of every id of this client.
    space: u64,
    count: u64,
    open: VecDeque<Open>,
}

/// A message without a final answer.
pub(super) struct Open {
    pub(super) id: MessageId,
    pub(super) conv: String,
    body: Vec<u8>,
    pub(super) answer: oneshot::Sender<Verdict>,
    state: State,
}

/// Where an open message is.
enum State {
    /// Not on the line there is.
    Waiting,
    /// An attempt is under way.
    Attempted,
    /// The server asked to send it again, and it is on no line until then.
    PutOff(Instant),
}

impl Sends {
    pub(super) fn new(space: u64) -> Self {
        Self { space, count: 0, open: VecDeque::new() }
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Every message without an answer, the first given first.
    pub(super) fn all(&self) -> Vec<MessageId> {
        self.open.iter().map(|open| open.id).collect()
    }

    /// Takes a new message, and gives it an id.
    pub(super) fn add(&mut self, message: Submission) -> MessageId {
        self.count += 1;
        let id = MessageId(u128::from(self.space) << 64 | u128::from(self.count));
        let Submission { conv, body, answer } = message;
        self.open.push_back(Open { id, conv, body, answer, state: State::Waiting });
        id
    }

    /// The frame of an attempt that begins now.
    pub(super) fn begin(&mut self, id: MessageId) -> Option<v1::Send> {
        let open = self.open.iter_mut().find(|open| open.id == id)?;
        open.state = State::Attempted;
        let message_id = id.0.to_be_bytes().to_vec().into();
        let (conversation, body) = (open.conv.clone(), open.body.clone().into());
        // A text is UTF-8 by the protocol.
        let kind = if str::from_utf8(&open.body).is_ok() { v1::Kind::Text } else { v1::Kind::Custom };
        Some(v1::Send { conversation, message_id, kind: kind.into(), body })
    }

    /// Its final answer is here.
    pub(super) fn answer(&mut self, id: MessageId) -> Option<Open> {
        let place = self.open.iter().position(|open| open.id == id)?;
        self.open.remove(place)
    }

    /// The server asked to send it again later; its conversation, if an attempt was under way.
    pub(super) fn put_off(&mut self, id: MessageId) -> Option<String> {
        let open = self.open.iter_mut().find(|open| open.id == id && matches!(open.state, State::Attempted))?;
        open.state = State::PutOff(Instant::now() + PUT_OFF);
        Some(open.conv.clone())
    }

    /// Resolves when a message that was put off is due; never if there is none. May be dropped at any time.
    pub(super) async fn due(&self) -> MessageId {
        let put_off = self.open.iter().filter_map(|open| match open.state {
            State::PutOff(at) => Some((at, open.id)),
            State::Waiting | State::Attempted => None,
        });
        let Some((at, id)) = put_off.min_by_key(|(at, _)| *at) else { return pending().await };
        sleep_until(at).await;
        id
    }

    /// The line is gone: the messages whose attempt was under way, with their conversations.
    pub(super) fn line_lost(&mut self) -> Vec<(String, MessageId)> {
        let mut lost = Vec::new();
        for open in &mut self.open {
            if matches!(open.state, State::Attempted) {
                lost.push((open.conv.clone(), open.id));
            }
            open.state = State::Waiting;
        }
        lost
    }
}
