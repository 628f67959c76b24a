//! The sending half of a turn: one write for all replies, an outbox for what the socket does not take.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use keepline_proto::{Instant, Reason};
use tokio::io::ReadBuf;

use super::driver::{Backlog, Driver, Paused};
use super::handler::Handler;
use super::outbox::{Item, Outbox};
use super::rare::Stage;
use super::report::{Cause, Report, reason_of};
use super::scratch::{BUFFER, Output, Scratch};
use super::shared::Flag;
use super::transport::Transport;
use crate::clock;

/// Bytes that a closing line reads and drops before it stops waiting for the peer's end.
const LINGER_BYTES: usize = 4 * BUFFER;

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

    fn write_some(&mut self, cx: &mut Context<'_>, now: Instant, output: &mut Output) -> io::Result<()> {
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
            let item = Item { bytes: Bytes::copy_from_slice(&output.bytes[range]), since: now, sent: None };
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
        let waiting = self.shared.mail().outbox.as_ref().map_or(0, |outbox| outbox.bytes());
        if waiting > limits.bytes + BUFFER {
            self.close(Reason::SlowConsumer, None, now, output);
        } else if waiting > limits.high_water {
            self.pause(Paused::BACKLOG, now);
        } else if waiting <= limits.high_water / 2 && self.unpause(Paused::BACKLOG, now) {
            // What the paused line has not looked at is looked at in a turn of its own.
            self.shared.raise(Flag::Reread);
        }
    }

    /// Ends the line as far as its stage allows in this turn.
    pub(super) fn wind_down(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Option<Report> {
        let now = clock::now();
        loop {
            let closing = self.rare().closing.as_ref()?;
            let (stage, late) = (closing.stage, now >= closing.by);
            let next = match stage {
                Stage::Flush if !late => self.flush_stage(cx, now, &mut scratch.output)?,
                Stage::Shutdown if !late => match Pin::new(&mut self.io).poll_shutdown(cx) {
                    Poll::Pending => return None,
                    Poll::Ready(Ok(())) => Stage::Linger,
                    Poll::Ready(Err(_)) => Stage::Drop,
                },
                Stage::Linger if !late => self.linger_stage(cx, scratch)?,
                _ => {
                    let closing = self.rare().closing.take()?;
                    return Some(self.end(closing.reason, closing.cause));
                }
            };
            if let Some(closing) = &mut self.rare().closing {
                closing.stage = next;
            }
        }
    }

    fn flush_stage(&mut self, cx: &mut Context<'_>, now: Instant, output: &mut Output) -> Option<Stage> {
        if self.backlog != Backlog::None || !output.is_empty() {
            let result = self.write_some(cx, now, output);
            output.clear();
            if result.is_err() {
                return Some(Stage::Drop);
            }
        }
        (self.backlog != Backlog::Outbox).then_some(Stage::Shutdown)
    }

    fn linger_stage(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Option<Stage> {
        if self.rare().closing.as_ref().is_some_and(|closing| closing.reason == Reason::PeerClosed) {
            return Some(Stage::Drop);
        }
        let mut dropped = 0;
        while dropped < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch.input);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Pending => return None,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => dropped += buffer.filled().len(),
                Poll::Ready(_) => break,
            }
        }
        Some(Stage::Drop)
    }
}
