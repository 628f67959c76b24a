//! Keys: every setting of the server in one table: how it is called, what it takes, and where it goes.

use std::fmt;

use super::settings::Settings;

mod audit;
mod limits;
mod listen;
mod server;
mod store;
mod tokens;

/// All of them, by section.
pub(crate) static KEYS: &[Key] = &joined::<{ count(PARTS) }>(PARTS);

/// The table, a file for some sections.
const PARTS: &[&[Key]] = &[listen::KEYS, store::KEYS, limits::KEYS, tokens::KEYS, server::KEYS, audit::KEYS];

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// With its section: `listen.http`. The variable is made of it.
    pub(crate) name: &'static str,
    /// Without its dashes; none for what is not to be seen in a list of processes.
    pub(crate) flag: Option<&'static str>,
    pub(crate) kind: Kind,
    /// What its value looks like.
    pub(crate) form: &'static str,
    /// As a text, empty for none.
    pub(crate) default: &'static str,
    /// Without a full stop.
    pub(crate) about: &'static str,
    pub(crate) reload: Reload,
    /// Its value is shown to nobody.
    pub(crate) secret: bool,
    /// The flag beside which its own makes no sense.
    pub(crate) excludes: Option<&'static str>,
    /// Puts it in its place, or says what to write instead.
    pub(crate) set: fn(&mut Settings, &str) -> Result<(), String>,
}

/// When another value of a setting is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// After a restart.
    AtStart,
    /// After SIGHUP.
    AtHangup,
    /// After SIGHUP, but neither to begin with it nor to end it.
    UnlessToggled,
}

impl Reload {
    /// Whether a server that runs with one text takes another.
    pub(crate) const fn takes(self, old: &str, new: &str) -> bool {
        match self {
            Self::AtStart => false,
            Self::AtHangup => true,
            Self::UnlessToggled => old.is_empty() == new.is_empty(),
        }
    }
}

/// What a value is in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    /// A number, or a text with a unit or a word.
    Size,
    Switch,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text, in quotes",
            Self::Number => "a whole number",
            Self::Size => "a whole number or a text",
            Self::Switch => "true or false",
        })
    }
}

/// A row that most are like: a text with a flag.
const ROW: Key = Key {
    name: "",
    flag: None,
    kind: Kind::Text,
    form: "TEXT",
    default: "",
    about: "",
    reload: Reload::AtStart,
    secret: false,
    excludes: None,
    set: |_, _| Ok(()),
};

fn put<T>(place: &mut T, read: Result<T, String>) -> Result<(), String> {
    *place = read?;
    Ok(())
}

const fn count(parts: &[&[Key]]) -> usize {
    let (mut all, mut part) = (0, 0);
    while part < parts.len() {
        all += parts[part].len();
        part += 1;
    }
    all
}

/// The parts in one; `N` is [`count`] of them.
const fn joined<const N: usize>(parts: &[&[Key]]) -> [Key; N] {
    let (mut all, mut next, mut part) = ([ROW; N], 0, 0);
    while part < parts.len() {
        let mut row = 0;
        while row < parts[part].len() {
            all[next] = parts[part][row];
            next += 1;
            row += 1;
        }
        part += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_key_is_one_and_its_default_works() {
        let mut settings = Settings::default();
        let names: HashSet<_> = KEYS.iter().map(|key| key.name).collect();
        let flags: HashSet<_> = KEYS.iter().filter_map(|key| key.flag).collect();
        assert_eq!((names.len(), flags.len()), (KEYS.len(), KEYS.iter().filter(|key| key.flag.is_some()).count()));
        for key in KEYS {
            assert_eq!((key.set)(&mut settings, key.default), Ok(()), "{}", key.name);
            assert!(key.name.contains('.') && !key.about.ends_with('.') && !key.about.is_empty(), "{}", key.name);
            assert!(!key.secret || key.flag.is_none(), "{}: a flag is seen by everybody on the machine", key.name);
        }
    }
}
