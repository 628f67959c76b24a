//! The binary `keepline`.

mod account;
mod api;
mod args;
mod bench;
mod commands;
mod descriptors;
mod exit;
mod failure;
mod limits;
mod output;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

// A task is allocated on a boundary of 128 bytes, where the allocator of glibc wastes about 40 %.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    trace();
    match cli.command.unwrap_or_else(args::Command::without_a_word) {
        args::Command::Serve(serve) => commands::serve::run(&serve),
        args::Command::Backup(backup) => commands::backup::run(backup),
        args::Command::Restore(restore) => commands::restore::run(&restore),
        args::Command::Chat(chat) => commands::chat::run(chat),
        args::Command::Send(send) => commands::send::run(send),
        args::Command::Sub(sub) => commands::sub::run(sub),
        args::Command::Users(users) => commands::users::run(users),
        args::Command::Groups(groups) => commands::groups::run(groups),
        args::Command::History(history) => commands::history::run(history),
        args::Command::Schedule(schedule) => commands::schedule::run(schedule),
        args::Command::Conns(conns) => commands::conns::list(conns),
        args::Command::Kick(kick) => commands::conns::kick(kick),
        args::Command::Token(token) => commands::token::run(token),
        args::Command::Echo(echo) => commands::echo::run(echo),
        args::Command::Bench(bench) => commands::bench::run(bench),
        args::Command::Completions(completions) => commands::manual::completions(&completions),
        args::Command::Man(man) => commands::manual::man(&man),
    }
}

/// Prints the library's own events on stderr: warnings, or what `RUST_LOG` asks for.
fn trace() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
