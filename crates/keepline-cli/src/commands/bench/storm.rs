//! The flags of `bench storm`: whom it storms, and with how many.

use std::time::Duration;

use clap::{Args, ValueEnum, value_parser};

use super::{
    host::{HostArgs, TlsArgs},
    opponents::OpponentArgs,
    terms::TermArgs,
};
use crate::bench::{Error, Report, chat::storm::Storm as Logins, storm::Storm};

/// `bench storm`.
#[derive(Debug, Args)]
pub(super) struct StormArgs {
    /// Whom it storms.
    #[arg(long, value_enum, default_value_t)]
    on: Whom,
    /// Number of connections.
    #[arg(long, default_value_t = 18_000, value_parser = value_parser!(u32).range(1..))]
    connections: u32,
    /// Connections between their connect and their first answer at once, at most [default: all]. Where a server accepts
    /// more slowly than they come, its backlog overflows, and the rest wait for the kernel's SYN retries: 1s and more.
    #[arg(long, value_parser = value_parser!(u32).range(1..), value_name = "N")]
    at_once: Option<u32>,
    #[command(flatten)]
    terms: TermArgs,
    /// Reader-idle limit of the servers [default: 60s].
    #[arg(long, value_parser = humantime::parse_duration, value_name = "TIME", help_heading = ECHO)]
    reader_idle: Option<Duration>,
    #[command(flatten, next_help_heading = ECHO)]
    opponents: OpponentArgs,
    #[command(flatten, next_help_heading = IM)]
    tls: TlsArgs,
    #[command(flatten, next_help_heading = IM)]
    host: HostArgs,
}

const ECHO: &str = "Options of --on echo";
const IM: &str = "Options of --on im";

/// Who is stormed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Whom {
    /// A server that speaks the echo frame, `keepline echo serve` unless it is named: each line is up with its PONG.
    #[default]
    Echo,
    /// The IM server, `keepline serve`, in the open or over TLS: each session is up when it is logged in. Who is turned
    /// away comes again, as our client does.
    Im,
}

impl StormArgs {
    pub(super) const fn json(&self) -> bool {
        self.terms.json
    }

    pub(super) fn run(&self) -> Result<Report, Error> {
        let connections = self.connections as usize;
        let at_once = self.at_once.unwrap_or(self.connections) as usize;
        match self.on {
            Whom::Echo => {
                if self.host.is_given() || self.tls.is_given() {
                    return Err(Error::Usage(
                        "--limits, --data, --tls-cert and --tls-key are of the IM server: add --on im".into(),
                    ));
                }
                let reader_idle = self.reader_idle.unwrap_or(Duration::from_secs(60));
                Storm { connections, at_once }.run(&self.opponents.contest(&self.terms, reader_idle)?)
            }
            Whom::Im => {
                if self.opponents.is_given() || self.reader_idle.is_some() {
                    return Err(Error::Usage(
                        "--server, --target, --compare and --reader-idle are of the echo pair: leave --on im out"
                            .into(),
                    ));
                }
                Logins { connections, at_once }.run(&self.tls.over(self.host.stage([], &self.terms)?)?)
            }
        }
    }
}
