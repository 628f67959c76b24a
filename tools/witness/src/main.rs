//! `keepline-witness`: a swarm in a process of its own, to be stopped, killed, or put into a network namespace.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use keepline_witness::{Acks, History, Load, Server, swarm};
use tokio::sync::oneshot;

/// Runs test clients against an IM server, and keeps the history of what they see for keepline-check.
///
/// Prints `up` when all are logged in and `answered` when every message has its answer; then waits until its input
/// ends, for all to catch up, reads the store back over HTTP, and prints `settled` (exit code 0) or `unsettled` (exit
/// code 1). Its conversations do not go beyond the process.
#[derive(Parser)]
#[command(name = "keepline-witness", version)]
struct Arguments {
    /// The server's HTTP listener, for accounts.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8083")]
    http: SocketAddr,
    /// The server's listener of the long connection.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:11211")]
    tcp: SocketAddr,
    /// The file for the history. What it held is gone.
    #[arg(long, value_name = "FILE")]
    history: PathBuf,
    /// The name of the process in the history, and the beginning of its users' names.
    #[arg(long, value_name = "NAME", default_value = "u")]
    proc: String,
    /// How many clients, at least 2: each talks with the next.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..))]
    clients: u16,
    /// Messages of each client.
    #[arg(long, value_name = "N", default_value_t = 100)]
    messages: u64,
    /// Messages of each client that may be without an answer.
    #[arg(long, value_name = "N", default_value_t = 1)]
    in_flight: usize,
    /// The pause of each client after a message, as `10ms`.
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = humantime::parse_duration)]
    think: Duration,
    /// Bytes of a message, at least.
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    body: usize,
    /// Acknowledge every so many messages; 0: none.
    #[arg(long, value_name = "N", default_value_t = 1)]
    acks: u64,
    /// Seed of the waits and of the choice of conversations.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// How long the clients may take to catch up at the end.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    settle: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("keepline-witness: {error}");
            ExitCode::from(1)
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let end = end_of_input();
    let history = History::create(&arguments.history, &arguments.proc)?;
    let server = Server { http: arguments.http, tcp: arguments.tcp };
    let seed = arguments.seed;
    let swarm = swarm(arguments.clients.into(), &arguments.proc, server, &history, |number, options| {
        options.in_flight = arguments.in_flight;
        options.seed = seed.wrapping_mul(1 << 16).wrapping_add(number as u64);
        options.acks = if arguments.acks == 0 { Acks::Never } else { Acks::Every(arguments.acks) };
    });
    let swarm = swarm.await?;
    swarm.up().await?;
    say("up");
    let load = Load { messages: arguments.messages, think: arguments.think, body: arguments.body, seed };
    swarm.run(load).await?;
    say("answered");
    // An input that can't be read has ended too.
    let _ = end.await;
    let settled = swarm.settle(arguments.settle).await;
    let read = swarm.read_back().await;
    say(if settled { "settled" } else { "unsettled" });
    read?;
    Ok(settled)
}

/// Resolves when standard input ends. A thread: tokio's own standard input would hold up the exit.
fn end_of_input() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut rest = [0; 64];
        while matches!(std::io::stdin().read(&mut rest), Ok(1..)) {}
        let _ = ended.send(());
    });
    end
}

/// At once, also into a pipe. Nobody may be listening any more.
fn say(word: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{word}").and_then(|()| out.flush());
}
