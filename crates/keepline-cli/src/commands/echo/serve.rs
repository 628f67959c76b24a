//! `keepline echo serve`: the server's end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, value_parser};
use keepline::liveness::Heartbeat;
use keepline::serve::{Limits, Server, ServerHandle, Stop, tcp};
use keepline::{Duration, KernelWatch, Settings};

use super::counts::{COUNTS, Counting};
use super::entry::{Entry, NOWHERE, Role};
use super::log::{Log, LogArgs};
use super::mirror::Mirror;
use super::narrator::Narrator;
use super::{Error, block_on, codec};
use crate::descriptors::raise_descriptor_limit;
use crate::quantity::{duration, whole};

/// Linux refuses a longer `TCP_KEEPIDLE` (`MAX_TCP_KEEPIDLE` in `net/tcp.h`).
const LONGEST_KEEPALIVE: Duration = Duration::from_secs(32_767);
/// `TCP_USER_TIMEOUT` is a signed number of milliseconds to Linux, which refuses a negative one; in whole seconds here.
const LONGEST_USER_TIMEOUT: Duration = Duration::from_secs(i32::MAX as u64 / 1000);

/// Flags of `keepline echo serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Stops at Ctrl-C or SIGTERM, and then prints its counts; at the second signal it stops at once."
)]
pub(super) struct ServeArgs {
    /// Where to listen; port 0 takes a free one. The first line printed is `listening on ADDR`.
    #[arg(long, default_value = "127.0.0.1:12345", value_parser = address, value_name = "IP:PORT")]
    listen: SocketAddr,
    /// Close a line from which nothing came for this long. Clients should ping at least twice as often.
    #[arg(long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    reader_idle: Duration,
    #[command(flatten)]
    log: LogArgs,
    /// Lines at one time; default: the limit of open files less 256.
    #[arg(long, value_parser = whole::<usize>, value_name = "N")]
    max_connections: Option<usize>,
    /// Threads that serve lines.
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u16).range(1..=1024), value_name = "N")]
    workers: u16,
    /// Let the kernel end a line whose data is unacknowledged for this long (TCP_USER_TIMEOUT).
    #[arg(long, value_parser = duration, value_name = "TIME")]
    user_timeout: Option<Duration>,
    /// Let the kernel probe a line that is silent for this long (TCP keepalive).
    #[arg(long, value_parser = duration, value_name = "TIME")]
    kernel_keepalive: Option<Duration>,
    /// When stopping, close the lines evenly over this time, so that their next server is not stormed.
    #[arg(long, default_value = "1s", value_parser = duration, value_name = "TIME")]
    drain: Duration,
    /// On a bad length do as Netty's decoder does: skip bytes and go on, instead of closing the line.
    #[arg(long)]
    netty_compatible: bool,
}

/// Serves until a signal comes.
pub(super) fn run(args: &ServeArgs) -> Result<ExitCode, Error> {
    args.log.check()?;
    let (settings, watch) = (args.settings()?, args.watch()?);
    let limits = args.limits()?;
    block_on(args.workers, serve(args, settings, watch, limits))?
}

impl ServeArgs {
    fn settings(&self) -> Result<Settings, Error> {
        let heartbeat =
            Heartbeat::watch(self.reader_idle).map_err(|error| Error::Usage(format!("--reader-idle: {error}")))?;
        let mut settings = Settings::new(heartbeat);
        settings.observer = Some(Arc::new(Counting));
        Ok(settings)
    }

    fn watch(&self) -> Result<KernelWatch, Error> {
        let bounds = [
            ("--user-timeout", self.user_timeout, Duration::from_millis(1), LONGEST_USER_TIMEOUT),
            ("--kernel-keepalive", self.kernel_keepalive, Duration::from_secs(1), LONGEST_KEEPALIVE),
        ];
        for (flag, time, least, most) in bounds {
            let Some(time) = time else { continue };
            if time < least {
                return Err(Error::Usage(format!(
                    "{flag} {time} is too short: give at least {least}, or leave it out"
                )));
            }
            if time > most {
                return Err(Error::Usage(format!(
                    "{flag} {time} is longer than the kernel's limit of {most}: give at most that, or leave it out"
                )));
            }
        }
        let mut watch = KernelWatch::default();
        watch.user_timeout = self.user_timeout;
        watch.keepalive = self.kernel_keepalive;
        Ok(watch)
    }

    fn limits(&self) -> Result<Limits, Error> {
        raise_descriptor_limit();
        let mut limits = Limits::default();
        match self.max_connections {
            None => {}
            Some(0) => {
                return Err(Error::Usage("--max-connections 0 would refuse everybody: give at least 1".into()));
            }
            Some(most) if most > limits.connections => {
                return Err(Error::Usage(format!(
                    "--max-connections {most} is over {}, which the limit of open files allows: lower it, or raise that \
                     limit (ulimit -Hn)",
                    limits.connections
                )));
            }
            Some(most) => limits.connections = most,
        }
        Ok(limits)
    }
}

async fn serve(args: &ServeArgs, settings: Settings, watch: KernelWatch, limits: Limits) -> Result<ExitCode, Error> {
    let cannot = |what: String, error: io::Error| Error::Failed(format!("cannot {what}: {error}"));
    let mut stop = Stop::new().map_err(|error| cannot("take over Ctrl-C".into(), error))?;
    let listener = tcp(args.listen, watch).map_err(|error| {
        Error::Failed(format!("cannot listen on {}: {error}; choose another --listen", args.listen))
    })?;
    let address = listener.local_addr().map_err(|error| cannot("learn the own address".into(), error))?;
    let log = Arc::new(args.log.open(Role::Server)?);
    let server = Server::new(listener, settings, limits);
    let handle = server.handle();
    log.tell(&Entry::Listening(address));
    let netty = args.netty_compatible;
    if args.log.is_quiet() {
        let running = server.run(move |_| (Mirror, codec(netty)));
        until_stopped(running, &handle, &mut stop, args.drain).await;
    } else {
        let story = Arc::clone(&log);
        let running = server.run(move |peer| (narrator(&story, peer), codec(netty)));
        until_stopped(running, &handle, &mut stop, args.drain).await;
    }
    log.tell(&Entry::Closed { reason: None, counts: &COUNTS.list() });
    log.flush().await;
    Ok(ExitCode::SUCCESS)
}

/// Runs the server; the first signal lets its lines go in order, the second at once.
async fn until_stopped(running: impl Future<Output = ()>, handle: &ServerHandle, stop: &mut Stop, drain: Duration) {
    let mut running = pin!(running);
    tokio::select! {
        () = &mut running => return,
        () = stop.next() => handle.drain(drain),
    }
    tokio::select! {
        () = &mut running => {}
        () = stop.next() => {
            handle.stop();
            running.await;
        }
    }
}

fn narrator(log: &Arc<Log>, peer: Option<SocketAddr>) -> Narrator {
    // TCP always names the peer.
    Narrator::new(Arc::clone(log), peer.unwrap_or(NOWHERE))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port, as 127.0.0.1:12345 or [::]:12345".to_owned())
}
