//! Fuzz body: the echo codec against a second reading of the decoder table, in pieces and in one.
//!
//! Input: a byte of settings (bit 0: Netty's way; bits 1 and 2: the limit), a byte whose low three bits say how many
//! piece sizes follow, the sizes less one, and then what is on the wire.

use keepline_proto::wire::WireError;
use keepline_proto::wire::echo::Echo;

use super::feed::{Event, cut, feed};

const LIMITS: [u32; 4] = [Echo::DEFAULT_LIMIT, 5, 17, u32::MAX];

/// Runs one input.
///
/// # Panics
/// When the codec is wrong.
pub(crate) fn run(data: &[u8]) {
    let [settings, count, rest @ ..] = data else {
        return;
    };
    let Some((sizes, wire)) = rest.split_at_checked(usize::from(count & 7)) else {
        return;
    };
    let lenient = settings & 1 == 1;
    let limit = LIMITS[usize::from(settings >> 1 & 3)];
    let codec = || {
        let codec = if lenient { Echo::netty_compatible() } else { Echo::strict() };
        codec.with_limit(limit).expect("each limit is at least 5")
    };

    let most = limit as usize - 1;
    let expected = read(wire, limit, lenient);
    for (how, sizes) in [("in one piece", &[][..]), ("byte by byte", &[0]), ("as cut", sizes)] {
        let events = feed(&mut codec(), cut(wire, sizes), most);
        assert_eq!(events, expected, "{how}");
    }
}

/// The decoder table, read from a whole stream: slow, and as plain as the table itself.
fn read(mut wire: &[u8], limit: u32, lenient: bool) -> Vec<Event> {
    let mut events = Vec::new();
    while wire.len() >= 4 {
        let length = wire[..4].iter().fold(0_u64, |length, &byte| length << 8 | u64::from(byte));
        let (used, error) = match length {
            0..=4 => (4, Some(WireError::LengthTooSmall { length, least: 5 })),
            _ if length > limit.into() => {
                let limit = limit.into();
                (length, Some(WireError::TooLarge { length, limit }))
            }
            _ => (length, None),
        };
        let here = wire.len().min(usize::try_from(used).unwrap_or(usize::MAX));
        match error {
            Some(error) if lenient => events.push(Event::Complaint(error)),
            Some(error) => {
                events.push(Event::Closed(error));
                break;
            }
            None if (here as u64) < length => break,
            None => events.push(match wire[4] {
                1 => Event::Ping,
                2 => Event::Pong,
                _ => Event::Data(wire[..here].to_vec()),
            }),
        }
        wire = &wire[here..];
    }
    events
}
