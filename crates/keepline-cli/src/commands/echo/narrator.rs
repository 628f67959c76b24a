//! Narrator: the server's handler that tells what happens on its line.

use std::net::SocketAddr;
use std::sync::Arc;

use keepline::liveness::IdleEvent;
use keepline::wire::WireError;
use keepline::wire::echo::{Echo, Frame};
use keepline::{Beat, Flow, Handler, Report, Turn};

use super::counts::COUNTS;
use super::entry::Entry;
use super::log::Log;

/// Sends every frame back, and writes each step into the log.
#[derive(Debug)]
pub(super) struct Narrator(Box<Line>);

/// What a line keeps for its story; in a box, so that the line's future stays as small as it can.
#[derive(Debug)]
struct Line {
    log: Arc<Log>,
    peer: SocketAddr,
    /// Heartbeats that this end has sent, of either kind.
    beats: u32,
}

impl Narrator {
    pub(super) fn new(log: Arc<Log>, peer: SocketAddr) -> Self {
        Self(Box::new(Line { log, peer, beats: 0 }))
    }

    fn tell(&self, entry: &Entry<'_>) {
        self.0.log.tell(entry);
    }
}

impl Handler for Narrator {
    type Codec = Echo;

    fn on_open(&mut self, _: &mut Turn<'_, Echo>) -> Flow {
        self.tell(&Entry::Up { endpoint: None, peer: self.0.peer });
        Flow::Continue
    }

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        let text = String::from_utf8_lossy(frame.content);
        self.tell(&Entry::Message { peer: self.0.peer, text: &text });
        COUNTS.count_echo();
        let flow = turn.reply(frame);
        self.tell(&Entry::Echo { peer: self.0.peer, text: &text });
        flow
    }

    fn on_idle(&mut self, _: IdleEvent, default: Flow, _: &mut Turn<'_, Echo>) -> Flow {
        self.tell(&Entry::TimedOut { peer: self.0.peer });
        default
    }

    fn on_beat(&mut self, beat: Beat, _: &mut Turn<'_, Echo>) {
        let peer = self.0.peer;
        match beat {
            Beat::PongSent => {
                self.0.beats += 1;
                self.tell(&Entry::PingReceived { peer });
                self.tell(&Entry::PongSent { peer, count: self.0.beats });
            }
            Beat::PongReceived(round_trip) => self.tell(&Entry::PongReceived { peer, round_trip }),
            // This end never pings.
            _ => {}
        }
    }

    fn on_skip(&mut self, error: WireError) {
        self.tell(&Entry::Skipped { peer: self.0.peer, error });
    }

    fn on_close(&mut self, report: &Report) {
        self.tell(&Entry::Down { peer: self.0.peer, report, next_try: None });
    }
}
