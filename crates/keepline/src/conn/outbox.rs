//! Outbox: what a line has not written yet, bounded in messages, bytes and age; control frames first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use keepline_proto::{Duration, Instant};

/// How much a line may hold back for a slow peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxLimits {
    /// Messages waiting; default 256. Several that were pushed in one piece count each
    /// ([`Connection::push_all`](super::Connection::push_all)), also while a part of the piece is written.
    pub messages: usize,
    /// Bytes waiting, 1 MiB by default. A reply that is larger by itself still goes out: against the line counts only
    /// what the handler sends behind it. Messages of handles are counted apart from replies, so that a large one on its
    /// way out takes no room from them.
    pub bytes: usize,
    /// The age of the oldest, 30 s by default. Older means the peer does not read: the line is closed as
    /// [`SlowConsumer`](crate::Reason::SlowConsumer).
    pub age: Duration,
    /// Above this many waiting bytes the line stops reading, so that a peer which only asks gets no further; 64 KiB.
    pub high_water: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { messages: 256, bytes: 1 << 20, age: Duration::from_secs(30), high_water: 64 << 10 }
    }
}

/// What waits for a line's peer: a look at its outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queued {
    /// Messages that are not wholly written, heartbeats among them; those of one piece until the last of it is, and
    /// replies of one turn that the socket did not take are one.
    pub messages: usize,
    /// Their bytes that the socket has not taken. What the kernel's send queue holds is not among them.
    pub bytes: usize,
    /// How long the oldest waits; `None` if nothing does.
    pub oldest: Option<Duration>,
}

/// Which queue a frame waits in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Pings and pongs: they overtake data, but never cut a frame in two.
    Control,
    Data,
}

/// Who gave a frame to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The line's own turn: replies and heartbeats, held within bounds by back-pressure.
    Turn,
    /// A handle: held within bounds by refusal.
    Handle,
}

/// One frame, or several whole ones, waiting.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) bytes: Bytes,
    /// How many messages these are.
    pub(crate) messages: usize,
    pub(crate) since: Instant,
    pub(crate) origin: Origin,
    /// Set when the first byte of the item has gone to the kernel.
    pub(crate) sent: Option<Arc<AtomicBool>>,
}

/// Allocated only while a line holds something.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The frame of which a part is written, if any: nothing may come before the rest of it.
    head: Option<Item>,
    /// How much of the head's frame is written.
    head_written: u64,
    control: VecDeque<Item>,
    data: VecDeque<Item>,
    messages: usize,
    bytes: usize,
    /// Those of them that came from handles.
    pushed: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, lane: Lane, item: Item) {
        if item.bytes.is_empty() {
            return;
        }
        self.bytes += item.bytes.len();
        self.messages += item.messages;
        if item.origin == Origin::Handle {
            self.pushed += item.bytes.len();
        }
        match lane {
            Lane::Control => self.control.push_back(item),
            Lane::Data => self.data.push_back(item),
        }
    }

    /// The rest of a frame of which `written` bytes are out already.
    pub(crate) fn push_head(&mut self, item: Item, written: usize) {
        debug_assert!(self.head.is_none(), "only one frame can be partly written");
        self.bytes += item.bytes.len();
        self.messages += item.messages;
        self.head = Some(item);
        self.head_written = written as u64;
    }

    /// Bytes of the item at the front that are written.
    pub(crate) const fn head_written(&self) -> u64 {
        self.head_written
    }

    /// Takes every item as if it had come at `now`.
    pub(crate) fn forgive(&mut self, now: Instant) {
        for item in self.head.iter_mut().chain(&mut self.control).chain(&mut self.data) {
            item.since = now;
        }
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that handles have given and that wait.
    pub(crate) const fn pushed(&self) -> usize {
        self.pushed
    }

    /// Bytes behind the item at the front: however large that is, it is one answer, and the peer may be taking it.
    pub(crate) fn behind_first(&self) -> usize {
        let first = self.head.as_ref().or_else(|| self.control.front()).or_else(|| self.data.front());
        self.bytes - first.map_or(0, |item| item.bytes.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Messages that are not wholly written.
    pub(crate) const fn messages(&self) -> usize {
        self.messages
    }

    pub(crate) fn queued(&self, now: Instant) -> Queued {
        Queued { messages: self.messages, bytes: self.bytes, oldest: self.oldest().map(|since| now.since(since)) }
    }

    /// Since when the oldest item waits.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let fronts = [self.head.as_ref(), self.control.front(), self.data.front()];
        fronts.into_iter().flatten().map(|item| item.since).min()
    }

    /// Copies what would go next into `out`, up to about `limit` bytes.
    pub(crate) fn gather(&self, out: &mut Vec<u8>, limit: usize) {
        for item in self.head.iter().chain(&self.control).chain(&self.data) {
            let room = limit.saturating_sub(out.len());
            if room == 0 {
                return;
            }
            out.extend_from_slice(&item.bytes[..item.bytes.len().min(room)]);
        }
    }

    /// The first `count` gathered bytes are written; how many items that completes.
    pub(crate) fn advance(&mut self, mut count: usize) -> usize {
        let mut completed = 0;
        self.bytes -= count;
        while count > 0 {
            let next = self.head.take().or_else(|| self.control.pop_front()).or_else(|| self.data.pop_front());
            let Some(mut item) = next else { break };
            if let Some(sent) = &item.sent {
                sent.store(true, Ordering::Release);
            }
            let taken = item.bytes.len().min(count);
            count -= taken;
            if item.origin == Origin::Handle {
                self.pushed -= taken;
            }
            if taken < item.bytes.len() {
                item.bytes = item.bytes.slice(taken..);
                self.head = Some(item);
                self.head_written += taken as u64;
            } else {
                self.head_written = 0;
                self.messages -= item.messages;
                completed += 1;
            }
        }
        completed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &'static str, at: u64) -> Item {
        Item {
            bytes: Bytes::from_static(text.as_bytes()),
            messages: 1,
            since: Instant::from_nanos(at),
            origin: Origin::Turn,
            sent: None,
        }
    }

    fn next(outbox: &Outbox, limit: usize) -> String {
        let mut out = Vec::new();
        outbox.gather(&mut out, limit);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn control_overtakes_data_but_never_cuts_a_frame() {
        let mut outbox = Outbox::default();
        outbox.push(Lane::Data, item("data1", 1));
        outbox.push(Lane::Data, item("data2", 2));
        outbox.push(Lane::Control, item("ping", 3));
        assert_eq!(next(&outbox, 100), "pingdata1data2");
        assert_eq!((outbox.advance(6), outbox.head_written()), (1, 2), "the ping, and two bytes of data1");
        outbox.push(Lane::Control, item("pong", 4));
        assert_eq!(next(&outbox, 100), "ta1pongdata2");
        assert_eq!(next(&outbox, 5), "ta1po");
        assert_eq!((outbox.advance(12), outbox.head_written()), (3, 0));
        assert!(outbox.is_empty());
    }

    #[test]
    fn the_first_byte_written_marks_an_item_as_sent() {
        let mut outbox = Outbox::default();
        let marks = [Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false))];
        for mark in &marks {
            outbox.push(Lane::Data, Item { sent: Some(Arc::clone(mark)), ..item("abc", 0) });
        }
        outbox.advance(3);
        assert!(marks[0].load(Ordering::Acquire));
        assert!(!marks[1].load(Ordering::Acquire), "nothing of the second has left");
        outbox.advance(1);
        assert!(marks[1].load(Ordering::Acquire));
    }

    #[test]
    fn what_handles_gave_is_counted_apart() {
        let mut outbox = Outbox::default();
        outbox.push_head(item("ly", 1), 3);
        outbox.push(Lane::Data, Item { origin: Origin::Handle, ..item("pushed", 2) });
        outbox.push(Lane::Data, item("reply", 3));
        let steps = [(0, 6), (2, 6), (4, 2), (3, 0), (4, 0)];
        for (step, pushed) in steps {
            outbox.advance(step);
            assert_eq!(outbox.pushed(), pushed, "after {step} more");
        }
        assert!(outbox.is_empty());
    }

    #[test]
    fn the_account_and_the_age_follow_what_waits() {
        let mut outbox = Outbox::default();
        outbox.push(Lane::Data, item("abc", 7));
        outbox.push(Lane::Control, item("x", 9));
        outbox.push(Lane::Data, item("", 1));
        assert_eq!((outbox.bytes(), outbox.messages(), outbox.oldest()), (4, 2, Some(Instant::from_nanos(7))));
        assert_eq!(outbox.behind_first(), 3, "the control frame goes first");
        outbox.advance(2);
        assert_eq!((outbox.bytes(), outbox.messages(), outbox.oldest()), (2, 1, Some(Instant::from_nanos(7))));
        assert_eq!(outbox.behind_first(), 0);
    }

    #[test]
    fn the_messages_of_a_piece_count_until_the_last_byte_of_it_is_written() {
        let mut outbox = Outbox::default();
        outbox.push(Lane::Data, Item { messages: 3, ..item("aabbcc", 1) });
        outbox.push(Lane::Data, item("dd", 2));
        for (step, messages) in [(0, 4), (5, 4), (1, 1), (2, 0)] {
            outbox.advance(step);
            assert_eq!(outbox.messages(), messages, "after {step} more");
        }
    }
}
