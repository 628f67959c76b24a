//! Scratch: the buffers of one turn, lent to one line at a time by its thread.

use std::cell::Cell;

use super::outbox::Lane;

/// The receive buffer's size, and about the most that is written at one time.
pub(crate) const BUFFER: usize = 64 * 1024;
/// An output that outgrew this is not kept.
const KEEP: usize = 4 * BUFFER;

/// The receive buffer and the output of a turn.
///
/// Taken when a driver is polled and put back before the poll returns: an idle line holds neither, and none is ever
/// held across an await. A poll inside a poll, or one that panics, costs one allocation.
pub(crate) struct Scratch {
    pub(crate) input: Box<[u8]>,
    pub(crate) output: Output,
}

/// What a turn has to say: encoded frames, and where each ends.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    ends: Vec<(usize, Lane)>,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    pub(crate) fn take() -> Box<Self> {
        SCRATCH
            .take()
            .unwrap_or_else(|| Box::new(Self { input: vec![0; BUFFER].into_boxed_slice(), output: Output::default() }))
    }

    pub(crate) fn put_back(mut self: Box<Self>) {
        self.output.clear();
        self.output.bytes.shrink_to(KEEP);
        self.output.ends.shrink_to(KEEP / 4);
        SCRATCH.set(Some(self));
    }
}

impl Output {
    /// The bytes since the last end are one frame.
    #[inline]
    pub(crate) fn end_frame(&mut self, lane: Lane) {
        self.ends.push((self.bytes.len(), lane));
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many frames are whole within the first `written` bytes.
    pub(crate) fn frames_within(&self, written: usize) -> usize {
        self.ends.partition_point(|(end, _)| *end <= written)
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The whole frames after the first `written` bytes, neighbours of one lane together, as `(lane, range)`; the rest
    /// of a frame that is partly written comes first, with `None`.
    pub(crate) fn remainder(&self, written: usize) -> Vec<(Option<Lane>, std::ops::Range<usize>)> {
        let mut pieces: Vec<(Option<Lane>, std::ops::Range<usize>)> = Vec::new();
        let mut start = 0;
        for &(end, lane) in &self.ends {
            let frame = start..end;
            start = end;
            if end <= written {
                continue;
            }
            if frame.start < written {
                pieces.push((None, written..end));
                continue;
            }
            match pieces.last_mut() {
                Some((Some(last), range)) if *last == lane => range.end = end,
                _ => pieces.push((Some(lane), frame)),
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(frames: &[(&str, Lane)]) -> Output {
        let mut output = Output::default();
        for (text, lane) in frames {
            output.bytes.extend_from_slice(text.as_bytes());
            output.end_frame(*lane);
        }
        output
    }

    #[test]
    fn a_cut_frame_comes_first_and_neighbours_of_one_lane_stay_together() {
        use Lane::{Control, Data};
        let output = output(&[("aaa", Data), ("bbb", Data), ("P", Control), ("Q", Control), ("cc", Data)]);
        let whole = [(Some(Data), 0..6), (Some(Control), 6..8), (Some(Data), 8..10)];
        assert_eq!(output.remainder(0), whole);
        assert_eq!(output.remainder(1)[..2], [(None, 1..3), (Some(Data), 3..6)]);
        assert_eq!(output.remainder(3)[0], (Some(Data), 3..6));
        assert_eq!(output.remainder(7), [(Some(Control), 7..8), (Some(Data), 8..10)]);
        assert_eq!(output.remainder(10), []);
        assert_eq!([0, 2, 3, 7, 10].map(|written| output.frames_within(written)), [0, 0, 1, 3, 5]);
    }
}
