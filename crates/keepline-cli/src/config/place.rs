//! Place: where a setting was said, and what is wrong there.

use std::fmt;
use std::path::PathBuf;

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nobody said anything.
    Default,
    /// A line of a file, counted from 1; the whole file where there is none.
    File { path: PathBuf, line: Option<usize> },
    /// An environment variable.
    Variable(String),
    /// A flag, without its dashes.
    Flag(&'static str),
}

/// Something that is wrong somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) place: Place,
    /// What, and what to write instead.
    pub(crate) what: String,
}

/// All that is wrong: one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Place {
    /// In which order a reader looks: down the file, then elsewhere.
    pub(super) fn rank(&self) -> (u8, usize) {
        match self {
            Self::Default => (0, 0),
            Self::File { line, .. } => (1, line.unwrap_or(0)),
            Self::Variable(_) => (2, 0),
            Self::Flag(_) => (3, 0),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: Some(line) } => write!(f, "{} line {line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { place, what }) in self.0.iter().enumerate() {
            let end = if index + 1 < self.0.len() { "\n" } else { "" };
            write!(f, "{place}: {what}{end}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
