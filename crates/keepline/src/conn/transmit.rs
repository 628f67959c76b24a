//! The sending half of a turn: one write for all replies, an outbox for what the socket does not take.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use keepline_proto::{Instant, Reason};

use super::driver::Driver;
use super::handler::Handler;
use super::outbox::{Item, Origin, Outbox};
use super::report::{Cause, reason_of};
use super::scratch::{BUFFER, Output};
use super::shared::Flag;
use super::state::{Backlog, Paused};
use super::transport::Transport;

impl<Io: Transport, H: Handler> Driver<Io, H> {
    /// Writes the turn's output and what waits, as far as the socket takes it, and holds the limits.
    pub(super) fn write(&mut self, cx: &mut Context<'_>, now: Instant, output: &mut Output) {
        let result = self.write_some(cx, now, output);
        output.clear();
        if let Err(error) = result {
            let cause = Some(Cause::Io(error.kind()));
            return self.close(reason_of(&error), cause, now, output);
        }
        if self.backlog == Backlog::Outbox || self.paused.has(Paused::BACKLOG) {
            self.judge_backlog(now, output);
        }
    }

    pub(super) fn write_some(&mut self, cx: &mut Context<'_>, now: Instant, output: &mut Output) -> io::Result<()> {
        let mut written = 0;
        if self.backlog != Backlog::Outbox && !output.is_empty() {
            match Pin::new(&mut self.io).poll_write(cx, &output.bytes) {
                Poll::Ready(Ok(count)) => {
                    if !cfg!(keepline_unwatched) {
                        self.monitor.on_write(now);
                    }
                    written = count;
                    if let Some(watch) = self.idle_watch() {
                        watch.on_written(now, output.frames_within(count));
                    }
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {}
            }
        }
        if written < output.bytes.len() {
            self.keep(output, written, now);
        }
        output.clear();
        if self.backlog == Backlog::Outbox {
            self.write_backlog(cx, now, output)?;
        }
        // Only layers that buffer (TLS) have something to flush; they wake us when they can go on with it.
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(Err(error)) => Err(error),
            polled => {
                if self.backlog != Backlog::Outbox {
                    self.backlog = if polled.is_pending() { Backlog::Unflushed } else { Backlog::None };
                }
                Ok(())
            }
        }
    }

    /// Moves what the socket did not take into the outbox.
    fn keep(&mut self, output: &Output, written: usize, now: Instant) {
        let mut mail = self.shared.mail();
        let outbox = mail.outbox.get_or_insert_with(Box::<Outbox>::default);
        for (lane, range) in output.remainder(written) {
            let item = Item {
                bytes: Bytes::copy_from_slice(&output.bytes[range]),
                messages: 1,
                since: now,
                origin: Origin::Turn,
                sent: None,
            };
            match lane {
                Some(lane) => outbox.push(lane, item),
                None => outbox.push_head(item, written),
            }
        }
        drop(mail);
        self.backlog = Backlog::Outbox;
        self.rearm = true;
    }

    fn write_backlog(&mut self, cx: &mut Context<'_>, now: Instant, output: &mut Output) -> io::Result<()> {
        loop {
            output.clear();
            {
                let mut mail = self.shared.mail();
                match &mail.outbox {
                    Some(outbox) if !outbox.is_empty() => outbox.gather(&mut output.bytes, BUFFER),
                    _ => {
                        mail.outbox = None;
                        self.backlog = Backlog::None;
                        return Ok(());
                    }
                }
            }
            match Pin::new(&mut self.io).poll_write(cx, &output.bytes) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.monitor.on_write(now);
                    let completed = self.shared.mail().outbox.as_mut().map_or(0, |outbox| outbox.advance(count));
                    if let Some(watch) = self.idle_watch() {
                        watch.on_written(now, completed);
                    }
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.rearm = true;
                    return Ok(());
                }
            }
        }
    }

    /// The slow-consumer rule, and back-pressure before it: a peer that takes less than it asks for is not read from.
    fn judge_backlog(&mut self, now: Instant, output: &mut Output) {
        let limits = self.environment.settings.outbox;
        let (waiting, behind) =
            self.shared.mail().outbox.as_ref().map_or((0, 0), |outbox| (outbox.bytes(), outbox.behind_first()));
        if behind > limits.bytes.saturating_add(BUFFER) {
            self.close(Reason::SlowConsumer, None, now, output);
        } else if waiting > limits.high_water {
            self.pause(Paused::BACKLOG, now);
        } else if waiting <= limits.high_water / 2 && self.unpause(Paused::BACKLOG, now) {
            // What the paused line has not looked at is looked at in a turn of its own.
            self.shared.raise(Flag::Reread);
        }
    }
}
