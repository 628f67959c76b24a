//! Line: a line of output, and where it belongs.

/// One or more lines of text for one of the two streams, without the last line's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) stream: Stream,
    pub(super) text: String,
}

/// The two streams of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

impl Line {
    pub(super) fn out(text: impl Into<String>) -> Self {
        Self { stream: Stream::Out, text: text.into() }
    }

    pub(super) fn err(text: impl Into<String>) -> Self {
        Self { stream: Stream::Err, text: text.into() }
    }
}
