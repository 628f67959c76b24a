//! IdleWatch: the idle events of a line whose settings ask for them.

use keepline_proto::Instant;
use keepline_proto::liveness::{Idle, IdleEvent, IdleSettings, OutputSnapshot};

use super::outbox::Outbox;

/// Netty's detector, and the count of messages written that it needs to tell one from the next.
#[derive(Debug)]
pub(crate) struct IdleWatch {
    idle: Idle,
    written: u64,
}

impl IdleWatch {
    pub(crate) const fn new(settings: IdleSettings) -> Self {
        Self { idle: Idle::new(settings), written: 0 }
    }

    pub(crate) fn start(&mut self, now: Instant) {
        self.idle.start(now, OutputSnapshot::default());
    }

    pub(crate) fn on_read_begin(&mut self) {
        self.idle.on_read_begin();
    }

    pub(crate) fn on_read_end(&mut self, now: Instant) {
        self.idle.on_read_end(now);
    }

    /// So many messages have gone to the transport with their last byte.
    pub(crate) fn on_written(&mut self, now: Instant, messages: usize) {
        if messages > 0 {
            self.written += messages as u64;
            self.idle.on_written(now);
        }
    }

    pub(crate) fn pause(&mut self) {
        self.idle.pause();
    }

    pub(crate) fn resume(&mut self, now: Instant) {
        self.idle.resume(now);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.idle.deadline()
    }

    /// The next event that is due, if any. `has_unread` is asked first: bytes that nobody has read yet are life.
    pub(crate) fn next_event(
        &mut self,
        now: Instant,
        outbox: Option<&Outbox>,
        has_unread: impl FnOnce() -> bool,
    ) -> Option<IdleEvent> {
        if self.deadline().is_none_or(|due| due > now) {
            return None;
        }
        if has_unread() {
            self.idle.on_read(now);
        }
        let output = outbox.map_or_else(OutputSnapshot::default, |outbox| OutputSnapshot {
            head: Some(self.written),
            pending: (outbox.bytes() as u64).saturating_add(outbox.head_written()),
            progress: outbox.head_written(),
        });
        self.idle.on_timeout(now, output)
    }
}
