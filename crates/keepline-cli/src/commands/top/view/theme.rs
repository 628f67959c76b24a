//! Theme: how what matters stands out, where a terminal may have that.

use ratatui::style::{Color, Modifier, Style};

/// Whether there is more than plain text (<https://no-color.org>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Theme {
    Plain,
    Styled,
}

impl Theme {
    pub(super) const fn plain(self) -> Style {
        Style::new()
    }

    /// Heads.
    pub(super) fn bold(self) -> Style {
        self.with(Style::new().add_modifier(Modifier::BOLD))
    }

    /// What need not be read twice.
    pub(super) fn faint(self) -> Style {
        self.with(Style::new().add_modifier(Modifier::DIM))
    }

    /// What is asked, or was done.
    pub(super) fn loud(self) -> Style {
        self.with(Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD))
    }

    /// What is wrong.
    pub(super) fn alarm(self) -> Style {
        self.with(Style::new().fg(Color::Red).add_modifier(Modifier::BOLD))
    }

    /// Where the cursor is; it has a sign of its own too.
    pub(super) fn cursor(self) -> Style {
        self.with(Style::new().add_modifier(Modifier::REVERSED))
    }

    fn with(self, style: Style) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Styled => style,
        }
    }
}
