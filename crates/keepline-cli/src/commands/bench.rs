//! `keepline bench`: the flags of the benchmarks, and what they print.

mod chat;
mod host;
mod opponents;
mod storm;
mod terms;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use chat::{FanoutArgs, LoginArgs, ResumeArgs, SendArgs, SessionArgs};
use clap::{Args, Subcommand, value_parser};
use opponents::OpponentArgs;
use storm::StormArgs;
use terms::TermArgs;

use crate::bench::{Error, Report, echo::Echo, idle::Idle};

/// Flags of `keepline bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// What to measure.
    #[command(subcommand)]
    workload: Workload,
}

/// The benchmarks.
#[derive(Debug, Subcommand)]
enum Workload {
    /// Idle lines: user and kernel memory each, and how exactly the silent ones are closed.
    Idle(IdleArgs),
    /// Echoed messages: rate, latency, CPU per message.
    Echo(EchoArgs),
    /// Many connections at once, at the echo pair or at the IM server, in the open or over TLS (--on im): how many are
    /// up, time until half and all are, peak rate, CPU each.
    Storm(StormArgs),
    /// Logins by password at the IM server: rate, latency, CPU, beside the hashes of one thread. With --limits default at
    /// the cost of real passwords.
    Login(LoginArgs),
    /// Idle sessions of the IM server: user memory each, and what a login costs.
    Session(SessionArgs),
    /// Messages to the IM server that are on its disk when they are acknowledged: rate, latency, CPU.
    Send(SendArgs),
    /// One group of many: CPU per delivery, one by one and in bursts; beside brokers if wished.
    Fanout(FanoutArgs),
    /// Sessions that come back after a kill of the IM server: how long, and whether anything is lost or doubled.
    Resume(ResumeArgs),
}

#[derive(Debug, Args)]
struct IdleArgs {
    /// Two numbers of lines; memory per line is the slope between them, evictions are those of the second.
    #[arg(long, value_delimiter = ',', default_value = "2000,10000", value_name = "LOW,HIGH")]
    connections: Vec<u32>,
    /// Reader-idle limit while memory is read.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    reader_idle: Duration,
    /// Reader-idle limit while evictions are measured (default 3s); of a --target, the limit that it has. 0s: none.
    #[arg(long, value_parser = humantime::parse_duration)]
    evict_limit: Option<Duration>,
    #[command(flatten)]
    opponents: OpponentArgs,
    #[command(flatten)]
    terms: TermArgs,
}

#[derive(Debug, Args)]
struct EchoArgs {
    /// Number of lines.
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..))]
    connections: u32,
    /// Messages under way on each line, at most.
    #[arg(long, default_value_t = 16, value_parser = value_parser!(u64).range(1..=1024))]
    depth: u64,
    /// Bytes of a message on the wire, its header of 5 included.
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(5..=65536))]
    size: u32,
    /// Measured time of each round.
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Time under the same load before it (a JVM needs about 5s).
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    warmup: Duration,
    /// Messages a second over all lines, due at fixed times and measured from then, so that latencies are corrected
    /// for coordinated omission. Without it, each echo is followed by the next message: latencies of a closed loop,
    /// uncorrected.
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Count the server's system calls per message too, with strace, in a second of their own.
    #[arg(long)]
    syscalls: bool,
    /// Reader-idle limit of the servers.
    #[arg(long, default_value = "60s", value_parser = humantime::parse_duration)]
    reader_idle: Duration,
    #[command(flatten)]
    opponents: OpponentArgs,
    #[command(flatten)]
    terms: TermArgs,
}

/// Runs the benchmark: exit code 0, 1 for a failure or a fault of the server under test, 2 for flags that can't be,
/// 3 when there is no connection.
pub(crate) fn run(args: BenchArgs) -> ExitCode {
    let (report, json) = match args.workload {
        Workload::Idle(args) => (args.run(), args.terms.json),
        Workload::Echo(args) => (args.run(), args.terms.json),
        Workload::Storm(args) => (args.run(), args.json()),
        Workload::Login(args) => (args.run(), args.json()),
        Workload::Session(args) => (args.run(), args.json()),
        Workload::Send(args) => (args.run(), args.json()),
        Workload::Fanout(args) => (args.run(), args.json()),
        Workload::Resume(args) => (args.run(), args.json()),
    };
    match report {
        Ok(report) => print(&report, json),
        Err(error) => {
            eprintln!("keepline bench: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn print(report: &Report, json: bool) -> ExitCode {
    let text = if json { format!("{}\n", report.json()) } else { report.table() };
    // A reader that has gone away misses the result, which is no failure of the benchmark.
    let _ = io::stdout().write_all(text.as_bytes());
    let mut code = ExitCode::SUCCESS;
    for fault in report.faults() {
        eprintln!("keepline bench: fault of the server under test: {fault}");
        code = ExitCode::FAILURE;
    }
    code
}

impl IdleArgs {
    fn run(&self) -> Result<Report, Error> {
        let [low, high] = self.connections[..] else {
            return Err(Error::Usage("--connections takes two numbers, as 2000,10000".into()));
        };
        if low == 0 || low >= high {
            return Err(Error::Usage(format!(
                "--connections {low},{high} has no slope: the first number must be above zero and below the second"
            )));
        }
        let idle = Idle { connections: (low as usize, high as usize), evict_limit: self.evict_limit };
        idle.run(&self.opponents.contest(&self.terms, self.reader_idle)?)
    }
}

impl EchoArgs {
    fn run(&self) -> Result<Report, Error> {
        const MOST_UNDER_WAY: u64 = 1_000_000;
        if u64::from(self.connections) * self.depth > MOST_UNDER_WAY {
            return Err(Error::Usage(format!(
                "{} connections at depth {} are over {MOST_UNDER_WAY} messages under way: lower one of them",
                self.connections, self.depth
            )));
        }
        let echo = Echo {
            connections: self.connections as usize,
            depth: self.depth,
            size: self.size as usize,
            duration: self.duration,
            warmup: self.warmup,
            rate: self.rate,
            syscalls: self.syscalls,
        };
        let contest = self.opponents.contest(&self.terms, self.reader_idle)?;
        let least = echo.least_time(contest.rounds * contest.contestants.len());
        if least > self.terms.time_limit {
            return Err(Error::Usage(format!(
                "{} rounds of {} servers take {} at least: raise --time-limit, or lower --rounds, --duration or --warmup",
                contest.rounds,
                contest.contestants.len(),
                humantime::format_duration(least)
            )));
        }
        echo.run(&contest)
    }
}

fn rate(text: &str) -> Result<f64, String> {
    const MOST: f64 = 1e7;
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= MOST => Ok(rate),
        _ => Err(format!("give a number of messages a second above zero, and at most {MOST}")),
    }
}
