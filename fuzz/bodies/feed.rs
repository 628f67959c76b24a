//! Feeds bytes to a codec as a driver does: piece by piece, with a leftover buffer. Shared by fuzz targets and tests.

use keepline_proto::wire::{Codec, Decoded, Message, WireError};

/// The most that a driver may allocate beyond what has arrived, in bytes.
const ROOM: usize = 4096;

/// What a driver learns from the codec, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Ping,
    Pong,
    /// A data frame, encoded again.
    Data(Vec<u8>),
    /// Skipped bytes, once for each bad frame.
    Complaint(WireError),
    /// The end: what follows is not looked at.
    Closed(WireError),
}

/// Feeds the pieces and returns what was in them.
///
/// # Panics
/// When the codec breaks a rule of the trait: it takes nothing or more than there is, changes its mind about a partial
/// frame, finds something in no bytes, refuses to encode what it decoded, or leaves more than `most` bytes undecided.
pub(crate) fn feed<C: Codec>(
    codec: &mut C,
    pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
    most: usize,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut held = Vec::new();
    let mut arrived = 0;
    for piece in pieces {
        let piece = piece.as_ref();
        arrived += piece.len();
        held.reserve_exact(piece.len());
        held.extend_from_slice(piece);
        let (taken, announced) = drain(codec, &held, &mut events);
        held.drain(..taken);
        if matches!(events.last(), Some(Event::Closed(_))) {
            break;
        }
        assert!(held.len() <= most, "{} bytes undecided", held.len());
        let missing = usize::try_from(announced).unwrap_or(usize::MAX).saturating_sub(held.len());
        held.reserve_exact(missing.min(ROOM));
        assert!(held.capacity() <= arrived + ROOM, "{} bytes held for {arrived} that arrived", held.capacity());
    }
    events
}

/// Decodes all that is whole; returns how many bytes that took, and the length announced for the rest.
fn drain<C: Codec>(codec: &mut C, input: &[u8], events: &mut Vec<Event>) -> (usize, u64) {
    let mut taken = 0;
    while taken < input.len() {
        let rest = &input[taken..];
        match codec.decode(rest) {
            Ok(Decoded::Partial { announced }) => {
                assert!(announced == 0 || announced > rest.len() as u64, "partial, but all of it is here");
                let again = codec.decode(rest);
                assert!(
                    matches!(again, Ok(Decoded::Partial { announced: same }) if same == announced),
                    "a partial frame changed the codec"
                );
                return (taken, announced);
            }
            Ok(Decoded::Frame { bytes, message }) => {
                taken += checked(bytes, rest);
                events.push(match message {
                    Message::Ping(_) => Event::Ping,
                    Message::Pong(_) => Event::Pong,
                    Message::Data(frame) => {
                        let mut out = Vec::new();
                        let encoded = codec.encode(frame, &mut out);
                        assert_eq!(encoded, Ok(()), "decoded, but can't be encoded");
                        Event::Data(out)
                    }
                });
            }
            Ok(Decoded::Skip { bytes, error }) => {
                taken += checked(bytes, rest);
                events.extend(error.map(Event::Complaint));
            }
            Err(error) => {
                events.push(Event::Closed(error));
                return (taken, 0);
            }
        }
    }
    let nothing = codec.decode(&[]);
    assert!(matches!(nothing, Ok(Decoded::Partial { announced: 0 })), "found something in no bytes");
    (taken, 0)
}

fn checked(bytes: usize, rest: &[u8]) -> usize {
    assert!((1..=rest.len()).contains(&bytes), "took {bytes} bytes of {}", rest.len());
    bytes
}

/// Cuts `wire` into pieces whose lengths are `sizes` plus one, over and over; in one piece if there are no sizes.
pub(crate) fn cut<'a>(wire: &'a [u8], sizes: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = wire;
    let mut sizes = sizes.iter().cycle();
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = sizes.next().map_or(rest.len(), |&size| usize::from(size) + 1);
        let (piece, later) = rest.split_at(size.min(rest.len()));
        rest = later;
        Some(piece)
    })
}
