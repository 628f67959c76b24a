//! Operation: what an operator of a server sees and relies on.

mod admin;
mod audit;
mod config;
mod doctor;
mod jwt;
mod log;
mod output;
mod packaging;
mod ready;
mod reference;
mod reload;
mod start;
mod tls;
mod version;

use std::process::Command;

/// `keepline` with nothing of ours in its environment but what is given.
fn keepline(arguments: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepline"));
    command.args(arguments.split_ascii_whitespace()).env_remove("RUST_LOG");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KEEPLINE_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}
