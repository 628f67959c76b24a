//! Inbox: what waits for the application, bounded in messages and bytes; the task reads no further while it is full.

use std::collections::VecDeque;
use std::task::Waker;

use super::event::Event;
use super::options::InboxLimits;

/// Places for what is no message; beyond, it is counted instead.
const OTHERS: usize = 64;
/// What is around a body, in bytes.
const AROUND: usize = 256;

/// The events that were not taken.
#[derive(Debug)]
pub(super) struct Inbox {
    limits: InboxLimits,
    queue: VecDeque<Event>,
    messages: usize,
    bytes: usize,
    others: usize,
    missed: u64,
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    Listens(Option<Waker>),
    /// It is gone: whatever comes is dropped.
    Gone,
}

impl Inbox {
    pub(super) const fn new(limits: InboxLimits) -> Self {
        let queue = VecDeque::new();
        Self { limits, queue, messages: 0, bytes: 0, others: 0, missed: 0, reader: Reader::Listens(None) }
    }

    /// Whether another message may be read from the line.
    pub(super) fn has_room(&self) -> bool {
        self.messages < self.limits.messages && self.bytes < self.limits.bytes
    }

    /// Whether anybody will ever take what comes.
    pub(super) const fn is_read(&self) -> bool {
        matches!(self.reader, Reader::Listens(_))
    }

    pub(super) fn put(&mut self, event: Event) {
        if !self.is_read() {
            return;
        }
        match weight(&event) {
            Some(bytes) => {
                self.tell_missed();
                self.messages += 1;
                self.bytes += bytes;
            }
            None if self.others >= OTHERS => {
                self.missed += 1;
                return;
            }
            None => {
                self.tell_missed();
                self.others += 1;
            }
        }
        self.queue.push_back(event);
        self.wake();
    }

    /// The last word, for which there is always room.
    pub(super) fn put_last(&mut self, event: Event) {
        if self.is_read() {
            self.tell_missed();
            self.others += 1;
            self.queue.push_back(event);
            self.wake();
        }
    }

    /// The oldest; else the waker is woken when one has come.
    pub(super) fn take(&mut self, waker: &Waker) -> Option<Event> {
        let event = self.queue.pop_front();
        match &event {
            Some(event) => match weight(event) {
                Some(bytes) => {
                    self.messages -= 1;
                    self.bytes -= bytes;
                }
                None => self.others -= 1,
            },
            None => self.reader = Reader::Listens(Some(waker.clone())),
        }
        event
    }

    /// Nobody will take anything.
    pub(super) fn abandon(&mut self) {
        self.reader = Reader::Gone;
        self.queue.clear();
        (self.messages, self.bytes, self.others) = (0, 0, 0);
    }

    /// Between what came before the gap and what comes after it.
    fn tell_missed(&mut self) {
        if self.missed > 0 {
            self.others += 1;
            self.queue.push_back(Event::Missed(std::mem::take(&mut self.missed)));
        }
    }

    fn wake(&mut self) {
        if let Reader::Listens(waker) = &mut self.reader
            && let Some(waker) = waker.take()
        {
            waker.wake();
        }
    }
}

/// What counts against the limits: that which the server would have to send again.
fn weight(event: &Event) -> Option<usize> {
    match event {
        Event::Message(message) => Some(AROUND + message.body.len()),
        Event::Gap(_) | Event::Reset(_) => Some(AROUND),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
