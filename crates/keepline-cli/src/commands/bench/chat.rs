//! The flags of the benchmarks of chat: `login`, `session`, `login-storm`, `send`, `fanout`, `resume`.

use std::{env, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum, value_parser};

use super::common::time_limit;
use crate::bench::{
    Deadline, Error, Pin, Report,
    chat::{
        Brand, fanout::Fanout, login::Login, resume::Resume, secure::Secure, send::Send, session::Session,
        stage::Stage, storm::Storm,
    },
};
use crate::limits::Limits;

/// Flags that these benchmarks share.
#[derive(Debug, Args)]
struct StageArgs {
    /// Limits of our own server: `bench` has those opened that hold a benchmark back (how much a client may send, and
    /// what a password's hash costs); several are measured in interleaved rounds.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "bench")]
    limits: Vec<Limits>,
    /// The folder in which each server keeps its data, in a folder of its own that is removed afterwards; must be on a
    /// real disk where syncs are measured [default: that of this program].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Rounds.
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Longest time for everything, at most 1h.
    #[arg(long, default_value = "120s", value_parser = time_limit)]
    time_limit: Duration,
    /// Run the servers on one core and the load on another.
    #[arg(long)]
    pin: bool,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// TLS between the measured server and its clients.
#[derive(Debug, Args)]
struct TlsArgs {
    /// Measure over TLS, with this certificate (PEM, for `localhost`, and its own authority); each handshake is a whole
    /// one.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// `bench login`.
#[derive(Debug, Args)]
pub(super) struct LoginArgs {
    /// Number of clients, each of which logs in again as soon as it is.
    #[arg(long, default_value_t = 32, value_parser = value_parser!(u32).range(1..=64))]
    clients: u32,
    /// Measured time of each round.
    #[arg(long, default_value = "10s", value_parser = humantime::parse_duration)]
    duration: Duration,
    #[command(flatten)]
    stage: StageArgs,
}

/// `bench session`.
#[derive(Debug, Args)]
pub(super) struct SessionArgs {
    /// Two numbers of sessions; memory per session is the slope between them.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000", value_name = "LOW,HIGH")]
    sessions: Vec<u32>,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    stage: StageArgs,
}

/// `bench login-storm`.
#[derive(Debug, Args)]
pub(super) struct StormArgs {
    /// Number of sessions.
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..=18_000))]
    sessions: u32,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    stage: StageArgs,
}

/// `bench send`.
#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// Number of clients; they talk in pairs.
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(2..=10_000))]
    connections: u32,
    /// Messages of a client that are not acknowledged yet, at most.
    #[arg(long, default_value_t = 16, value_parser = value_parser!(u32).range(1..=64))]
    depth: u32,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 200, value_parser = value_parser!(u32).range(1..=61_440))]
    size: u32,
    /// Measured time of each round.
    #[arg(long, default_value = "5s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Time under the same load before it.
    #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
    warmup: Duration,
    #[command(flatten)]
    stage: StageArgs,
}

/// `bench fanout`.
#[derive(Debug, Args)]
pub(super) struct FanoutArgs {
    /// Number of members; one of them speaks.
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(2..=5000))]
    members: u32,
    /// Messages of a burst.
    #[arg(long, default_value_t = 8, value_parser = value_parser!(u32).range(1..=64))]
    burst: u32,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(8..=4096))]
    size: u32,
    /// Measured time of each round, for single messages and again for bursts.
    #[arg(long, default_value = "3s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Time under the same load before each.
    #[arg(long, default_value = "500ms", value_parser = humantime::parse_duration)]
    warmup: Duration,
    /// Measure these brokers too, in interleaved rounds.
    #[arg(long, value_enum, value_delimiter = ',')]
    beside: Vec<Broker>,
    #[command(flatten)]
    stage: StageArgs,
}

/// `bench resume`.
#[derive(Debug, Args)]
pub(super) struct ResumeArgs {
    /// Number of sessions.
    #[arg(long, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..))]
    sessions: u32,
    /// Sessions between their connect and their login at once, at most.
    #[arg(long, default_value_t = 1024, value_parser = value_parser!(u32).range(1..), value_name = "N")]
    at_once: u32,
    #[command(flatten)]
    stage: StageArgs,
}

/// A broker to compare with.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Broker {
    /// mosquitto: subscribers of one topic at QoS 0.
    Mosquitto,
    /// nats-server: subscribers of one subject.
    Nats,
}

impl StageArgs {
    fn stage(&self, brokers: impl IntoIterator<Item = Brand>) -> Result<Stage, Error> {
        let mut brands: Vec<Brand> = Vec::new();
        for brand in self.limits.iter().copied().map(Brand::Keepline).chain(brokers) {
            if brands.contains(&brand) {
                return Err(Error::Usage(format!("{} is named twice", brand.label())));
            }
            brands.push(brand);
        }
        let disk = match &self.data {
            Some(folder) => folder.clone(),
            None => beside_the_program()?,
        };
        Ok(Stage {
            brands,
            rounds: self.rounds as usize,
            deadline: Deadline::after(self.time_limit),
            pin: if self.pin { Pin::apart()? } else { Pin::Free },
            disk,
            secure: None,
        })
    }
}

impl TlsArgs {
    /// The stage, with TLS if it was asked for.
    fn over(&self, stage: Stage) -> Result<Stage, Error> {
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        let secure = files.map(|(certificate, key)| Secure::of_files(certificate, key)).transpose()?;
        Ok(Stage { secure, ..stage })
    }
}

impl LoginArgs {
    pub(super) const fn json(&self) -> bool {
        self.stage.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        Login { clients: self.clients as usize, duration: self.duration }.run(&self.stage.stage([])?)
    }
}

impl SessionArgs {
    pub(super) const fn json(&self) -> bool {
        self.stage.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        let [low, high] = self.sessions[..] else {
            return Err(Error::Usage("--sessions takes two numbers, as 1000,10000".into()));
        };
        if low == 0 || low >= high {
            return Err(Error::Usage(format!(
                "--sessions {low},{high} has no slope: the first number must be above zero and below the second"
            )));
        }
        Session { sessions: (low as usize, high as usize) }.run(&self.tls.over(self.stage.stage([])?)?)
    }
}

impl StormArgs {
    pub(super) const fn json(&self) -> bool {
        self.stage.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        Storm { sessions: self.sessions as usize }.run(&self.tls.over(self.stage.stage([])?)?)
    }
}

impl SendArgs {
    pub(super) const fn json(&self) -> bool {
        self.stage.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        if !self.connections.is_multiple_of(2) {
            return Err(Error::Usage("--connections must be even: the clients talk in pairs".into()));
        }
        let send = Send {
            connections: self.connections as usize,
            depth: self.depth as usize,
            size: self.size as usize,
            duration: self.duration,
            warmup: self.warmup,
        };
        send.run(&self.stage.stage([])?)
    }
}

impl FanoutArgs {
    pub(super) const fn json(&self) -> bool {
        self.stage.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        let fanout = Fanout {
            members: self.members as usize,
            burst: self.burst as usize,
            size: self.size as usize,
            duration: self.duration,
            warmup: self.warmup,
        };
        let brokers = self.beside.iter().map(|broker| match broker {
            Broker::Mosquitto => Brand::Mosquitto,
            Broker::Nats => Brand::Nats,
        });
        fanout.run(&self.stage.stage(brokers)?)
    }
}

impl ResumeArgs {
    pub(super) const fn json(&self) -> bool {
        self.stage.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        let resume = Resume { sessions: self.sessions as usize, at_once: self.at_once as usize };
        resume.run(&self.stage.stage([])?)
    }
}

/// The folder of this program's file: a build folder as a rule, and on a disk, which a folder for temporary files may
/// not be.
fn beside_the_program() -> Result<PathBuf, Error> {
    let program = env::current_exe().map_err(|error| Error::io("the file of this program is unknown", error))?;
    Ok(program.parent().map(PathBuf::from).unwrap_or_default())
}
