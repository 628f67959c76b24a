//! Listen: the handler of a client's line.

use std::sync::Arc;

use keepline_proto::wire::Codec;

use super::event::{Event, Teller};
use super::protocol::Protocol;
use super::session::Session;
use crate::conn::{Beat, Flow, Handler, Report, Turn};

/// The handler of a client's line.
pub(super) struct Listen<P: Protocol> {
    pub(super) session: Arc<Session<P>>,
    pub(super) teller: Teller,
}

impl<P: Protocol> Handler for Listen<P> {
    type Codec = P::Codec;

    fn on_open(&mut self, _: &mut Turn<'_, P::Codec>) -> Flow {
        // Pushes may wait since an older line, and each line would add one more.
        self.session.room(&self.session.lock())
    }

    fn on_frame(&mut self, frame: <P::Codec as Codec>::Frame<'_>, _: &mut Turn<'_, P::Codec>) -> Flow {
        self.session.on_frame(frame)
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
