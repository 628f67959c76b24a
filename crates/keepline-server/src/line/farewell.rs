//! Farewell: what is said to those who are not let in, and when they may come again.

use keepline::{Flow, Reason, Turn};
use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::v1::{Close, frame::Body};
use keepline_proto::wire::im::{Accepts, Im};
use keepline_proto::wire::{Codec as _, Decoded, Message};

use crate::guard::Refused;
use crate::session;

/// When to come again who was turned away at accept, in ms: not before the first, and, drawn for each, not all in the
/// same moment.
const COME_AGAIN_MS: std::ops::Range<u64> = 5_000..10_000;

/// What a connection is told that was turned away at accept, by its first bytes; `None` while these do not say what it
/// speaks. A word for [`Server::with_farewell`](keepline::serve::Server::with_farewell).
///
/// A client of our own protocol is told why, and when to come again: after 5 to 10 s, drawn anew for each. One of cim's
/// is told nothing, since it shows every frame as a chat message; nor is one that speaks neither.
#[must_use]
pub fn farewell(reason: Reason, heard: &[u8]) -> Option<Vec<u8>> {
    let close = |frame| match frame {
        Dialect::V1 => close(reason, come_again_ms()).unwrap_or_default(),
        _ => Vec::new(),
    };
    match Im::server(Accepts { cim: true }).decode(heard) {
        Ok(Decoded::Partial { .. }) => None,
        Ok(Decoded::Frame { message: Message::Data(frame), .. }) => Some(close(frame.dialect)),
        Ok(Decoded::Frame { .. } | Decoded::Skip { .. }) | Err(_) => Some(Vec::new()),
    }
}

/// Ends a line, and says when to come again: the codec's own farewell does not know.
pub(super) fn turn_away(refused: Refused, turn: &mut Turn<'_, Im>) -> Flow {
    let reason = Reason::RateLimited;
    let retry_after_ms = u32::try_from(refused.retry_after.as_millis()).unwrap_or(u32::MAX).max(1);
    if let Some(frame) = close(reason, retry_after_ms)
        && turn.connection().push(frame.into()).is_ok()
    {
        turn.codec().said_farewell();
    }
    Flow::Close(reason)
}

fn close(reason: Reason, retry_after_ms: u32) -> Option<Vec<u8>> {
    let close = Close { code: reason.code().into(), reason: reason.name().to_owned(), retry_after_ms };
    session::frame(Body::Close(close)).map(Into::into)
}

fn come_again_ms() -> u32 {
    // Without a random number all come at the earliest, each with its own jitter.
    let spread = getrandom::u64().unwrap_or(0) % (COME_AGAIN_MS.end - COME_AGAIN_MS.start);
    u32::try_from(COME_AGAIN_MS.start + spread).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use keepline_proto::wire::im::{Frame, framed, v1};

    use super::*;

    fn hello() -> Vec<u8> {
        let hello = v1::Hello { token: "t-1".into(), device: "phone".into(), ..v1::Hello::default() };
        let frame = v1::Frame { magic: Dialect::MAGIC, body: Some(Body::Hello(hello)) };
        framed(&frame, Im::BEFORE_LOGIN).expect("it is small").to_vec()
    }

    fn told(bytes: &[u8]) -> Close {
        match Im::client().decode(bytes).expect("a frame") {
            Decoded::Frame { message: Message::Data(Frame { body, .. }), bytes: all } => {
                assert_eq!(all, bytes.len(), "one frame");
                match v1_body(body) {
                    Body::Close(close) => close,
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn v1_body(body: &[u8]) -> Body {
        let frame = Frame { dialect: Dialect::V1, body };
        frame.v1().expect("a frame of ours").body.expect("a body")
    }

    #[test]
    fn our_own_client_is_told_once_its_first_frame_is_whole() {
        let hello = hello();
        for reason in [Reason::ServerFull, Reason::RateLimited] {
            for end in 0..hello.len() {
                assert_eq!(farewell(reason, &hello[..end]), None, "{end} bytes");
            }
            let behind = [&hello[..], b"\x07\x32"].concat();
            for heard in [&hello, &behind] {
                let close = told(&farewell(reason, heard).expect("it is known who is there"));
                assert_eq!((close.code, close.reason.as_str()), (reason.code().into(), reason.name()));
                assert!(COME_AGAIN_MS.contains(&close.retry_after_ms.into()), "{close:?}");
            }
        }
    }

    #[test]
    fn they_are_not_all_told_to_come_in_the_same_moment() {
        let hello = hello();
        let again = || told(&farewell(Reason::ServerFull, &hello).expect("known")).retry_after_ms;
        let times: std::collections::BTreeSet<u32> = (0..100).map(|_| again()).collect();
        // Of 5,000 moments; fewer than half of them different in one run of 10^80.
        assert!(times.len() > 50, "{times:?}");
    }

    #[test]
    fn nobody_else_is_told_anything() {
        let table: [(&str, &[u8]); 4] = [
            ("a login of cim", b"\x0b\x0a\x02zs\x10\xff\xb6\xf0\x90\x83\x2d"),
            ("HTTP", b"GET / HTTP/1.1\r\n"),
            ("TLS", b"\x16\x03\x01\x02\x00"),
            ("an empty frame", b"\0"),
        ];
        for (who, heard) in table {
            assert_eq!(farewell(Reason::ServerFull, heard), Some(Vec::new()), "{who}");
        }
    }
}
