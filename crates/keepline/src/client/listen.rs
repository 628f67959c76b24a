//! Listen: the handler of a client's line.

use std::sync::Arc;

use keepline_proto::wire::Codec;

use super::event::{Event, Teller};
use super::protocol::{Opening, Protocol};
use super::session::{Heard, Session, Welcome};
use crate::conn::{Beat, Flow, Handler, Report, Turn};

/// The handler of a client's line.
pub(super) struct Listen<P: Protocol> {
    pub(super) session: Arc<Session<P>>,
    pub(super) teller: Teller,
    pub(super) endpoint: Arc<str>,
    pub(super) opening: Opening,
}

impl<P: Protocol> Handler for Listen<P> {
    type Codec = P::Codec;

    fn on_open(&mut self, turn: &mut Turn<'_, P::Codec>) -> Flow {
        match self.opening {
            Opening::Up => {
                turn.establish();
                self.session.may_read()
            }
            // It must read to be let in, whatever waits for the application.
            Opening::Handshake => Flow::Continue,
        }
    }

    fn on_frame(&mut self, frame: <P::Codec as Codec>::Frame<'_>, turn: &mut Turn<'_, P::Codec>) -> Flow {
        let Welcome { is_awaited, terms, flow } = match self.session.on_frame(frame) {
            Heard::Follow(flow) => return flow,
            Heard::Welcome(welcome) => welcome,
        };
        turn.establish();
        if let Some(terms) = terms {
            turn.set_terms(terms);
        }
        if is_awaited {
            // Behind the change of state: who hears that the line is up can send.
            self.teller.tell(Event::Up { endpoint: Arc::clone(&self.endpoint) });
        }
        flow
    }

    fn on_beat(&mut self, beat: Beat, _: &mut Turn<'_, P::Codec>) {
        self.teller.tell(match beat {
            Beat::Suspect => Event::Suspect,
            beat => Event::Beat(beat),
        });
    }

    fn on_close(&mut self, report: &Report) {
        // At once, not when the client's task gets to it: in-flight work must not wait for a verdict that is known.
        self.session.down(report.reason);
    }
}
