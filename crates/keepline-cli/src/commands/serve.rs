//! `keepline serve`: the instant messaging server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum, value_parser};
use keepline::Duration;
use keepline::serve::Stop;
use keepline_server::line::PaceLimit;
use keepline_server::store::Store;
use keepline_server::store::memory::Memory;
use keepline_server::store::redb::{Options, Redb};
use keepline_server::{CimMode, Config, Node};

use crate::args::{bytes, duration, whole};
use crate::descriptors::raise_descriptor_limit;
use crate::limits::Limits;

/// What a server has after the second signal. What was acknowledged is on the disk already.
const AT_ONCE: std::time::Duration = std::time::Duration::from_secs(1);

/// After a rest, a user may send what is `--pace` in so many seconds.
const AT_REST: u32 = 5;

/// Flags of `keepline serve`.
#[derive(Debug, Args)]
#[command(after_help = "Stops at Ctrl-C or SIGTERM; at the second signal it stops at once.")]
pub(crate) struct ServeArgs {
    /// Where HTTP is served; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8083", value_name = "IP:PORT")]
    http: SocketAddr,
    /// Where the long connections come in.
    #[arg(long, default_value = "127.0.0.1:11211", value_name = "IP:PORT")]
    tcp: SocketAddr,
    /// Where health, metrics, sessions and backup are served: loopback only.
    #[arg(long, default_value = "127.0.0.1:8084", value_name = "IP:PORT")]
    admin: SocketAddr,
    /// Where cim's /sendMsg is served, while its dialects are on: loopback only.
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "IP:PORT|off", value_parser = address_or_off)]
    cim_http: AddressOrOff,
    /// Where everything is kept.
    #[arg(long, default_value = "keepline-data", value_name = "DIR", conflicts_with = "memory")]
    data: PathBuf,
    /// Keep everything in memory: it is gone with the process.
    #[arg(long)]
    memory: bool,
    /// Whether cim's clients are served, who have no password: auto is while --http and --tcp are on loopback.
    #[arg(long, default_value = "auto", value_name = "auto|on|off", value_enum, hide_possible_values = true)]
    cim: Cim,
    /// The address that cim's clients are told to connect to; default: the one they asked at.
    #[arg(long, value_name = "IP")]
    advertise: Option<std::net::IpAddr>,
    /// Clients ping after so much quiet.
    #[arg(long, default_value = "25s", value_parser = duration, value_name = "TIME")]
    ping_after: Duration,
    /// End a line from which nothing came for this long; at least twice --ping-after.
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "TIME")]
    silence: Duration,
    /// End a line whose client has not taken what was sent to it for this long.
    #[arg(long, default_value = "30s", value_parser = duration, value_name = "TIME")]
    slow_after: Duration,
    /// The server's name, as its clients hear it: 1 to 64 bytes.
    #[arg(long, default_value = "keepline", value_name = "NAME")]
    name: String,
    /// Messages a second of one user, with five times as many at once after a rest: over a line more is read later, by
    /// HTTP more is refused. Default: 20.
    #[arg(long, value_parser = pace, value_name = "N|off")]
    pace: Option<Pace>,
    /// Drop messages that are older, whoever has not read them; their conversation tells of the gap.
    #[arg(long, default_value = "30d", value_parser = duration, value_name = "TIME")]
    keep_for: Duration,
    /// Keep so many messages of each conversation, the newest.
    #[arg(long, default_value = "100000", value_parser = whole::<u64>, value_name = "N")]
    keep_messages: u64,
    /// Keep so much of each conversation, the newest, and at least one message.
    #[arg(long, default_value = "256MiB", value_parser = bytes, value_name = "SIZE")]
    keep_bytes: u64,
    /// Long connections at one time; default: the limit of open files less 256, and less what HTTP may take (1344, or
    /// a quarter of the rest where that is less).
    #[arg(long, value_parser = whole::<usize>, value_name = "N")]
    max_connections: Option<usize>,
    /// Threads that serve; default: one a core.
    #[arg(long, value_parser = value_parser!(u16).range(1..=1024), value_name = "N")]
    workers: Option<u16>,
    /// When stopping, close the lines evenly over this time, so that their next server is not stormed.
    #[arg(long, default_value = "1s", value_parser = duration, value_name = "TIME")]
    drain: Duration,
    /// What clients are allowed.
    #[arg(long, value_enum, default_value_t = Limits::Default, value_name = "NAME")]
    limits: Limits,
    /// Print the addresses as one line of JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cim {
    Auto,
    On,
    Off,
}

#[derive(Clone, Copy, Debug)]
struct AddressOrOff(Option<SocketAddr>);

#[derive(Clone, Copy, Debug)]
struct Pace(Option<PaceLimit>);

/// Serves until a signal comes.
pub(crate) fn run(args: &ServeArgs) -> ExitCode {
    raise_descriptor_limit();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = args.workers {
        runtime.worker_threads(workers.into());
    }
    let served = runtime.enable_all().build().and_then(|runtime| {
        let served = runtime.block_on(serve(args));
        // Nothing that still runs may keep the process: what was acknowledged is on disk.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        served
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keepline serve: {error}");
            let usage = error.kind() == io::ErrorKind::InvalidInput;
            ExitCode::from(if usage { 2 } else { 1 })
        }
    }
}

async fn serve(args: &ServeArgs) -> io::Result<()> {
    let mut stop = Stop::new()?;
    let config = args.config();
    config.check()?;
    for warning in config.warnings() {
        eprintln!("keepline serve: warning: {warning}");
    }
    let store = args.store()?;
    let node = Node::start(config, store).await.map_err(io::Error::other)?;
    announce(&node, args);
    tokio::select! {
        () = stop.next() => {}
        () = node.stop_asked() => {}
    }
    tokio::select! {
        () = node.drain(args.drain) => {}
        // At once: the rest has only the time to be written.
        () = stop.next() => {
            let _ = tokio::time::timeout(AT_ONCE, node.stop()).await;
            return Ok(());
        }
    }
    tokio::select! {
        () = node.stop() => {}
        () = stop.next() => {}
    }
    Ok(())
}

impl ServeArgs {
    fn config(&self) -> Config {
        let mut config = Config::default();
        (config.http, config.tcp, config.admin) = (self.http, self.tcp, Some(self.admin));
        config.cim_http = self.cim_http.0;
        config.cim = match self.cim {
            Cim::Auto => CimMode::Auto,
            Cim::On => CimMode::On,
            Cim::Off => CimMode::Off,
        };
        config.advertise = self.advertise;
        (config.terms.ping_after, config.terms.silence) = (self.ping_after.to_std(), self.silence.to_std());
        config.slow_after = self.slow_after.to_std();
        config.connections = self.max_connections;
        config.name.clone_from(&self.name);
        let retention = &mut config.retention;
        (retention.age, retention.records, retention.bytes) =
            (self.keep_for.to_std(), self.keep_messages, self.keep_bytes);
        self.limits.open(&mut config);
        if let Some(Pace(pace)) = self.pace {
            config.pace = pace;
        }
        config
    }

    fn store(&self) -> io::Result<Arc<dyn Store>> {
        if self.memory {
            return Ok(Memory::new());
        }
        Ok(Redb::open(&self.data, Options::default()).map_err(io::Error::other)?)
    }
}

/// Says where it listens: the first line of the output.
fn announce(node: &Node, args: &ServeArgs) {
    let (addresses, room) = (node.addresses(), node.room());
    let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
    if args.json {
        let line = serde_json::json!({
            "http": addresses.http.to_string(),
            "tcp": addresses.tcp.to_string(),
            "admin": text(addresses.admin),
            "cim_http": text(addresses.cim_http),
            "limits": args.limits.name(),
            "descriptors": room.descriptors,
            "connections": room.lines,
            "http_connections": { "http": room.http, "cim_http": room.cim_http, "admin": room.admin },
        });
        return println!("{line}");
    }
    print!("listening on http {}, tcp {}", addresses.http, addresses.tcp);
    for (name, address) in [("admin", addresses.admin), ("cim's /sendMsg", addresses.cim_http)] {
        if let Some(address) = address {
            print!(", {name} {address}");
        }
    }
    println!();
    println!(
        "room for {} long connections and {} of HTTP: {} files may be open",
        room.lines,
        room.http + room.cim_http + room.admin,
        room.descriptors
    );
    if args.limits != Limits::Default {
        println!("limits: {}", args.limits.name());
    }
    if args.memory {
        println!("everything is kept in memory: it is gone with this process");
    } else {
        println!("data in {}", args.data.display());
    }
}

fn pace(text: &str) -> Result<Pace, String> {
    if text == "off" {
        return Ok(Pace(None));
    }
    let limit = |per_second: u32| PaceLimit { per_second, burst: per_second.saturating_mul(AT_REST) };
    text.parse()
        .map(|per_second| Pace(Some(limit(per_second))))
        .map_err(|_| "write a whole number of messages a second, as 20, or off".to_owned())
}

fn address_or_off(text: &str) -> Result<AddressOrOff, String> {
    if text == "off" {
        return Ok(AddressOrOff(None));
    }
    text.parse()
        .map(|address| AddressOrOff(Some(address)))
        .map_err(|_| "write an IP address and a port, as 127.0.0.1:8081, or off".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn config(flags: &str) -> Config {
        let words = ["keepline", "serve"].into_iter().chain(flags.split_ascii_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Some(Command::Serve(args)) => args.config(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_flags_it_is_the_library_s_default() {
        assert_eq!(format!("{:?}", config("")), format!("{:?}", Config::default()));
    }

    #[test]
    fn each_flag_is_its_setting() {
        let said = config("--name east --pace 7 --keep-for 2d --keep-messages 9 --keep-bytes 1MiB");
        assert_eq!(said.name, "east");
        assert_eq!(said.pace, Some(PaceLimit { per_second: 7, burst: 35 }));
        let kept = said.retention;
        assert_eq!((kept.age.as_secs(), kept.records, kept.bytes), (2 * 24 * 3600, 9, 1 << 20));
        assert_eq!(config("--pace off").pace, None);
        assert_eq!((config("--limits bench").pace, config("--limits bench").everyone), (None, None));
        assert!(config("--limits bench --pace 20").pace.is_some(), "what was asked for itself wins");
    }
}
