//! Mirror: the quiet server's handler, which keeps nothing for a line.

use keepline::wire::echo::{Echo, Frame};
use keepline::{Driver, Flow, Handler, Turn};
use tokio::net::TcpStream;

use super::counts::COUNTS;

/// Sends every frame back and says nothing.
#[derive(Debug)]
pub(super) struct Mirror;

// tokio puts a future of up to this size, with its own header and trailer, into a block of 256 bytes.
const _: () = assert!(size_of::<Driver<TcpStream, Mirror>>() <= 152, "the future of an idle echo line");

impl Handler for Mirror {
    type Codec = Echo;

    #[inline]
    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        COUNTS.count_echo();
        turn.reply(frame)
    }
}
