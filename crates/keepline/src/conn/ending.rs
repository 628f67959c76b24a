//! The end of a line: close, wind down, report.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use keepline_proto::wire::Codec;
use keepline_proto::{Instant, Reason};
use tokio::io::ReadBuf;

use super::driver::Driver;
use super::handler::Handler;
use super::line_id::LineId;
use super::outbox::Lane;
use super::rare::{Closing, Stage};
use super::report::{Cause, Report};
use super::scratch::{BUFFER, Output, Scratch};
use super::state::{Backlog, Phase};
use super::transport::Transport;
use crate::clock;

/// Bytes that a closing line reads and drops before it stops waiting for the peer's end.
const LINGER_BYTES: usize = 4 * BUFFER;

impl<Io: Transport, H: Handler> Driver<Io, H> {
    /// Begins the end: what is waiting, a farewell where the format has one, then our end. Where the peer is gone
    /// or does not read, there is nothing more to say; one that was silent is told so, and not waited for.
    pub(super) fn close(&mut self, reason: Reason, cause: Option<Cause>, now: Instant, output: &mut Output) {
        if !matches!(self.phase, Phase::Opening | Phase::Open) {
            return;
        }
        self.phase = Phase::Closing;
        self.with_turn(now, output, |handler, turn| handler.on_closing(reason, turn));
        let stage = match reason {
            // The peer may have closed only its own half, and wait for the answers.
            Reason::PeerClosed if self.shared.flags().in_flight() > 0 => Stage::Answers,
            // By the monitor's verdict; by an error of the socket, nobody is there.
            Reason::Silent if cause.is_none() => Stage::Parting,
            Reason::Silent | Reason::Reset | Reason::IoError | Reason::TlsError => Stage::Drop,
            Reason::SlowConsumer => {
                self.io.abandon();
                Stage::Drop
            }
            _ => Stage::Flush,
        };
        match stage {
            Stage::Drop => self.shared.turn_deaf(),
            Stage::Flush | Stage::Parting => self.say_farewell(reason, output),
            Stage::Answers | Stage::Shutdown | Stage::Linger => {}
        }
        let by = now + self.environment.settings.linger;
        self.rare().closing = Some(Closing { reason, cause, by, stage });
        self.rearm = true;
    }

    /// The last word: a peer that reads a farewell reads no further, so what waits goes before it, and no message is
    /// taken behind it.
    fn say_farewell(&mut self, reason: Reason, output: &mut Output) {
        if self.shared.seal() {
            self.backlog = Backlog::Outbox;
        }
        let start = output.bytes.len();
        self.codec.farewell(reason, &mut output.bytes);
        if output.bytes.len() > start {
            output.end_frame(Lane::Data);
        }
    }

    /// Ends the line as far as its stage allows in this turn.
    pub(super) fn wind_down(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> Option<Report> {
        loop {
            let now = clock::now();
            let closing = self.rare().closing.as_ref()?;
            let (reason, stage, late) = (closing.reason, closing.stage, now >= closing.by);
            let next = match stage {
                Stage::Answers if !late => self.answers_stage(cx, now, reason, &mut scratch.output)?,
                Stage::Flush if !late => self.flush_stage(cx, now, &mut scratch.output)?,
                Stage::Parting => {
                    self.write_waiting(cx, now, &mut scratch.output);
                    Stage::Drop
                }
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

    fn answers_stage(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        reason: Reason,
        output: &mut Output,
    ) -> Option<Stage> {
        if self.shared.flags().in_flight() == 0 {
            // Asked before the outbox is looked at: an answer is queued before it is no longer owed.
            self.say_farewell(reason, output);
            return Some(Stage::Flush);
        }
        if !self.write_waiting(cx, now, output) {
            return Some(Stage::Drop);
        }
        None
    }

    fn flush_stage(&mut self, cx: &mut Context<'_>, now: Instant, output: &mut Output) -> Option<Stage> {
        if !self.write_waiting(cx, now, output) {
            return Some(Stage::Drop);
        }
        (self.backlog != Backlog::Outbox).then_some(Stage::Shutdown)
    }

    /// Writes as far as the socket takes it; false if it has failed, and nobody hears us any more.
    fn write_waiting(&mut self, cx: &mut Context<'_>, now: Instant, output: &mut Output) -> bool {
        if self.backlog == Backlog::None && output.is_empty() {
            return true;
        }
        let result = self.write_some(cx, now, output);
        output.clear();
        if result.is_err() {
            self.shared.turn_deaf();
        }
        result.is_ok()
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

    pub(super) fn end(&mut self, reason: Reason, cause: Option<Cause>) -> Report {
        let now = clock::now();
        self.phase = Phase::Ended;
        self.shared.end();
        self.environment.wheel.release(self.key);
        let mut report = Report::new(LineId(self.shared.id), reason, self.opened.instant(), now);
        report.cause = cause;
        report.last_in = self.shared.silent_for(now);
        report.last_out = now.since(self.monitor.last_write());
        report.pings_unanswered = self.monitor.unanswered();
        report.rtt = self.monitor.rtt().smoothed();
        tracing::debug!(id = %report.id, %report, "line ended");
        // Caught: a panic here would leave the line in its server's books, and abort the process if it came while the
        // task unwinds from another one.
        let told = catch_unwind(AssertUnwindSafe(|| self.handler.on_close(&report)));
        let heard = catch_unwind(AssertUnwindSafe(|| {
            if let Some(observer) = &self.environment.settings.observer {
                observer.on_close(&report);
            }
        }));
        if told.is_err() || heard.is_err() {
            tracing::error!(id = %report.id, "panic in on_close");
        }
        if let Some(books) = &self.environment.books {
            books.on_ended(&report);
        }
        report
    }
}

impl<Io: Transport, H: Handler> Drop for Driver<Io, H> {
    fn drop(&mut self) {
        if self.phase != Phase::Ended {
            // A panic in the handler, an aborted task or a runtime that stops.
            let _ = self.end(Reason::ServerError, None);
        }
    }
}
