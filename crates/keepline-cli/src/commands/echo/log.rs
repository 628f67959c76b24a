//! Log: what an end says, in the style that was asked for.

use std::io::{self, IsTerminal as _};
use std::time::Instant;

use clap::{Args, ValueEnum};

use super::console::Console;
use super::entry::{Entry, Role};
use super::line::Line;
use super::{Error, article, friendly, json};

/// Flags of the log.
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// How to print what happens; `article` prints the lines of the Netty original, byte for byte.
    #[arg(long, value_enum, default_value_t = Words::Friendly, value_name = "STYLE")]
    log: Words,
    /// Print one JSON object a line instead, with `event` and what belongs to it.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Words {
    /// Short lines with the time since the start.
    Friendly,
    /// The article's lines.
    Article,
    /// Only the address at the start and the counts at the end.
    Quiet,
}

/// Writes the entries of one end.
#[derive(Debug)]
pub(super) struct Log {
    console: Console,
    role: Role,
    style: Style,
    quiet: bool,
    start: Instant,
}

#[derive(Clone, Copy, Debug)]
enum Style {
    Friendly {
        colour: bool,
    },
    Article,
    /// The text alone.
    Plain,
    Json,
}

impl LogArgs {
    /// Whether single lines are not told of.
    pub(super) const fn is_quiet(&self) -> bool {
        matches!(self.log, Words::Quiet)
    }

    /// Refuses styles that can't be together.
    pub(super) fn check(&self) -> Result<(), Error> {
        match (self.json, self.log) {
            (true, Words::Article) => {
                Err(Error::Usage("--json and --log article are two styles for one output: leave one out".into()))
            }
            _ => Ok(()),
        }
    }

    /// The log of an end.
    pub(super) fn open(&self, role: Role) -> Result<Log, Error> {
        let console =
            Console::start().map_err(|error| Error::Failed(format!("cannot start the output thread: {error}")))?;
        let style = match self.log {
            _ if self.json => Style::Json,
            Words::Article => Style::Article,
            Words::Friendly => Style::Friendly { colour: wants_colour() },
            Words::Quiet => Style::Plain,
        };
        Ok(Log { console, role, style, quiet: self.is_quiet(), start: Instant::now() })
    }
}

impl Log {
    /// Tells of an entry without ever waiting, so for use in a line's own turn.
    pub(super) fn tell(&self, entry: &Entry<'_>) {
        for line in self.lines(entry) {
            self.console.offer(line);
        }
    }

    /// Tells of an entry, and waits while too many lines wait for their reader.
    pub(super) async fn write(&self, entry: &Entry<'_>) {
        for line in self.lines(entry) {
            self.console.write(line).await;
        }
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.console.is_closed()
    }

    /// Waits until all is written, within bounds.
    pub(super) async fn flush(&self) {
        self.console.flush().await;
    }

    fn lines(&self, entry: &Entry<'_>) -> Vec<Line> {
        if self.quiet && !matches!(entry, Entry::Listening(_) | Entry::Closed { .. }) {
            return Vec::new();
        }
        let at = self.start.elapsed();
        match self.style {
            Style::Friendly { colour } => friendly::lines(self.role, at, colour, entry),
            Style::Plain => vec![Line::out(friendly::text(self.role, entry))],
            Style::Article => article::lines(self.role, entry),
            Style::Json => vec![json::line(at, entry)],
        }
    }
}

/// Colour is for terminals, and for people who did not refuse it (no-color.org).
fn wants_colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
