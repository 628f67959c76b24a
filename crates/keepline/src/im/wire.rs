//! Wire: version 1 of our protocol, as the reconnecting client speaks it.

use std::sync::Arc;

use keepline_proto::liveness::{Heartbeat, IdleKind};
use keepline_proto::wire::WireError;
use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::v1::{self, frame::Body};
use keepline_proto::wire::im::{Frame, Im, framed};
use keepline_proto::{Duration, Reason, RetryHint};

use super::options::{Options, Terms, Token};
use super::shared::Shared;
use crate::client::{Incoming, Opening, Protocol};

/// Where the server states no terms.
const PING_AFTER: Duration = Duration::from_secs(25);
/// Closer pings are a flood, whatever terms a server states.
const LEAST_PING_AFTER: Duration = Duration::from_secs(1);

/// The protocol of one chat.
pub(super) struct V1 {
    shared: Arc<Shared>,
    token: Token,
    device: Arc<str>,
    wish: Option<Terms>,
    pong_within: Duration,
    /// Lines so far.
    line: u64,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The server has not let the line in.
    Hello,
    Welcomed,
}

/// A frame of the server, with the number of its line.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) line: u64,
    pub(super) body: Body,
}

/// A frame for the server. Of an older line it is refused: its numbers may mean nothing on this one.
#[derive(Debug)]
pub(super) struct Say {
    pub(super) line: u64,
    pub(super) body: Body,
}

impl V1 {
    pub(super) fn new(options: &Options, shared: Arc<Shared>) -> Self {
        Self {
            shared,
            token: options.token.clone(),
            device: Arc::clone(&options.device),
            wish: options.wish,
            pong_within: options.pong_within,
            line: 0,
            phase: Phase::Hello,
        }
    }

    fn on_welcome(&mut self, welcome: v1::Welcome) -> Incoming<Heard> {
        self.phase = Phase::Welcomed;
        let heartbeat = heartbeat(welcome.terms.as_ref(), self.pong_within);
        self.shared.lock().on_welcome(self.line, welcome);
        Incoming::Welcome(heartbeat)
    }

    fn on_terms(&self, terms: &v1::Terms) -> Incoming<Heard> {
        self.shared.lock().on_terms(terms);
        Incoming::Welcome(heartbeat(Some(terms), self.pong_within))
    }

    fn on_go_away(&self, bye: v1::GoAway) -> Incoming<Heard> {
        let nodes: Vec<Arc<str>> = bye.nodes.into_iter().map(Into::into).collect();
        let after = Duration::from_millis(bye.retry_after_ms.into());
        self.shared.lock().on_go_away(after, nodes.clone());
        Incoming::GoAway(RetryHint { after, spread: Duration::ZERO }, nodes)
    }

    fn on_close(&self, close: &v1::Close) -> Incoming<Heard> {
        // A code of a later version: "come back".
        let known = u16::try_from(close.code).ok().and_then(Reason::from_code);
        self.shared.lock().on_close(close);
        let after = Duration::from_millis(close.retry_after_ms.into());
        let hint = (!after.is_zero()).then_some(RetryHint { after, spread: Duration::ZERO });
        Incoming::Goodbye(known.unwrap_or(Reason::PeerClosed), hint)
    }
}

impl Protocol for V1 {
    type Codec = Im;
    type Message = Say;
    type Answer = Heard;

    fn codec(&mut self) -> Im {
        Im::client()
    }

    fn hello(&mut self, _: &mut Im, out: &mut Vec<u8>) -> Result<Opening, WireError> {
        self.line += 1;
        self.phase = Phase::Hello;
        let hello = v1::Hello {
            token: self.token.reveal().to_owned(),
            device: self.device.to_string(),
            wish: self.wish.map(Terms::to_wire),
            ..v1::Hello::default()
        };
        let frame = v1::Frame { magic: Dialect::MAGIC, body: Some(Body::Hello(hello)) };
        out.extend_from_slice(&framed(&frame, Im::BEFORE_LOGIN)?);
        Ok(Opening::Handshake)
    }

    fn encode(&mut self, _: u64, Say { line, body }: Say, _: &mut Im, out: &mut Vec<u8>) -> Result<(), WireError> {
        if line != self.line {
            return Err(WireError::Malformed { what: "a frame for an older line" });
        }
        out.extend_from_slice(&framed(&v1::Frame { magic: 0, body: Some(body) }, Im::AFTER_LOGIN)?);
        Ok(())
    }

    fn on_frame(&mut self, frame: Frame<'_>) -> Incoming<Heard> {
        // Not the server's word but ours: another one may do better, so the client comes back.
        let nonsense = |what: &str| {
            tracing::warn!(what, "the server breaks the protocol");
            Incoming::Goodbye(Reason::ServerError, None)
        };
        let Ok(v1::Frame { body, .. }) = frame.v1() else { return nonsense("a frame that can't be read") };
        match (self.phase, body) {
            // Of a later version.
            (_, None) => Incoming::Ignore,
            (_, Some(Body::Close(close))) => self.on_close(&close),
            (Phase::Hello, Some(Body::Welcome(welcome))) => self.on_welcome(welcome),
            (Phase::Hello, Some(_)) => nonsense("not a welcome"),
            (Phase::Welcomed, Some(Body::Terms(terms))) => self.on_terms(&terms),
            (Phase::Welcomed, Some(Body::GoAway(bye))) => self.on_go_away(bye),
            (
                Phase::Welcomed,
                Some(
                    body @ (Body::SendAck(_) | Body::SendRefused(_) | Body::Deliver(_) | Body::Gap(_) | Body::Reset(_)),
                ),
            ) => Incoming::Push(Heard { line: self.line, body }),
            (Phase::Welcomed, Some(_)) => nonsense("what only a client says"),
        }
    }
}

/// What this end does under the terms: it pings when it has written nothing for the stated time, as the server goes by
/// what it reads.
pub(super) fn heartbeat(terms: Option<&v1::Terms>, pong_within: Duration) -> Option<Arc<Heartbeat>> {
    let stated = terms.map_or(0, |terms| terms.ping_after_ms);
    let after = if stated == 0 { PING_AFTER } else { Duration::from_millis(stated.into()).max(LEAST_PING_AFTER) };
    let builder = Heartbeat::builder().ping(IdleKind::Writer, after).pong_within(pong_within.min(after));
    builder.spread_first_ping().build().ok().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_for_an_older_line_is_not_said_on_a_newer_one() {
        let options = Options::new(["a"], Token::new("t"), "phone");
        let mut protocol = V1::new(&options, Shared::new(&options, Vec::new()));
        let mut codec = protocol.codec();
        let (mut hello, mut out) = (Vec::new(), Vec::new());
        protocol.hello(&mut codec, &mut hello).unwrap();
        protocol.hello(&mut codec, &mut hello).unwrap();
        for (line, is_said) in [(1, false), (2, true)] {
            let body = Body::DeliverAck(v1::DeliverAck { conversation: "all".into(), seq: 9 });
            assert_eq!(protocol.encode(0, Say { line, body }, &mut codec, &mut out).is_ok(), is_said, "line {line}");
            assert_eq!(!out.is_empty(), is_said, "line {line}");
        }
    }

    #[test]
    fn pings_keep_the_servers_terms_and_never_flood() {
        let table = [(None, 25_000, 10_000), (Some(0), 25_000, 10_000), (Some(60_000), 60_000, 10_000)];
        for (stated, after, pong) in table.into_iter().chain([(Some(5_000), 5_000, 5_000), (Some(1), 1_000, 1_000)]) {
            let terms = stated.map(|ping_after_ms| v1::Terms { ping_after_ms, silence_ms: 0 });
            let heartbeat = heartbeat(terms.as_ref(), Duration::from_secs(10)).unwrap();
            assert_eq!(heartbeat.ping(), Some((IdleKind::Writer, Duration::from_millis(after))), "{stated:?}");
            assert_eq!(heartbeat.pong_within(), Some(Duration::from_millis(pong)), "{stated:?}");
        }
    }
}
