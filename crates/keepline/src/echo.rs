//! Mirror: the echo pair's server side, for examples, tests and first steps.

use keepline_proto::wire::echo::{Echo, Frame};

use crate::conn::{Flow, Handler, Turn};

/// Sends every data frame back, with the type and the content that came.
///
/// A [`Handler`] for any line, and with the feature `serve` a whole [`Service`](crate::serve::Service) whose codec is
/// [`Echo::strict`]: `server.run(Mirror)`.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "nothing to configure")]
pub struct Mirror;

impl Handler for Mirror {
    type Codec = Echo;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        turn.reply(frame)
    }
}

#[cfg(feature = "serve")]
impl crate::serve::Service for Mirror {
    type Handler = Self;

    fn open(&self, _: Option<std::net::SocketAddr>) -> (Self, Echo) {
        (Self, Echo::strict())
    }
}
