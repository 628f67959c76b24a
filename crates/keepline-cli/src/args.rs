//! The command line: one variant a command; each command's flags live in its own file.

use std::str::FromStr;

use clap::{Parser, Subcommand};
use keepline::Duration;

use crate::commands;

/// With the commit, as two builds of one version may differ.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("KEEPLINE_COMMIT"), ")");

/// Long-lived connections, and heartbeats that say when one is dead.
#[derive(Debug, Parser)]
#[command(name = "keepline", version = VERSION, after_help = crate::exit::HELP)]
pub(crate) struct Cli {
    /// What to do; default: serve.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the instant messaging server; what happens without a command too.
    Serve(commands::serve::ServeArgs),
    /// Copy what a server keeps into a file, while it runs or not.
    Backup(commands::backup::BackupArgs),
    /// Put a backup in the place of what a server keeps.
    Restore(commands::restore::RestoreArgs),
    /// Talk with others on this terminal.
    Chat(commands::chat::ChatArgs),
    /// Say something to a user, a group or everybody.
    Send(commands::send::SendArgs),
    /// Follow what is said to you, as it is said.
    Sub(commands::sub::SubArgs),
    /// List users, and who is online.
    Users(commands::users::UsersArgs),
    /// List, show, make and change groups.
    Groups(commands::groups::GroupsArgs),
    /// Show what was said, and search in it.
    History(commands::history::HistoryArgs),
    /// Have messages sent later.
    Schedule(commands::schedule::ScheduleArgs),
    /// List live sessions: yours, or with --admin everybody's.
    Conns(commands::conns::ConnsArgs),
    /// End a session: yours, or with --admin anybody's.
    Kick(commands::conns::KickArgs),
    /// Watch the live sessions of a server, and end some.
    Top(commands::top::TopArgs),
    /// Show, get and revoke tokens.
    Token(commands::token::TokenArgs),
    /// Run an end of the heartbeat echo pair: a server that returns what it gets, a client that stays connected.
    Echo(commands::echo::EchoArgs),
    /// Measure a server that speaks the echo frame: memory, evictions, latency, CPU.
    Bench(commands::bench::BenchArgs),
    /// Show, print and check the settings of a server.
    Config(commands::config::ConfigArgs),
    /// Look at what a server would find at its start on this machine.
    Doctor(commands::doctor::DoctorArgs),
    /// Print a script that completes these commands in a shell.
    Completions(commands::manual::CompletionsArgs),
    /// Print or write man pages.
    Man(commands::manual::ManArgs),
}

impl Command {
    /// What `keepline` alone does: `keepline serve` with its defaults.
    pub(crate) fn without_a_word() -> Self {
        match Cli::parse_from(["keepline", "serve"]).command {
            Some(command) => command,
            // Every flag of `serve` has a default, which a test holds.
            None => unreachable!("serve was named"),
        }
    }
}

/// Reads a time with its unit, as `500ms` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map(Duration::from)
        .map_err(|error| format!("{error}; write a number and its unit, as 500ms, 10s or 2m"))
}

/// Reads a number of bytes, with a unit or without, as `64KiB`, `256MiB` or `1GiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1_u64 << 40),
        _ => None,
    };
    let number = digits.trim_end().parse::<u64>().ok();
    number
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .ok_or_else(|| "write a whole number of bytes, KiB, MiB, GiB or TiB, as 256MiB".to_owned())
}

/// Reads a whole number.
pub(crate) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "write a whole number from zero up, as 10".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn a_size_has_a_unit_or_is_bytes() {
        for (text, read) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("12B", Some(12)),
            ("64KiB", Some(64 << 10)),
            ("256 MiB", Some(256 << 20)),
            ("3GiB", Some(3 << 30)),
            ("1TiB", Some(1 << 40)),
            ("16777216TiB", None),
            ("MiB", None),
            ("-1", None),
            ("1.5GiB", None),
            ("1GB", None),
            ("1mib", None),
            ("", None),
        ] {
            assert_eq!(bytes(text).ok(), read, "{text:?}");
        }
    }

    #[test]
    fn no_flag_of_any_command_contradicts_another() {
        Cli::command().debug_assert();
    }
}
