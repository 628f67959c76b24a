//! The command line: one variant a command; each command's flags live in its own file.

use clap::{Parser, Subcommand};

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
    /// Ask whether the server of this machine takes work, as a container's or a balancer's check does.
    Ready(commands::ready::ReadyArgs),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_flag_of_any_command_contradicts_another() {
        Cli::command().debug_assert();
    }
}
