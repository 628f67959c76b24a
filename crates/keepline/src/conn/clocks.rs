//! The clocks of a turn: what is due when the wheel's entry has come up.

use keepline_proto::Reason;
use keepline_proto::liveness::Action;
use keepline_proto::wire::Codec;

use super::driver::Driver;
use super::handler::{Beat, Flow, Handler};
use super::outbox::Lane;
use super::scratch::Output;
use super::transport::Transport;
use crate::clock;

/// More than one thing can be due, never many.
const ROUNDS: usize = 8;

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
        if self.backlog_due().is_some_and(|by| by <= now) {
            return self.close(Reason::SlowConsumer, None, now, output);
        }
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
