//! Run: messages of one conversation that follow each other and were just stored, on their way to many sessions.
//!
//! What a burst costs is paid once for each session and not once for each message: one look at its cursors, one push,
//! one turn of its line. The frames of our own protocol are encoded and joined once for all sessions; who has no room
//! for all of them is pushed a piece of the same bytes.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::cursors::Offer;
use super::{Envelope, Live, Session, Speaks, State, cim, now_ms};
use crate::conversation::Conversation;
use crate::metrics::Metrics;

/// Messages of one conversation, ascending without a hole.
#[derive(Debug)]
pub(crate) struct Run {
    conversation: Conversation,
    messages: Vec<Envelope>,
    /// Whether it was pushed to anybody.
    pushed: AtomicBool,
    /// The frames of our own protocol, made when the first session asks.
    frames: OnceLock<Frames>,
}

/// Frames one behind the other.
#[derive(Debug)]
struct Frames {
    bytes: Bytes,
    /// Where each ends; where the one before does, if its message fits no frame.
    ends: Vec<usize>,
}

impl Run {
    pub(crate) const fn new(conversation: Conversation, messages: Vec<Envelope>) -> Self {
        Self { conversation, messages, pushed: AtomicBool::new(false), frames: OnceLock::new() }
    }

    /// It was pushed to a session: of the first it is noted how long after the messages were taken.
    fn note_push(&self, metrics: &Metrics) {
        if self.pushed.load(Ordering::Relaxed) || self.pushed.swap(true, Ordering::Relaxed) {
            return;
        }
        let now = now_ms();
        for message in &self.messages {
            metrics.delivered(Duration::from_millis(now.saturating_sub(message.message.at_ms)));
        }
    }

    fn frames(&self) -> &Frames {
        self.frames.get_or_init(|| {
            let mut bytes = BytesMut::new();
            let mut ends = Vec::with_capacity(self.messages.len());
            for message in &self.messages {
                bytes.extend_from_slice(&message.frame().unwrap_or_default());
                ends.push(bytes.len());
            }
            Frames { bytes: bytes.freeze(), ends }
        })
    }
}

impl Frames {
    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    fn has(&self, at: usize) -> bool {
        self.ends[at] > self.start(at)
    }

    fn slice(&self, of: Range<usize>) -> Bytes {
        self.bytes.slice(self.start(of.start)..self.start(of.end))
    }
}

impl Session {
    /// Messages of one of the user's conversations have just been stored. A panic on their way ends this session alone:
    /// whoever offers them has others to offer them to.
    pub(crate) fn offer(self: &Arc<Self>, run: &Run) {
        if catch_unwind(AssertUnwindSafe(|| self.take(run))).is_err() {
            // Of several it is not known which; the log will be read one by one.
            let seq = if let [message] = &run.messages[..] { Some(message.seq) } else { None };
            self.broke(&run.conversation, seq);
        }
    }

    fn take(self: &Arc<Self>, run: &Run) {
        let mut state = self.lock();
        // Syncing: they are known to the directory, and the marks are compared with that.
        let State::Live(live) = &mut *state else { return };
        run.messages.iter().for_each(|envelope| self.environment.step_on_trap(&self.user, &envelope.message));
        let (frames, messages) = match self.speaks {
            Speaks::V1 => accept(live, run),
            Speaks::Cim(receiver) => self.accept_cim(live, run, receiver),
        };
        if messages > 0 {
            live.pushes += 1;
            if self.connection.push_all(frames, messages).is_err() {
                *state = State::Ended;
                return;
            }
            self.environment.metrics.messages_pushed(messages);
            run.note_push(&self.environment.metrics);
        }
        self.go_on(live);
    }

    /// As [`accept`], in cim's frames, which are made for each receiver.
    fn accept_cim(&self, live: &mut Live, run: &Run, receiver: cim::Receiver) -> (Bytes, usize) {
        let (conversation, push) = (&run.conversation, live.pushes + 1);
        let (mut frames, mut messages) = (Vec::new(), 0);
        for envelope in &run.messages {
            let seq = envelope.seq;
            if self.is_own(envelope) {
                let before = if messages > 0 { push } else { push - 1 };
                if live.cursors.as_mut().is_none_or(|cursors| cursors.offer_nothing(conversation, seq, before)) {
                    self.mark(conversation, seq);
                }
                continue;
            }
            let cursors = live.cursors.get_or_insert_default();
            match cim::live(receiver, &self.environment.directory, &envelope.message) {
                Ok(frame) => {
                    if cursors.offer(conversation, seq, envelope.weight(), push) == Offer::Push {
                        frames.extend_from_slice(&frame);
                        messages += 1;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, session = %self.id, "a message that fits no frame of cim");
                    cursors.fall_behind(conversation, seq.saturating_sub(1));
                }
            }
        }
        (frames.into(), messages)
    }
}

/// Counts as sent what there is room for; its frames, and how many messages that is.
fn accept(live: &mut Live, run: &Run) -> (Bytes, usize) {
    let (frames, push) = (run.frames(), live.pushes + 1);
    let cursors = live.cursors.get_or_insert_default();
    // One piece: what comes before it was sent already, and what comes behind it is left to the log.
    let mut piece = 0..0;
    for (at, message) in run.messages.iter().enumerate() {
        if !frames.has(at) {
            cursors.fall_behind(&run.conversation, message.seq.saturating_sub(1));
        } else if cursors.offer(&run.conversation, message.seq, message.weight(), push) == Offer::Push {
            debug_assert!(piece.is_empty() || piece.end == at, "a piece without a hole");
            piece = if piece.is_empty() { at..at + 1 } else { piece.start..at + 1 };
        }
    }
    let messages = piece.len();
    (frames.slice(piece), messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MessageId;
    use crate::message::{Kind, Message};
    use crate::session::cursors::WINDOW_MESSAGES;
    use crate::store::Record;

    /// The messages `from` to `to`, each one byte longer than the one before.
    fn run(from: u64, to: u64) -> Run {
        let envelope = |seq: u64| {
            let body = vec![b'x'; usize::try_from(seq).unwrap()].into();
            let message = Message { sender: "ann".parse().unwrap(), kind: Kind::Text, body, at_ms: 7 };
            let record = Record { seq, id: MessageId::new([1; 16]), body: message.to_record() };
            Envelope::open(Conversation::Everyone, &record).unwrap()
        };
        Run::new(Conversation::Everyone, (from..=to).map(envelope).collect())
    }

    /// The frames of these messages, each by itself, in their order.
    fn one_by_one(from: u64, to: u64) -> Bytes {
        (from..=to).flat_map(|seq| run(seq, seq).messages[0].frame().unwrap()).collect::<Vec<_>>().into()
    }

    #[test]
    fn a_run_goes_out_in_one_piece_and_in_its_order() {
        let mut live = Live::default();
        assert_eq!(accept(&mut live, &run(5, 12)), (one_by_one(5, 12), 8));
        let cursors = live.cursors.as_mut().unwrap();
        assert_eq!(cursors.position(&Conversation::Everyone), Some((4, 12)));
    }

    #[test]
    fn a_full_window_cuts_a_run_and_leaves_the_rest_to_the_log() {
        let most = WINDOW_MESSAGES as u64;
        let mut live = Live::default();
        assert_eq!(accept(&mut live, &run(1, most - 3)).1, WINDOW_MESSAGES - 3);
        assert_eq!(accept(&mut live, &run(most - 2, most + 5)), (one_by_one(most - 2, most), 3));
        let cursors = live.cursors.as_mut().unwrap();
        assert_eq!(cursors.position(&Conversation::Everyone), Some((0, most)), "no more is counted as sent");
        assert!(!cursors.has_work());
        let _ = cursors.ack(&Conversation::Everyone, 9);
        assert_eq!(cursors.next_read().map(|(_, after, _)| after), Some(most), "the log is read from there");
        assert_eq!(accept(&mut live, &run(most + 6, most + 7)), (Bytes::new(), 0), "also what comes next");
    }

    #[test]
    fn what_a_session_has_already_is_cut_off_in_front() {
        let mut live = Live::default();
        assert_eq!(accept(&mut live, &run(1, 3)).1, 3);
        assert_eq!(accept(&mut live, &run(2, 6)), (one_by_one(4, 6), 3));
        assert_eq!(accept(&mut live, &run(2, 6)).1, 0);
    }
}
