//! Fuzz body: the line codec against a second reading of the same lines, in pieces and in one.
//!
//! Input: a byte whose low three bits say how many piece sizes follow, the sizes less one, and then what is on the
//! wire.

use keepline_proto::wire::WireError;
use keepline_proto::wire::line::Line;

use super::feed::{Event, cut, feed};

/// Runs one input.
///
/// # Panics
/// When the codec is wrong.
pub(crate) fn run(data: &[u8]) {
    let [count, rest @ ..] = data else { return };
    let Some((sizes, wire)) = rest.split_at_checked(usize::from(count & 7)) else {
        return;
    };
    let expected = read(wire);
    for (how, sizes) in [("in one piece", &[][..]), ("byte by byte", &[0]), ("as cut", sizes)] {
        let events = feed(&mut Line, cut(wire, sizes), Line::LIMIT);
        assert_eq!(events, expected, "{how}");
    }
}

/// The lines of a whole stream, one byte after the other.
fn read(wire: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut line = Vec::new();
    for &byte in wire {
        match byte {
            b'\0' => {
                let what = "a NUL byte in text";
                events.push(Event::Closed(WireError::Malformed { what }));
                break;
            }
            b'\n' => {
                while line.pop_if(|last| *last == b'\r').is_some() {}
                events.push(match line.as_slice() {
                    b"ping" => Event::Ping,
                    b"pong" => Event::Pong,
                    text => Event::Data([text, b"\n"].concat()),
                });
                line.clear();
            }
            _ if line.len() == 1024 => {
                let (length, limit) = (1025, 1024);
                events.push(Event::Closed(WireError::TooLarge { length, limit }));
                break;
            }
            _ => line.push(byte),
        }
    }
    events
}
