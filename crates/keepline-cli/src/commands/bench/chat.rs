//! The flags of the benchmarks of chat: `login`, `session`, `send`, `fanout`, `resume`.

use std::time::Duration;

use clap::{Args, ValueEnum, value_parser};

use super::{
    host::{HostArgs, TlsArgs},
    terms::TermArgs,
};
use crate::bench::{
    Error, Report,
    chat::{Brand, fanout::Fanout, login::Login, resume::Resume, send::Send, session::Session},
};

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
    host: HostArgs,
    #[command(flatten)]
    terms: TermArgs,
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
    host: HostArgs,
    #[command(flatten)]
    terms: TermArgs,
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
    host: HostArgs,
    #[command(flatten)]
    terms: TermArgs,
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
    host: HostArgs,
    #[command(flatten)]
    terms: TermArgs,
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
    host: HostArgs,
    #[command(flatten)]
    terms: TermArgs,
}

/// A broker to compare with.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Broker {
    /// mosquitto: subscribers of one topic at QoS 0.
    Mosquitto,
    /// nats-server: subscribers of one subject.
    Nats,
}

impl LoginArgs {
    pub(super) const fn json(&self) -> bool {
        self.terms.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        Login { clients: self.clients as usize, duration: self.duration }.run(&self.host.stage([], &self.terms)?)
    }
}

impl SessionArgs {
    pub(super) const fn json(&self) -> bool {
        self.terms.json
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
        Session { sessions: (low as usize, high as usize) }.run(&self.tls.over(self.host.stage([], &self.terms)?)?)
    }
}

impl SendArgs {
    pub(super) const fn json(&self) -> bool {
        self.terms.json
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
        send.run(&self.host.stage([], &self.terms)?)
    }
}

impl FanoutArgs {
    pub(super) const fn json(&self) -> bool {
        self.terms.json
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
        fanout.run(&self.host.stage(brokers, &self.terms)?)
    }
}

impl ResumeArgs {
    pub(super) const fn json(&self) -> bool {
        self.terms.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        let resume = Resume { sessions: self.sessions as usize, at_once: self.at_once as usize };
        resume.run(&self.host.stage([], &self.terms)?)
    }
}
