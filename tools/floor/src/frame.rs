//! The frame of the echo pair, answered in the buffer it arrived in.
//!
//! A frame is a 4-byte big-endian length that counts itself, one type byte, and the content. No
//! answer is longer than its question, so the answers can overwrite the questions: an echo stays
//! where it is, and nothing is copied unless a shorter answer came before it.

/// Length and type: the shortest frame there is, in bytes.
pub(crate) const HEADER: usize = 5;

const LENGTH: usize = 4;
const PING: u8 = 1;
const PONG: u8 = 2;
const PONG_FRAME: [u8; HEADER] = [0, 0, 0, HEADER as u8, PONG];

/// What one pass over received bytes came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    /// So many bytes at the front of the buffer are now the answers.
    pub(crate) answers: usize,
    /// So many bytes were whole frames; what follows them is the start of the next one.
    pub(crate) used: usize,
    /// The length after the used bytes is one that no frame can have: close after the answers.
    pub(crate) corrupt: bool,
}

/// Replaces the whole frames at the front of `received` with their answers: PING by PONG, PONG by
/// nothing, every other type by itself.
///
/// A length is refused as soon as its four bytes are in, so that nobody can announce much and keep
/// us waiting for it.
pub(crate) fn answer_in_place(received: &mut [u8], max_frame: usize) -> Pass {
    let (mut answers, mut used) = (0, 0);
    while let Some(length) = received[used..].first_chunk::<LENGTH>() {
        let length = u32::from_be_bytes(*length) as usize;
        if !(HEADER..=max_frame).contains(&length) {
            return Pass { answers, used, corrupt: true };
        }
        let end = used + length;
        if end > received.len() {
            break;
        }
        match received[used + LENGTH] {
            PING => {
                received[answers..answers + HEADER].copy_from_slice(&PONG_FRAME);
                answers += HEADER;
            }
            PONG => {}
            _ => {
                if answers < used {
                    received.copy_within(used..end, answers);
                }
                answers += length;
            }
        }
        used = end;
    }
    Pass { answers, used, corrupt: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + content.len()).unwrap();
        [&length.to_be_bytes(), &[kind][..], content].concat()
    }

    #[test]
    fn whole_frames_are_answered_and_the_rest_is_left() {
        let ping = frame(1, b"");
        let pong = frame(2, b"");
        let data = frame(3, b"HELLO, WORLD");
        // What arrives, what goes out, what is kept for later.
        let rows: [(_, _, _, &[u8]); 10] = [
            ("nothing", vec![], vec![], b""),
            ("ping", ping.clone(), pong.clone(), b""),
            ("ping with content", frame(1, b"x"), pong.clone(), b""),
            ("pong", pong.clone(), vec![], b""),
            ("data", data.clone(), data.clone(), b""),
            ("type 0", frame(0, b"a"), frame(0, b"a"), b""),
            ("type 255, no content", frame(255, b""), frame(255, b""), b""),
            ("a piece of a length", vec![0, 0, 0], vec![], &[0, 0, 0]),
            (
                "data moves up behind a dropped pong and a shorter answer",
                [&pong[..], &frame(1, b"xyz"), &data, &ping].concat(),
                [&pong[..], &data, &pong].concat(),
                b"",
            ),
            ("a piece of a frame after a whole one", [&ping[..], &data[..16]].concat(), pong.clone(), &data[..16]),
        ];
        for (name, mut received, answers, rest) in rows {
            let pass = answer_in_place(&mut received, 1024);
            assert!(!pass.corrupt, "{name}");
            assert_eq!(received[..pass.answers], answers, "{name}");
            assert_eq!(&received[pass.used..], rest, "{name}");
        }
    }

    #[test]
    fn a_length_out_of_bounds_is_refused_as_soon_as_it_is_read() {
        for (length, corrupt) in [(0, true), (4, true), (5, false), (1024, false), (1025, true), (u32::MAX, true)] {
            let mut received = frame(1, b"");
            received.extend(u32::to_be_bytes(length));
            let pass = answer_in_place(&mut received, 1024);
            assert_eq!(pass.corrupt, corrupt, "length {length}");
            assert_eq!((pass.answers, pass.used), (5, 5), "length {length}");
        }
    }

    #[test]
    fn cutting_a_stream_anywhere_changes_no_answer() {
        let stream = [frame(3, b"one"), frame(1, b"??"), frame(2, b""), frame(9, b"two")].concat();
        let whole = [frame(3, b"one"), frame(2, b""), frame(9, b"two")].concat();
        for cut in 0..=stream.len() {
            let mut first = stream[..cut].to_vec();
            let pass = answer_in_place(&mut first, 1024);
            let mut second = [&first[pass.used..], &stream[cut..]].concat();
            let mut answers = first[..pass.answers].to_vec();
            let pass = answer_in_place(&mut second, 1024);
            answers.extend_from_slice(&second[..pass.answers]);
            assert_eq!(answers, whole, "cut at {cut}");
            assert_eq!(pass.used, second.len(), "cut at {cut}");
        }
    }
}
