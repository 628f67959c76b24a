//! The binary `keepline`.

mod account;
mod admin;
mod api;
mod args;
mod bench;
mod commands;
mod config;
mod descriptors;
mod exit;
mod failure;
mod limits;
mod log;
mod output;
mod quantity;
mod secret;
mod trust;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

// A task is allocated on a boundary of 128 bytes, where the allocator of glibc wastes about 40 %.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let command = cli.command.unwrap_or_else(args::Command::without_a_word);
    // A server logs as its settings say, which it reads first.
    if !matches!(command, args::Command::Serve(_)) {
        log::for_a_person();
    }
    // Those that print all commands are told them: they are below, and know nothing of the command line.
    let all = args::Cli::command;
    match command {
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
        args::Command::Top(top) => commands::top::run(top),
        args::Command::Token(token) => commands::token::run(token),
        args::Command::Echo(echo) => commands::echo::run(echo),
        args::Command::Bench(bench) => commands::bench::run(bench),
        args::Command::Config(config) => commands::config::run(&config, all()),
        args::Command::Doctor(doctor) => commands::doctor::run(&doctor),
        args::Command::Ready(ready) => commands::ready::run(ready),
        args::Command::Completions(completions) => commands::manual::completions(&completions, all()),
        args::Command::Man(man) => commands::manual::man(&man, all()),
    }
}
