//! Fuzz body: the IM codec against a second reading of the framing, in pieces and in one.
//!
//! Input: a byte of settings (bits 0 to 2: which end, see `codec`; bits 3 and 4: the limit), a byte whose low three
//! bits say how many piece sizes follow, the sizes less one, and then what is on the wire.

use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::{Accepts, Im};
use keepline_proto::wire::{Codec, Decoded, Message, WireError};

use super::feed::{Event, cut, feed};

const LIMITS: [u32; 4] = [Im::BEFORE_LOGIN, 1, 16, u32::MAX];

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
    let limit = LIMITS[usize::from(settings >> 3 & 3)];
    let codec = || {
        let mut codec = codec(settings & 7);
        codec.set_limit(limit);
        codec
    };

    let most = limit.saturating_add(4) as usize;
    let expected = feed(&mut codec(), [wire], most);
    for (how, sizes) in [("byte by byte", &[0][..]), ("as cut", sizes)] {
        assert_eq!(feed(&mut codec(), cut(wire, sizes), most), expected, "{how}");
    }
    framing(codec(), wire, limit, &expected);
}

fn codec(which: u8) -> Im {
    match which {
        0 | 5 => Im::server(Accepts { cim: true }),
        1 | 6 => Im::server(Accepts { cim: false }),
        2 | 7 => Im::client(),
        3 => Im::client_of(Dialect::Cim21),
        _ => Im::client_of(Dialect::Cim1),
    }
}

/// Walks the stream by lengths alone and checks each event against the frame that it stands for.
fn framing(mut codec: Im, mut wire: &[u8], limit: u32, events: &[Event]) {
    for event in events {
        let frame = whole(wire, limit);
        match event {
            Event::Closed(error) => {
                let WireError::TooLarge { length, limit: said } = *error else { return };
                assert!(frame.is_none() && length > said && said == u64::from(limit), "{error}");
                return;
            }
            Event::Complaint(error) => panic!("this codec skips nothing: {error}"),
            Event::Ping | Event::Pong | Event::Data(_) => {}
        }
        let Some((length, body)) = frame else { panic!("{event:?} from no whole frame") };
        let decoded = codec.decode(wire);
        let Ok(Decoded::Frame { bytes, message }) = decoded else { panic!("{event:?}, then {decoded:?}") };
        assert_eq!(bytes, length, "how far the frame goes");
        assert!(codec.dialect().is_some(), "a frame without a dialect");
        if let Message::Data(frame) = message {
            assert_eq!(frame.body, body);
            assert_eq!(Some(frame.dialect), codec.dialect());
            assert_eq!(*event, Event::Data(wire[..bytes].to_vec()), "encoded again");
            // Whatever is in it, reading it ends in a message or an error.
            let _ = (frame.v1(), frame.cim());
        }
        wire = &wire[bytes..];
    }
    assert!(whole(wire, limit).is_none(), "a whole frame is left");
}

/// The frame at the front, if it is whole and its length as plain as it can be: its bytes in all, and its body.
fn whole(wire: &[u8], limit: u32) -> Option<(usize, &[u8])> {
    let header = wire.iter().take(5).position(|byte| *byte < 0x80)? + 1;
    let groups = wire[..header].iter().rev();
    let length = groups.fold(0_u64, |length, byte| length << 7 | u64::from(byte & 0x7f));
    let plain = length >> (7 * (header - 1)) > 0;
    if !plain || length > u64::from(limit).min(i32::MAX as u64) {
        return None;
    }
    let all = header + usize::try_from(length).ok()?;
    Some((all, wire.get(header..all)?))
}
