//! What an idle line may weigh, held at compile time.
//!
//! tokio puts a future of up to 152 bytes, with its own header and trailer, into a block of 256; beside it stand its
//! registration with the reactor (256), the handle's shared half (64), the wheel's entry (24) and the registry's (24).

use keepline_proto::wire::echo::{Echo, Frame};
use tokio::net::TcpStream;

use super::driver::Driver;
use super::flow::Flow;
use super::handler::Handler;
use super::shared::Shared;
use super::turn::Turn;

/// A handler that keeps nothing.
#[derive(Debug)]
struct Mirror;

impl Handler for Mirror {
    type Codec = Echo;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Echo>) -> Flow {
        turn.reply(frame)
    }
}

const _: () = assert!(size_of::<Driver<TcpStream, Mirror>>() <= 152, "the future of an idle echo line");
// Two counts stand before the value in an `Arc`.
const _: () = assert!(size_of::<Shared>() + 2 * size_of::<usize>() <= 64, "the shared handle");
