//! `keepline serve`: the instant messaging server.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Args;
use keepline::serve::Stop;
use keepline_server::Node;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Effective, Sources};
use crate::descriptors::raise_descriptor_limit;
use crate::exit::Exit;
use crate::log::Log;
use crate::output::escaped;

mod admin_token;
mod announce;
mod reload;
mod systemd;

use reload::Reload;

/// What a server has after the second signal. What was acknowledged is on the disk already.
const AT_ONCE: std::time::Duration = std::time::Duration::from_secs(1);

/// Flags of `keepline serve`.
#[derive(Debug, Args)]
#[command(after_help = "Stops at Ctrl-C or SIGTERM; at the second signal it stops at once. At SIGHUP it takes what \
                        can change while it runs: its limits, its certificate, the keys of tokens, its admin token, the log's filter.\nEach flag is a setting too: see keepline config.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    sources: Sources,
    /// Print the addresses as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Serves until a signal comes.
pub(crate) fn run(args: &ServeArgs) -> ExitCode {
    let effective = match args.sources.load() {
        Ok(effective) => effective,
        Err(problems) => {
            problems.to_string().lines().for_each(say);
            return Exit::Usage.into();
        }
    };
    let settings = &effective.settings;
    let log = match Log::start(settings.log.format, &settings.log.filter, settings.log.rate) {
        Ok(log) => log,
        Err(error) => {
            say(&format!("the log: {error}"));
            return Exit::Failed.into();
        }
    };
    raise_descriptor_limit();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = settings.server.workers {
        runtime.worker_threads(workers.into());
    }
    let served = runtime.enable_all().build().and_then(|runtime| {
        let served = runtime.block_on(serve(args, effective, &log));
        // Nothing that still runs may keep the process: what was acknowledged is on disk.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        served
    });
    log.end();
    match served {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            say(&error.to_string());
            let usage = error.kind() == io::ErrorKind::InvalidInput;
            (if usage { Exit::Usage } else { Exit::Failed }).into()
        }
    }
}

async fn serve(args: &ServeArgs, effective: Effective, log: &Log) -> io::Result<()> {
    let mut stop = Stop::new()?;
    let mut hangups = signal(SignalKind::hangup())?;
    let settings = &effective.settings;
    let mut config = settings.server();
    let mut faults = config.faults();
    // The last is the error; those before it are said beside it.
    let last = faults.pop();
    faults.iter().for_each(|fault| say(&fault.to_string()));
    last.map_or(Ok(()), Err)?;
    for warning in config.warnings() {
        say(&format!("warning: {warning}"));
    }
    let opened = settings.clone();
    let opening = tokio::task::spawn_blocking(move || opened.open_store());
    let store = tokio::select! {
        opened = opening => opened.map_err(io::Error::other)??,
        // All that is stored is checked, which may take long. It can be cut off as by a kill, which loses nothing.
        () = stop.next() => return Ok(()),
    };
    config.admin_token = admin_token::obtain(settings)?;
    config.audit = settings.audit_file();
    let node = Node::start(config, store).await.map_err(io::Error::other)?;
    announce::announce(&node, settings, args.json);
    systemd::ready(node.room().lines);
    drop(tokio::spawn(systemd::pulse(log.clone())));
    let mut reload = Reload { sources: &args.sources, effective, log };
    loop {
        tokio::select! {
            () = stop.next() => break,
            () = node.stop_asked() => break,
            _ = hangups.recv() => {
                systemd::reloading();
                reload.again(&node).await;
                systemd::ready(node.room().lines);
            }
        }
    }
    let drain = reload.effective.settings.liveness.drain;
    systemd::stopping(drain.to_std());
    tokio::select! {
        () = node.drain(drain) => {}
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

/// Says something on stderr. That nobody can read it, as on a full disk, is no reason not to serve.
fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "keepline serve: {}", escaped(sentence));
}
