//! `keepline echo connect`: the client's end.

use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use keepline::client::{Options, random_seed};
use keepline::liveness::{Heartbeat, HeartbeatError, IdleKind};
use keepline::serve::Stop;
use keepline::{BackoffSettings, Duration, Settings};

use super::conversation::{Conversation, Plan};
use super::entry::Role;
use super::gap::Gap;
use super::log::LogArgs;
use super::queue::IN_FLIGHT;
use super::{Error, block_on};
use crate::quantity::{duration, whole};

/// Flags of `keepline echo connect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Retries for ever, also before the first connection; Ctrl-C or SIGTERM ends it, and its counts are printed.
A message whose line was lost before its echo came is sent again: an echo does no harm twice.
After the last gap it waits for echoes that are owed, as long as a ping and its pong may take.

Exit code: 0 all echoes came; 1 some did not; 2 the flags can't be; 3 it was never connected.")]
pub(super) struct ConnectArgs {
    /// Servers, in order of preference; when one fails, the next is tried.
    #[arg(default_value = "127.0.0.1:12345", value_parser = endpoint, value_name = "HOST:PORT")]
    servers: Vec<String>,
    /// Ping when nothing was read or written for this long.
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "TIME")]
    all_idle: Duration,
    /// Close a line whose pong takes longer, at most --all-idle; `off` never does, as the Netty original. Default: 5s,
    /// or --all-idle where that is less.
    #[arg(long, value_name = "TIME|off")]
    pong_timeout: Option<PongTimeout>,
    /// How many messages to send; 0 sends none and stays connected until Ctrl-C.
    #[arg(long, default_value = "10", value_parser = whole::<u32>, value_name = "N", allow_negative_numbers = true)]
    messages: u32,
    /// The pause after each message, the last one too, drawn at random from this range.
    #[arg(long, default_value = "0s..20s", value_name = "MIN..MAX")]
    gap: Gap,
    /// The longest first wait before connecting again; it doubles with each failure, and each wait is drawn from zero.
    #[arg(long, default_value = "500ms", value_parser = duration, value_name = "TIME")]
    retry_base: Duration,
    /// The longest of these waits.
    #[arg(long, default_value = "5s", value_parser = duration, value_name = "TIME")]
    retry_cap: Duration,
    /// Seed of the gaps and waits; the same seed draws the same. Default: random, and printed.
    #[arg(long, value_parser = whole::<u64>, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    log: LogArgs,
    /// On a bad length do as Netty's decoder does: skip bytes and go on, instead of closing the line.
    #[arg(long)]
    netty_compatible: bool,
}

/// How long a pong may take at most, unless told otherwise.
const PONG_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a pong may take, if it is judged at all.
#[derive(Clone, Copy, Debug)]
struct PongTimeout(Option<Duration>);

/// Talks until all is said or a signal comes.
pub(super) fn run(args: &ConnectArgs) -> Result<ExitCode, Error> {
    args.log.check()?;
    // Half of the bits are random enough, and are a number to every reader of JSON.
    let seed = args.seed.unwrap_or_else(|| random_seed() >> 32);
    let options = args.options(seed)?;
    block_on(1, async {
        let stop = Stop::new().map_err(|error| Error::Failed(format!("cannot take over Ctrl-C: {error}")))?;
        let log = args.log.open(Role::Client)?;
        let plan = Plan {
            messages: args.messages,
            gap: args.gap,
            seed,
            // The longest that a server which sends nothing but pongs in time can keep an echo back.
            patience: args.all_idle.times(2) + args.pong_limit().unwrap_or(args.all_idle),
            netty_compatible: args.netty_compatible,
        };
        let conversation =
            Conversation::begin(options, plan, log, stop).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(conversation.run().await)
    })?
}

impl ConnectArgs {
    fn options(&self, seed: u64) -> Result<Options, Error> {
        let heartbeat = self
            .heartbeat()
            .map_err(|error| Error::Usage(format!("{error} (the flags are --all-idle and --pong-timeout)")))?;
        let mut options = Options::new(self.servers.iter().map(String::as_str), Settings::new(heartbeat));
        // A line that lived no longer than the longest wait counts as failed.
        let stable = BackoffSettings::default().window(u32::MAX).max(self.retry_cap);
        options.backoff = BackoffSettings::new(self.retry_base, self.retry_cap, stable)
            .map_err(|error| Error::Usage(format!("{error} (the flags are --retry-base and --retry-cap)")))?;
        options.in_flight = IN_FLIGHT;
        options.seed = Some(seed);
        Ok(options)
    }

    /// How long a pong may take. What nobody typed fits what somebody did: the default never contradicts --all-idle.
    fn pong_limit(&self) -> Option<Duration> {
        self.pong_timeout.map_or_else(|| Some(PONG_TIMEOUT.min(self.all_idle)), |timeout| timeout.0)
    }

    fn heartbeat(&self) -> Result<Heartbeat, HeartbeatError> {
        match self.pong_limit() {
            Some(limit) => Heartbeat::client(self.all_idle, limit),
            None => Heartbeat::builder().ping(IdleKind::All, self.all_idle).silence(Duration::MAX).build(),
        }
    }
}

impl FromStr for PongTimeout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" { Ok(Self(None)) } else { duration(text).map(|limit| Self(Some(limit))) }
    }
}

fn endpoint(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err("write a host and a port, as localhost:12345".to_owned());
    }
    Ok(text.to_owned())
}
