//! Status: what the prompt says.

use std::time::Duration;

use keepline::im::LineState;

/// What is shown before what is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// Where one talks, as it is shown.
    pub(super) place: String,
    pub(super) line: Line,
    /// Messages without a last word.
    pub(super) waiting: usize,
    /// Whether cim's AI answers.
    pub(super) ai: bool,
}

/// The line, as exact as the prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Up,
    Connecting,
    /// Down, for so many seconds until the next attempt.
    Down(u64),
    Over,
}

impl Line {
    pub(super) fn of(state: &LineState) -> Self {
        match state {
            LineState::Up { .. } => Self::Up,
            LineState::Connecting { .. } => Self::Connecting,
            LineState::Waiting { retry_in } => Self::Down(seconds_up(retry_in.to_std())),
            LineState::Over { .. } => Self::Over,
        }
    }
}

/// Seconds, rounded up, so that a count ends with 1 and not with 0.
fn seconds_up(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

impl Status {
    /// Before what is typed.
    pub(super) fn prompt(&self) -> String {
        let mut notes = Vec::new();
        match self.line {
            Line::Up => {}
            Line::Connecting => notes.push("connecting".to_owned()),
            Line::Down(seconds) => notes.push(format!("down, next try in {seconds} s")),
            Line::Over => notes.push("the chat is over".to_owned()),
        }
        if self.waiting > 0 {
            notes.push(format!("{} unsent", self.waiting));
        }
        if self.ai {
            notes.push("AI".to_owned());
        }
        let place = &self.place;
        if notes.is_empty() { format!("{place}> ") } else { format!("{place} ({})> ", notes.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_says_what_is_not_as_it_should_be() {
        let up = Status { place: "all".to_owned(), line: Line::Up, waiting: 0, ai: false };
        for (status, prompt) in [
            (up.clone(), "all> "),
            (Status { line: Line::Connecting, ..up.clone() }, "all (connecting)> "),
            (Status { line: Line::Down(3), waiting: 2, ..up.clone() }, "all (down, next try in 3 s, 2 unsent)> "),
            (Status { waiting: 1, ai: true, ..up.clone() }, "all (1 unsent, AI)> "),
            (Status { line: Line::Over, ..up }, "all (the chat is over)> "),
        ] {
            assert_eq!(status.prompt(), prompt);
        }
    }

    #[test]
    fn the_count_ends_with_one() {
        for (ms, seconds) in [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2), (30_000, 30)] {
            assert_eq!(seconds_up(Duration::from_millis(ms)), seconds);
        }
    }
}
