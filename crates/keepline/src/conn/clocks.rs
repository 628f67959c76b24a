//! The clocks of a turn: what is due when the wheel's entry has come up.

use keepline_proto::liveness::Action;
use keepline_proto::wire::Codec;
use keepline_proto::{Duration, Instant, Reason};

use super::driver::Driver;
use super::flow::Flow;
use super::handler::{Beat, Handler};
use super::outbox::Lane;
use super::scratch::Output;
use super::state::Paused;
use super::transport::Transport;
use crate::clock;

/// More than one thing can be due, never many.
const ROUNDS: usize = 8;
/// A look at an age, of what waits or of a pause, that comes later than this was kept from coming: a stall of our own.
const STALL: Duration = Duration::from_secs(1);

impl<Io: Transport, H: Handler> Driver<Io, H> {
    /// Called after the socket was read, so that bytes which came in time count.
    pub(super) fn look_at_clocks(&mut self, output: &mut Output) {
        let now = clock::now();
        if let Some(rare) = &self.rare {
            if rare.handshake_by.is_some_and(|by| by <= now) {
                return self.close(Reason::HandshakeTimeout, None, now, output);
            }
            if rare.first_frame_by.is_some_and(|by| by <= now) {
                return self.close(Reason::FirstFrameTimeout, None, now, output);
            }
        }
        self.look_at_pause(now, output);
        match self.backlog_due() {
            Some(by) if now.since(by) > STALL => {
                if let Some(outbox) = &mut self.shared.mail().outbox {
                    outbox.forgive(now);
                }
            }
            Some(by) if by <= now => return self.close(Reason::SlowConsumer, None, now, output),
            _ => {}
        }
        self.look_at_monitor(now, output);
        self.look_at_idle(now, output);
    }

    fn look_at_pause(&mut self, now: Instant, output: &mut Output) {
        let Some(rare) = &mut self.rare else { return };
        let (Some(by), Some(longest)) = (rare.pause_by, self.environment.settings.longest_pause) else { return };
        if now.since(by) > STALL {
            rare.pause_by = Some(now + longest);
        } else if by <= now {
            let slow = self.paused.has(Paused::BACKLOG);
            let reason = if slow { Reason::SlowConsumer } else { Reason::ServerError };
            self.close(reason, None, now, output);
        }
    }

    fn look_at_monitor(&mut self, now: Instant, output: &mut Output) {
        for _ in 0..ROUNDS {
            if !self.is_open() || self.monitor.deadline().is_none_or(|due| due > now) {
                return;
            }
            if self.io.has_unread() {
                // The kernel has bytes that a busy runtime has not told us of: the peer lives.
                self.monitor.on_read(now);
            }
            let action = self.monitor.on_timeout(now);
            self.act(action, output);
        }
    }

    /// The events that the settings asked for.
    fn look_at_idle(&mut self, now: Instant, output: &mut Output) {
        for _ in 0..ROUNDS {
            let Some(watch) = self.rare.as_mut().and_then(|rare| rare.idle.as_mut()) else { return };
            let mail = self.shared.mail();
            let event = watch.next_event(now, mail.outbox.as_deref(), || self.io.has_unread());
            drop(mail);
            let Some(event) = event.filter(|_| self.is_open()) else { return };
            let flow = self.with_turn(now, output, |handler, turn| handler.on_idle(event, Flow::Continue, turn));
            self.follow(flow, now, output);
        }
    }

    fn act(&mut self, action: Action, output: &mut Output) {
        let now = clock::now();
        match action {
            Action::None => {}
            Action::Ping(nonce) => {
                self.codec.ping(Some(nonce), &mut output.bytes);
                output.end_frame(Lane::Control);
                self.beat(Beat::PingSent, now, output);
            }
            Action::Suspect => self.beat(Beat::Suspect, now, output),
            Action::Idle(event) => {
                let default = Flow::Close(Reason::Silent);
                let flow = self.with_turn(now, output, |handler, turn| handler.on_idle(event, default, turn));
                self.follow(flow, now, output);
            }
            Action::Close(reason) => self.close(reason, None, now, output),
        }
    }
}
