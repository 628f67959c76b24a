//! Protocol: how a client's messages and their answers lie in frames.

use std::sync::Arc;

use keepline_proto::liveness::Heartbeat;
use keepline_proto::wire::{Codec, WireError, echo};
use keepline_proto::{Reason, RetryHint};

/// What a client speaks. One value serves one client over all of its lines.
///
/// Its methods are called with the client's books locked: they must not call the client.
pub trait Protocol: Send + 'static {
    /// The frames.
    type Codec: Codec + Send + Unpin + 'static;
    /// What the application sends.
    type Message;
    /// What it gets: answers, and what the peer sends unasked.
    type Answer: Send + Unpin + 'static;

    /// A codec for a new line; whatever the protocol remembers of the old line is void. Asked for twice a line: one
    /// codec decodes and carries the heartbeats, the other encodes messages before they are queued.
    fn codec(&mut self) -> Self::Codec;

    /// How a new line begins: appends what it says first to `out`, and whether it has to be let in then. By default it
    /// says nothing, and is up at once.
    ///
    /// Called for each line before it starts, with the codec that encodes its messages.
    ///
    /// # Errors
    /// The codec's: the attempt fails, and the next endpoint is tried. A first word larger than the settings' outbox ends
    /// the client as [`TooLarge`](Reason::TooLarge).
    fn hello(&mut self, codec: &mut Self::Codec, out: &mut Vec<u8>) -> Result<Opening, WireError> {
        let _ = (codec, out);
        Ok(Opening::Up)
    }

    /// Appends a message's frame to `out`. `id` counts the client's messages; formats that correlate answers carry it.
    ///
    /// # Errors
    /// The codec's: the message becomes [`NotSent::Refused`](super::NotSent::Refused).
    fn encode(
        &mut self,
        id: u64,
        message: Self::Message,
        codec: &mut Self::Codec,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError>;

    /// What a frame of the peer means.
    fn on_frame(&mut self, frame: <Self::Codec as Codec>::Frame<'_>) -> Incoming<Self::Answer>;
}

/// When a client's new line is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "at once, or when the peer says so")]
pub enum Opening {
    /// As soon as it is open.
    Up,
    /// When [`Incoming::Welcome`] has come. Until then no message is taken, and
    /// [`Event::Up`](super::Event::Up) is not told. A peer that does not answer within the settings' `handshake_within`
    /// (where that is `None`, the options' `connect_within`) ends the line as
    /// [`HandshakeTimeout`](Reason::HandshakeTimeout); one that refuses says [`Incoming::Goodbye`], and the reason
    /// decides whether to come back.
    Handshake,
}

/// What a frame of the peer means to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incoming<A> {
    /// The answer to the oldest message without one; pushed if there is none.
    Answer(A),
    /// The answer to the message with this id; ignored if it has one, or belongs to an older line.
    AnswerTo(u64, A),
    /// Something the peer sends by itself.
    Push(A),
    /// The peer lets the line in ([`Opening::Handshake`]), on these liveness terms where it states some. On a line that
    /// is up, new terms.
    Welcome(Option<Arc<Heartbeat>>),
    /// Nothing for the application.
    Ignore,
    /// The peer will end the line soon, and this one goes on until it does: when to come back then, and to which
    /// endpoints. They are tried in turn before the options' list, from a place that the seed decides; the first 16
    /// count, and none means the list.
    GoAway(RetryHint, Vec<Arc<str>>),
    /// The peer says that it will close, or does not let the line in: why, and when to come back. The line ends with this
    /// reason. Without a hint, that of a [`GoAway`](Self::GoAway) before it holds.
    Goodbye(Reason, Option<RetryHint>),
}

/// The echo pair's protocol: each content comes back, in order.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "nothing to configure")]
pub struct EchoProtocol;

impl Protocol for EchoProtocol {
    type Codec = echo::Echo;
    type Message = Vec<u8>;
    type Answer = Vec<u8>;

    fn codec(&mut self) -> echo::Echo {
        echo::Echo::strict()
    }

    fn encode(&mut self, _: u64, message: Vec<u8>, codec: &mut echo::Echo, out: &mut Vec<u8>) -> Result<(), WireError> {
        codec.encode(echo::Frame::data(&message), out)
    }

    fn on_frame(&mut self, frame: echo::Frame<'_>) -> Incoming<Vec<u8>> {
        Incoming::Answer(frame.content.to_vec())
    }
}
