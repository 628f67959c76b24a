//! Output: what a command found, for a person or for a program.
//!
//! A table on a terminal, aligned columns elsewhere, with `--json` one object a line. Nothing that comes from elsewhere
//! reaches a terminal unescaped: every way out of here escapes, on stdout and on stderr.

mod escape;
mod table;
mod time;

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

pub(crate) use escape::escaped;
pub(crate) use time::{moment, now_ms, round_trip, span};

/// An entry of a list: an object with stable names for programs, cells for people.
pub(crate) trait Row: Serialize {
    /// The names of the columns, in capitals.
    const HEADS: &'static [&'static str];

    /// One cell a column. They need not be escaped.
    fn cells(&self) -> Vec<String>;
}

/// Where to and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// One object a line.
    Json,
    /// With borders, as wide as the terminal; bold heads unless `NO_COLOR` is set.
    Table { width: u16, bold: bool },
    /// Aligned, as wide as it is.
    Columns,
}

impl Output {
    /// The form that stdout wants.
    pub(crate) fn new(json: bool) -> Self {
        if json {
            return Self::Json;
        }
        if !io::stdout().is_terminal() {
            return Self::Columns;
        }
        let width = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| size.ws_col);
        Self::Table { width: if width == 0 { 80 } else { width }, bold: may_style() }
    }

    /// Prints a list. Of an empty one a program gets no line, and a person the heads.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub(crate) fn list<R: Row>(self, rows: &[R]) -> io::Result<()> {
        match self {
            Self::Json => rows.iter().try_for_each(|row| self.object(row)),
            form => print(&table::of(form, rows)),
        }
    }

    /// Prints one entry of a list that has no end: no heads, and cells as wide as they are.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub(crate) fn line(self, row: &impl Row) -> io::Result<()> {
        match self {
            Self::Json => self.object(row),
            _ => print(&format!("{}\n", escaped(&row.cells().join("  ")))),
        }
    }

    /// Prints one thing that was done: a sentence for a person, an object for a program.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub(crate) fn done(self, sentence: &str, object: &impl Serialize) -> io::Result<()> {
        match self {
            Self::Json => self.object(object),
            _ => print(&format!("{}\n", escaped(sentence))),
        }
    }

    fn object(self, object: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(object).map_err(io::Error::other)?;
        print(&format!("{}\n", escape::escaped_json(&json)))
    }
}

/// Says something about the way of a command, on stderr.
pub(crate) fn note(sentence: &str) {
    // Who closed stderr does not want it.
    let _ = writeln!(io::stderr(), "keepline: {}", escaped(sentence));
}

/// Whether a terminal gets more than plain text (<https://no-color.org>).
pub(crate) fn may_style() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
