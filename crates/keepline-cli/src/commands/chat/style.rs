//! Style: bold and underlined words, where a terminal may have them.

use std::ops::Range;

use crate::output::{escaped, may_style};

/// A line to show, and which parts of it are marked. It need not be escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// In order, without overlaps, between characters.
    pub(super) marks: Vec<Range<usize>>,
}

/// Whether words may be more than plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Terminal,
}

impl Style {
    /// For a terminal, unless its user wants none (<https://no-color.org>).
    pub(super) fn of_terminal() -> Self {
        if may_style() { Self::Terminal } else { Self::Plain }
    }

    /// The line as it is printed: escaped, with its marks.
    pub(super) fn of(self, line: &Line) -> String {
        let mut shown = String::with_capacity(line.text.len() + 16 * line.marks.len());
        let mut at = 0;
        for mark in &line.marks {
            shown.push_str(&escaped(&line.text[at..mark.start]));
            shown.push_str(&self.mark(&escaped(&line.text[mark.clone()])));
            at = mark.end;
        }
        shown.push_str(&escaped(&line.text[at..]));
        shown
    }

    fn mark(self, words: &str) -> String {
        match self {
            Self::Plain => words.to_owned(),
            Self::Terminal => format!("\u{1b}[1;4m{words}\u{1b}[0m"),
        }
    }
}

impl<T: Into<String>> From<T> for Line {
    fn from(text: T) -> Self {
        Self { text: text.into(), marks: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_commands_reach_the_terminal() {
        let line = Line { text: "hi \u{1b}[x".to_owned(), marks: vec![0..2, 5..6] };
        assert_eq!(Style::Terminal.of(&line), "\u{1b}[1;4mhi\u{1b}[0m \\u{1b}[\u{1b}[1;4mx\u{1b}[0m");
        assert_eq!(Style::Plain.of(&line), "hi \\u{1b}[x");
        assert_eq!(Style::Plain.of(&"".into()), "");
    }
}
