//! Command: what a typed line asks for.
//!
//! Whatever is typed gives a command or a sentence that says what is wrong with it; nothing ends the chat by accident.

use std::time::Duration;

use keepline_server::id::{GroupId, UserId};

use super::catalogue::{self, Entry};
use super::emoji;
use crate::commands::target::Target;

/// Messages that `:history` shows if it is not told how many, and the most.
const HISTORY: usize = 20;
const MOST_HISTORY: usize = 200;

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    /// A text for the place where one talks.
    Say(String),
    /// A private message.
    Tell {
        user: UserId,
        text: String,
    },
    Help(Option<&'static str>),
    Online,
    /// Who is online and begins so.
    Begins(String),
    Search(String),
    Info,
    /// Whether cim's AI answers instead.
    Ai(bool),
    Emoji(usize),
    /// A text for later.
    Later {
        text: String,
        after: Duration,
    },
    /// What is to be sent later.
    Schedules,
    Cancel(String),
    Quit,
    To(Target),
    /// Who is in a group, or where one talks.
    Who(Option<GroupId>),
    Join {
        group: GroupId,
        users: Vec<UserId>,
    },
    /// A group, or the one where one talks.
    Leave(Option<GroupId>),
    Groups,
    History(usize),
    Why,
    Trace(Option<String>),
    Kick(Option<String>),
}

/// What is wrong with a line. Words of the line may be in it: to be escaped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mistake {
    #[error("there is nothing to send")]
    Empty,
    #[error("there is no command {0}; :help lists them, and ::TEXT sends a text that begins with a colon")]
    Unknown(String),
    #[error("there is no command {typed}; did you mean {}?", .meant.usage())]
    Near { typed: String, meant: Meant },
    #[error("write it as {}", .0.usage())]
    Form(Meant),
    #[error("{} takes nothing more", .0.name)]
    More(Meant),
    #[error("{what}; write it as {}", .form.usage())]
    Word { what: String, form: Meant },
    #[error("{0:?} is no user's name: write NAME;;TEXT, or ::TEXT for a text with ;; in it")]
    NoUser(String),
}

/// The command that was meant: an entry of the catalogue; two are equal if their names are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meant(&'static Entry);

impl PartialEq for Meant {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Meant {}

impl std::ops::Deref for Meant {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        self.0
    }
}

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub(super) fn read(line: &str) -> Result<Self, Mistake> {
        let line = line.trim();
        if let Some(text) = line.strip_prefix("::") {
            // Behind the first colon it is a text, whatever it looks like.
            return said(&line[..1], text);
        }
        if line.starts_with(':') {
            let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            if !emoji::is_name(name) && !emoji_runs_on(name) {
                return named(name, rest.trim());
            }
        }
        match line.split_once(";;") {
            Some((user, text)) => told(user.trim(), text.trim()),
            None if line.is_empty() => Err(Mistake::Empty),
            None => Ok(Self::Say(line.to_owned())),
        }
    }
}

fn said(colon: &str, text: &str) -> Result<Command, Mistake> {
    if text.trim().is_empty() { Err(Mistake::Empty) } else { Ok(Command::Say(format!("{colon}{text}"))) }
}

/// `:smile:hello`: an emoji, and a text at once behind it.
fn emoji_runs_on(word: &str) -> bool {
    let end = word.char_indices().skip(1).find(|(_, c)| *c == ':').map(|(at, _)| at + 1);
    end.is_some_and(|end| emoji::is_name(&word[..end]))
}

fn told(user: &str, text: &str) -> Result<Command, Mistake> {
    if text.is_empty() {
        return Err(Mistake::Empty);
    }
    // In cim one is known by a number; there, `@42` is nobody.
    let name = match user.strip_prefix('@') {
        Some(name) => name.to_owned(),
        None if !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit()) => format!("cim-{user}"),
        None => user.to_owned(),
    };
    let user = name.parse().map_err(|_| Mistake::NoUser(user.to_owned()))?;
    Ok(Command::Tell { user, text: text.to_owned() })
}

fn named(name: &str, rest: &str) -> Result<Command, Mistake> {
    let Some(entry) = catalogue::find(name) else {
        let typed = name.to_owned();
        return Err(match catalogue::nearest(name) {
            Some(meant) => Mistake::Near { typed, meant: Meant(meant) },
            None => Mistake::Unknown(typed),
        });
    };
    let meant = Meant(entry);
    if entry.takes.is_empty() && !rest.is_empty() {
        return Err(Mistake::More(meant));
    }
    let one = || (!rest.is_empty()).then(|| rest.to_owned());
    Ok(match entry.name {
        ":all" => Command::Help(None),
        ":olu" => Command::Online,
        ":pu" | ":qu" => Command::Begins(one().ok_or(Mistake::Form(meant))?),
        ":q" => Command::Search(one().ok_or(Mistake::Form(meant))?),
        ":info" => Command::Info,
        ":ai" => Command::Ai(true),
        ":qai" => Command::Ai(false),
        ":emoji" => Command::Emoji(number(rest, meant)?.ok_or(Mistake::Form(meant))?),
        ":later" if rest.is_empty() || rest == "list" => Command::Schedules,
        ":delay" | ":later" => later(rest, meant)?,
        ":q!" => Command::Quit,
        ":help" => Command::Help(help(rest)?),
        ":to" => Command::To(word(&one().ok_or(Mistake::Form(meant))?, meant)?),
        ":who" => Command::Who(group(rest, meant)?),
        ":join" => join(rest, meant)?,
        ":leave" => Command::Leave(group(rest, meant)?),
        ":groups" => Command::Groups,
        ":history" => Command::History(history(rest, meant)?),
        ":cancel" => Command::Cancel(one().ok_or(Mistake::Form(meant))?),
        ":why" => Command::Why,
        ":trace" => Command::Trace(one()),
        ":kick" => Command::Kick(one()),
        _ => return Err(Mistake::Unknown(name.to_owned())),
    })
}

fn help(rest: &str) -> Result<Option<&'static str>, Mistake> {
    if rest.is_empty() {
        return Ok(None);
    }
    let name = if rest.starts_with(':') { rest.to_owned() } else { format!(":{rest}") };
    match catalogue::find(&name) {
        Some(entry) => Ok(Some(entry.name)),
        None => named(&name, "").map(|_| None),
    }
}

/// A text with the time behind it: the last word.
fn later(rest: &str, meant: Meant) -> Result<Command, Mistake> {
    let (text, time) = rest.rsplit_once(char::is_whitespace).ok_or(Mistake::Form(meant))?;
    let after = match time.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(time).map_err(|_| Mistake::Word {
            what: format!("{time:?} is no time: say seconds, or a unit, as 10, 10s or 2m"),
            form: meant,
        })?,
    };
    Ok(Command::Later { text: text.trim().to_owned(), after })
}

fn join(rest: &str, meant: Meant) -> Result<Command, Mistake> {
    let mut words = rest.split_whitespace();
    let group = group(words.next().unwrap_or_default(), meant)?.ok_or(Mistake::Form(meant))?;
    let users = words.map(|name| word(name.strip_prefix('@').unwrap_or(name), meant)).collect::<Result<_, _>>()?;
    Ok(Command::Join { group, users })
}

/// A group, as `team`, `#team` or `g.team`.
fn group(text: &str, meant: Meant) -> Result<Option<GroupId>, Mistake> {
    let name = text.strip_prefix('#').or_else(|| text.strip_prefix("g.")).unwrap_or(text);
    if text.is_empty() { Ok(None) } else { word(name, meant).map(Some) }
}

fn history(rest: &str, meant: Meant) -> Result<usize, Mistake> {
    match number(rest, meant)? {
        None => Ok(HISTORY),
        Some(count) if (1..=MOST_HISTORY).contains(&count) => Ok(count),
        Some(count) => Err(Mistake::Word { what: format!("{count} is not from 1 to {MOST_HISTORY}"), form: meant }),
    }
}

fn number(text: &str, meant: Meant) -> Result<Option<usize>, Mistake> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // One that is larger than all numbers here is larger than any limit.
        return Ok(Some(text.parse().unwrap_or(usize::MAX)));
    }
    Err(Mistake::Word { what: format!("{text:?} is no whole number from zero up"), form: meant })
}

fn word<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str, meant: Meant) -> Result<T, Mistake> {
    text.parse().map_err(|error: T::Err| Mistake::Word { what: format!("{text:?}: {error}"), form: meant })
}

#[cfg(test)]
mod tests;
