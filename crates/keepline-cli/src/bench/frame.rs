//! The frames that the load sends, made beforehand, and the bytes that must come back.

/// The header: four bytes of length (big-endian, counting itself) and the type.
pub(crate) const HEADER: usize = 5;

const PING: u8 = 1;
const PONG: u8 = 2;
const DATA: u8 = 3;

/// How many different frames a pattern has at least: a lost, doubled or swapped answer shows unless
/// it is off by a multiple of this.
const CYCLE: usize = 64;

/// An endless stream of frames of one size that repeats after a cycle.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// The cycle twice, so that any stretch of up to one cycle is contiguous.
    bytes: Box<[u8]>,
    cycle: usize,
    frame: usize,
}

impl Pattern {
    /// Frames of `size` bytes on the wire, header included; at most `burst` of them leave in one write.
    ///
    /// A size below the header's 5 bytes is taken as 5.
    fn new(kind: u8, size: usize, burst: usize) -> Self {
        let frame = size.max(HEADER);
        let frames = burst.max(CYCLE);
        let mut bytes = Vec::with_capacity(2 * frames * frame);
        for index in (0..frames).chain(0..frames) {
            let length = u32::try_from(frame).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.push(kind);
            // The low byte of a sum that differs from frame to frame and from byte to byte.
            bytes.extend((HEADER..frame).map(|at| (index * 31 + at).to_le_bytes()[0]));
        }
        Self { bytes: bytes.into_boxed_slice(), cycle: frames * frame, frame }
    }

    /// The size of one frame in bytes.
    pub(crate) const fn frame(&self) -> u64 {
        self.frame as u64
    }

    /// The stream from `position` on: at most `want` bytes and at most one cycle.
    pub(crate) fn stretch(&self, position: u64, want: u64) -> &[u8] {
        let from = usize::try_from(position % self.cycle as u64).unwrap_or(0);
        let length = usize::try_from(want).unwrap_or(usize::MAX).min(self.cycle);
        &self.bytes[from..from + length]
    }

    /// Where `got` differs from the stream at `position`, if it does; however the bytes are cut.
    pub(crate) fn mismatch(&self, position: u64, got: &[u8]) -> Option<u64> {
        let mut at = position;
        for piece in got.chunks(self.cycle) {
            let want = self.stretch(at, piece.len() as u64);
            if want != piece {
                let offset = want.iter().zip(piece).position(|(want, got)| want != got);
                return Some(at + offset.unwrap_or(0) as u64);
            }
            at += piece.len() as u64;
        }
        None
    }
}

/// What is asked and what must be answered; both in frames of the same size.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// What we send.
    pub(crate) request: Pattern,
    /// What must come back.
    pub(crate) answer: Pattern,
}

impl Exchange {
    /// PING, and PONG for each.
    pub(crate) fn heartbeat() -> Self {
        Self { request: Pattern::new(PING, HEADER, 1), answer: Pattern::new(PONG, HEADER, 1) }
    }

    /// Data frames of `size` bytes on the wire that come back as they are; at most `burst` of them in one write.
    pub(crate) fn echo(size: usize, burst: usize) -> Self {
        let data = || Pattern::new(DATA, size, burst);
        Self { request: data(), answer: data() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heartbeat_is_byte_exact() {
        let exchange = Exchange::heartbeat();
        assert_eq!(exchange.request.stretch(0, 10), [0, 0, 0, 5, 1, 0, 0, 0, 5, 1]);
        assert_eq!(exchange.answer.stretch(5, 5), [0, 0, 0, 5, 2]);
    }

    #[test]
    fn a_data_frame_counts_its_header() {
        let exchange = Exchange::echo(8, 1);
        assert_eq!(exchange.request.stretch(0, 5), [0, 0, 0, 8, 3]);
        assert_eq!(exchange.request.stretch(8, 5), [0, 0, 0, 8, 3]);
        assert_ne!(exchange.request.stretch(0, 8), exchange.request.stretch(8, 8), "frames differ");
    }

    #[test]
    fn every_fragmentation_of_the_right_bytes_matches() {
        let pattern = Exchange::echo(7, 1).answer;
        let total = 3 * pattern.cycle;
        let stream: Vec<u8> = pattern.bytes[..pattern.cycle].repeat(3);
        for piece in [1, 2, 3, 6, 7, 8, 64, pattern.cycle - 1, pattern.cycle, pattern.cycle + 1, total] {
            let mut position = 0;
            for got in stream.chunks(piece) {
                assert_eq!(pattern.mismatch(position, got), None, "pieces of {piece}");
                position += got.len() as u64;
            }
        }
    }

    #[test]
    fn a_wrong_byte_a_lost_frame_and_a_swap_are_found() {
        let pattern = Exchange::echo(16, 1).answer;
        let right = pattern.stretch(0, 64).to_vec();
        for at in [0, 4, 5, 37, 63] {
            let mut wrong = right.clone();
            wrong[at] ^= 1;
            assert_eq!(pattern.mismatch(0, &wrong), Some(at as u64));
        }
        let mut long = pattern.bytes[..pattern.cycle].repeat(3);
        let at = 2 * pattern.cycle + 7;
        long[at] ^= 1;
        assert_eq!(pattern.mismatch(0, &long), Some(at as u64), "behind the first cycle");
        assert_eq!(pattern.mismatch(0, pattern.stretch(16, 16)), Some(5), "the first frame is lost");
        let swapped = [&right[16..32], &right[..16]].concat();
        assert!(pattern.mismatch(0, &swapped).is_some());
    }
}
