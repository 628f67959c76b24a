//! The receiving half of a turn: read, parse in place, hand frames over.

use std::pin::Pin;
use std::task::{Context, Poll};

use keepline_proto::liveness::Action;
use keepline_proto::wire::{Codec, Decoded, Message};
use keepline_proto::{Instant, Reason};
use tokio::io::ReadBuf;

use super::driver::Driver;
use super::flow::Flow;
use super::handler::{Beat, Handler};
use super::line_id::LineId;
use super::outbox::Lane;
use super::report::{Cause, reason_of};
use super::scratch::{BUFFER, Output, Scratch};
use super::state::{Backlog, Paused};
use super::transport::Transport;
use crate::clock;

/// Reads in one turn before other lines have theirs.
const READS: usize = 16;
/// A leftover up to this size is put before the next read in the thread's buffer; a larger one grows where it is.
const COPY: usize = BUFFER / 2;
/// The most that a large leftover has room for beyond what has arrived.
const GROW: usize = 4096;

impl<Io: Transport, H: Handler> Driver<Io, H> {
    /// Reads until the socket has no more, the line pauses or ends, or the turn's share is used.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) {
        if self.read_share(cx, scratch) {
            cx.waker().wake_by_ref();
        } else if let Some(watch) = self.idle_watch() {
            watch.on_read_end(clock::now());
        }
    }

    /// True if there may be more to read.
    fn read_share(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> bool {
        for _ in 0..READS {
            if !self.paused.is_empty() || !self.is_open() {
                return false;
            }
            let held = self.rare.as_ref().map_or(0, |rare| rare.leftover.len());
            let front = if held <= COPY { held } else { 0 };
            let mut buffer = ReadBuf::new(&mut scratch.input[front..]);
            let count = match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Pending => return false,
                Poll::Ready(Ok(())) => buffer.filled().len(),
                Poll::Ready(Err(error)) => {
                    let cause = Some(Cause::Io(error.kind()));
                    self.close(reason_of(&error), cause, clock::now(), &mut scratch.output);
                    return false;
                }
            };
            if count == 0 {
                self.close(Reason::PeerClosed, None, clock::now(), &mut scratch.output);
                return false;
            }
            let now = self.note_life();
            if front == held {
                self.read_in_place(cx, now, held, count, scratch);
            } else {
                self.read_large(cx, now, count, scratch);
            }
            if self.is_open() && (self.backlog == Backlog::Outbox || !scratch.output.is_empty()) {
                self.write(cx, now, &mut scratch.output);
            }
        }
        true
    }

    /// Bytes were read: everything that liveness costs a read. After the read, as a stamp older than the bytes would
    /// evict early.
    #[inline]
    fn note_life(&mut self) -> Instant {
        // Only for `tools/weigh`, which counts the instructions with and without.
        if cfg!(keepline_unwatched) {
            return Instant::START;
        }
        let now = clock::now();
        self.monitor.on_read(now);
        if let Some(watch) = self.idle_watch() {
            watch.on_read_begin();
        }
        self.shared.stamp_in(now);
        now
    }

    /// Looks at what a paused line has not looked at yet.
    pub(super) fn read_leftover(&mut self, cx: &mut Context<'_>, now: Instant, scratch: &mut Scratch) {
        if self.rare.as_ref().is_some_and(|rare| !rare.leftover.is_empty()) {
            self.read_large(cx, now, 0, scratch);
        }
    }

    /// The common way: all that is there lies in the thread's buffer.
    fn read_in_place(&mut self, cx: &mut Context<'_>, now: Instant, held: usize, count: usize, scratch: &mut Scratch) {
        let Scratch { input, output } = scratch;
        let mut leftover = self.rare.as_mut().map(|rare| std::mem::take(&mut rare.leftover)).unwrap_or_default();
        input[..held].copy_from_slice(&leftover);
        let bytes = &input[..held + count];
        let (taken, announced) = self.parse(cx, bytes, now, output);
        if taken < bytes.len() {
            if taken > 0 {
                // Another frame than before: its room is its own.
                leftover = Vec::new();
            }
            leftover.clear();
            leftover.reserve_exact(bytes.len() - taken);
            leftover.extend_from_slice(&bytes[taken..]);
            self.rare().leftover = leftover;
        }
        if self.rare.is_some() {
            self.time_frame(now, announced, taken > 0, count);
        }
    }

    /// A frame of many reads: it grows by what has arrived, whatever length it announced.
    fn read_large(&mut self, cx: &mut Context<'_>, now: Instant, count: usize, scratch: &mut Scratch) {
        let Scratch { input, output } = scratch;
        let mut held = std::mem::take(&mut self.rare().leftover);
        if held.capacity() - held.len() < count {
            held.reserve_exact(count.max(GROW));
        }
        held.extend_from_slice(&input[..count]);
        let (taken, announced) = self.parse(cx, &held, now, output);
        if taken > 0 {
            held.drain(..taken);
            held.shrink_to_fit();
        }
        self.rare().leftover = held;
        self.time_frame(now, announced, taken > 0, count);
    }

    /// Takes whole frames off the front of `bytes`; how many bytes that were, and the announced length of a frame that
    /// is only partly there.
    fn parse(&mut self, cx: &mut Context<'_>, bytes: &[u8], now: Instant, output: &mut Output) -> (usize, Option<u64>) {
        let mut taken = 0;
        while taken < bytes.len() && self.paused.is_empty() && self.is_open() {
            match self.codec.decode(&bytes[taken..]) {
                Ok(Decoded::Frame { bytes, message }) => {
                    debug_assert!(bytes > 0, "a frame of no bytes would come for ever");
                    taken += bytes;
                    self.on_message(message, now, output);
                }
                Ok(Decoded::Skip { bytes, error }) => {
                    taken += bytes;
                    if let Some(error) = error {
                        self.handler.on_skip(error);
                    }
                }
                Ok(Decoded::Partial { announced }) => return (taken, Some(announced)),
                Err(error) => self.close(error.reason(), Some(Cause::Wire(error)), now, output),
            }
            if output.bytes.len() >= BUFFER && self.is_open() {
                self.write(cx, now, output);
            }
        }
        (taken, None)
    }

    #[inline]
    fn on_message(&mut self, message: Message<<H::Codec as Codec>::Frame<'_>>, now: Instant, output: &mut Output) {
        match message {
            Message::Data(frame) => {
                let flow = self.with_turn(now, output, |handler, turn| handler.on_frame(frame, turn));
                if flow != Flow::Continue {
                    self.follow(flow, now, output);
                }
                self.on_first_frame();
                let in_flight = self.shared.flags().in_flight();
                if in_flight > 0 && in_flight >= self.environment.settings.answers_in_flight {
                    self.pause(Paused::ANSWERS, now);
                }
            }
            Message::Ping(nonce) => match self.monitor.on_ping(now) {
                Action::Close(reason) => self.close(reason, None, now, output),
                _ => {
                    self.codec.pong(nonce, &mut output.bytes);
                    output.end_frame(Lane::Control);
                    self.beat(Beat::PongSent, now, output);
                    self.on_first_frame();
                }
            },
            Message::Pong(nonce) => {
                let round_trip = self.monitor.on_pong(now, nonce);
                self.beat(Beat::PongReceived(round_trip), now, output);
                self.on_first_frame();
            }
        }
    }

    #[inline]
    fn on_first_frame(&mut self) {
        if let Some(rare) = &mut self.rare
            && rare.first_frame_by.take().is_some()
        {
            self.rearm = true;
        }
    }

    pub(super) fn beat(&mut self, beat: Beat, now: Instant, output: &mut Output) {
        if let Some(observer) = &self.environment.settings.observer {
            observer.on_beat(LineId(self.shared.id), beat);
        }
        self.with_turn(now, output, |handler, turn| handler.on_beat(beat, turn));
    }

    /// Starts, feeds or stops the clock of the frame that is partly there. A paused line has none: it is not the peer
    /// who keeps us waiting.
    fn time_frame(&mut self, now: Instant, announced: Option<u64>, progressed: bool, count: usize) {
        let known = self.rare.as_ref().and_then(|rare| rare.frame);
        match (known, announced) {
            (Some(length), Some(announced)) if !progressed => {
                if length != announced {
                    self.monitor.on_frame_length(now, announced);
                }
                self.monitor.on_frame_bytes(now, count as u64);
            }
            (_, Some(announced)) => {
                let here = self.rare.as_ref().map_or(0, |rare| rare.leftover.len());
                self.monitor.on_frame_begin(now, announced);
                self.monitor.on_frame_bytes(now, here as u64);
            }
            (Some(_), None) => self.monitor.on_frame_end(now),
            (None, None) => return,
        }
        self.rare().frame = announced;
        self.rearm = true;
    }
}
