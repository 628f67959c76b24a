//! File: settings from TOML, each with its line.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::Chosen;
use super::keys::{KEYS, Kind};
use super::nearest::{is_section, no_key, no_section};
use super::place::{Place, Problem};

/// No file of settings is longer, in bytes.
const LONGEST: u64 = 1 << 20;

/// Reads a file.
pub(super) fn read(path: &Path, said: &mut Vec<Chosen>, problems: &mut Vec<Problem>) {
    let place = |line| Place::File { path: path.to_owned(), line };
    let (text, mode) = match contents(path) {
        Ok(read) => read,
        Err(error) => return problems.push(Problem { place: place(None), what: error.to_string() }),
    };
    let mut reading = Reading { path, text: &text, private: mode.trailing_zeros() >= 6, said, problems };
    match DeTable::parse(&text) {
        Ok(table) => reading.table("", table.get_ref()),
        Err(error) => {
            let line = error.span().map(|span| line_of(&text, span.start));
            problems.push(Problem { place: place(line), what: error.message().replace('\n', " ") });
        }
    }
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    /// Nobody else can read it.
    private: bool,
    said: &'a mut Vec<Chosen>,
    problems: &'a mut Vec<Problem>,
}

impl Reading<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let place = Place::File { path: self.path.to_owned(), line: Some(line_of(self.text, name.span().start)) };
            let dot = if section.is_empty() { "" } else { "." };
            let name = format!("{section}{dot}{}", name.get_ref());
            match value.get_ref() {
                // So deep as the keys are, and no deeper.
                DeValue::Table(table) if is_section(&name) => self.table(&name, table),
                DeValue::Table(_) => self.problems.push(Problem { place, what: no_section(&name) }),
                value => self.value(&name, value, place),
            }
        }
    }

    fn value(&mut self, name: &str, value: &DeValue<'_>, place: Place) {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            let what = no_key(name, |key| key.name.to_owned());
            return self.problems.push(Problem { place, what });
        };
        if key.secret && !self.private {
            let what = format!("{name} is a secret, and others can read this file: chmod 600 {}", self.path.display());
            return self.problems.push(Problem { place, what });
        }
        match text_of(key.kind, value) {
            Some(text) => self.said.push(Chosen::new(key, place, text)),
            None => self.problems.push(Problem { place, what: format!("{name} is {}", not(key.kind, value)) }),
        }
    }
}

fn contents(path: &Path) -> std::io::Result<(String, u32)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = String::new();
    if file.take(LONGEST + 1).read_to_string(&mut text)? as u64 > LONGEST {
        return Err(std::io::Error::other(format!("longer than {LONGEST} bytes: this is no file of settings")));
    }
    Ok((text, mode))
}

/// The text of a value, if it is of the kind.
fn text_of(kind: Kind, value: &DeValue<'_>) -> Option<String> {
    match (kind, value) {
        (Kind::Text | Kind::Size, DeValue::String(text)) => Some(text.to_string()),
        (Kind::Number | Kind::Size, DeValue::Integer(number)) if number.radix() == 10 => {
            Some(number.as_str().to_owned())
        }
        (Kind::Switch, DeValue::Boolean(on)) => Some(on.to_string()),
        _ => None,
    }
}

/// What a value should be, and is not.
fn not(kind: Kind, value: &DeValue<'_>) -> String {
    let article = if matches!(value, DeValue::Integer(_) | DeValue::Array(_)) { "an" } else { "a" };
    match (kind, value) {
        (Kind::Number | Kind::Size, DeValue::Integer(_)) => format!("{kind}, in decimal"),
        _ => format!("{kind}, and not {article} {}", value.type_str()),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1
}
