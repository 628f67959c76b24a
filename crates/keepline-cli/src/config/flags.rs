//! Flags: the keys of the table as flags of a command.

use clap::error::Error;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::Chosen;
use super::keys::{KEYS, Key, Kind};
use super::place::Place;
use super::settings::Settings;

/// What was said by flags.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags(Vec<(&'static Key, &'static str, String)>);

impl Flags {
    pub(super) fn said(&self) -> impl Iterator<Item = Chosen> {
        self.0.iter().map(|(key, flag, text)| Chosen::new(key, Place::Flag(flag), text))
    }

    /// As they stand on a command line.
    #[cfg(test)]
    pub(super) fn of(words: &str) -> Self {
        let words = std::iter::once("test").chain(words.split_ascii_whitespace());
        let matches = Self::augment_args(Command::new("test")).try_get_matches_from(words).unwrap();
        Self::from_arg_matches(&matches).unwrap()
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(KEYS.iter().filter_map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let said = KEYS.iter().filter_map(|key| {
            let flag = key.flag?;
            let by_hand = matches.value_source(flag) == Some(ValueSource::CommandLine);
            let text = matches.get_one::<String>(flag).filter(|_| by_hand)?;
            Some((key, flag, text.clone()))
        });
        Ok(Self(said.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flag of a key, if it has one. Its default is shown there and used elsewhere.
fn argument(key: &'static Key) -> Option<Arg> {
    let flag = key.flag?;
    let check = |text: &str| (key.set)(&mut Settings::default(), text).map(|()| text.to_owned());
    let argument = Arg::new(flag).long(flag).help(key.about).value_parser(check).value_name(key.form);
    let argument = match key.kind {
        Kind::Switch => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ if key.default.is_empty() => argument,
        _ => argument.default_value(key.default),
    };
    Some(match key.excludes {
        Some(other) => argument.conflicts_with(other),
        None => argument,
    })
}
