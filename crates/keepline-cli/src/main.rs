//! The binary `keepline`.

mod args;
mod bench;
mod commands;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match args::Cli::parse().command {
        args::Command::Bench(bench) => commands::bench::run(bench),
    }
}
