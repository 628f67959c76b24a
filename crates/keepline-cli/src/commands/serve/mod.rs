//! `keepline serve`: the instant messaging server.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Args;
use keepline::serve::Stop;
use keepline_server::Node;
use keepline_server::http::admin::AdminToken;

use crate::account::random;
use crate::admin::{self, Kept};
use crate::config::{Effective, Settings, Sources};
use crate::descriptors::raise_descriptor_limit;
use crate::exit::Exit;
use crate::log;
use crate::output::escaped;

mod announce;

/// What a server has after the second signal. What was acknowledged is on the disk already.
const AT_ONCE: std::time::Duration = std::time::Duration::from_secs(1);

/// Flags of `keepline serve`.
#[derive(Debug, Args)]
#[command(after_help = "Stops at Ctrl-C or SIGTERM; at the second signal it stops at once.\n\
                        Each flag is a setting too: see keepline config.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    sources: Sources,
    /// Print the addresses as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// Serves until a signal comes.
pub(crate) fn run(args: &ServeArgs) -> ExitCode {
    let Effective { settings, .. } = match args.sources.load() {
        Ok(effective) => effective,
        Err(problems) => {
            for line in problems.to_string().lines() {
                eprintln!("keepline serve: {}", escaped(line));
            }
            return Exit::Usage.into();
        }
    };
    log::for_a_server(settings.log.format, &settings.log.filter);
    raise_descriptor_limit();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(workers) = settings.server.workers {
        runtime.worker_threads(workers.into());
    }
    let served = runtime.enable_all().build().and_then(|runtime| {
        let served = runtime.block_on(serve(&settings, args.json));
        // Nothing that still runs may keep the process: what was acknowledged is on disk.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        served
    });
    match served {
        Ok(()) => Exit::Ok.into(),
        Err(error) => {
            eprintln!("keepline serve: {error}");
            let usage = error.kind() == io::ErrorKind::InvalidInput;
            (if usage { Exit::Usage } else { Exit::Failed }).into()
        }
    }
}

async fn serve(settings: &Settings, json: bool) -> io::Result<()> {
    let mut stop = Stop::new()?;
    let mut config = settings.server();
    config.check()?;
    for warning in config.warnings() {
        eprintln!("keepline serve: warning: {warning}");
    }
    let store = settings.open_store()?;
    config.admin_token = admin_token(settings)?;
    let node = Node::start(config, store).await.map_err(io::Error::other)?;
    announce::announce(&node, settings, json);
    tokio::select! {
        () = stop.next() => {}
        () = node.stop_asked() => {}
    }
    tokio::select! {
        () = node.drain(settings.liveness.drain) => {}
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

/// What the admin listener asks for: what the settings say, or what is kept with the data. A new one is shown to who
/// sits at the terminal, once, and is in no log.
fn admin_token(settings: &Settings) -> io::Result<Option<AdminToken>> {
    if settings.listen.admin.is_none() {
        return Ok(None);
    }
    if let Some(token) = &settings.admin.token {
        return Ok(Some(AdminToken::of(token.reveal())));
    }
    let (token, where_it_is) = if settings.store.memory {
        (random::admin_token()?, None)
    } else {
        let (token, kept) = admin::obtain(&settings.store.data)?;
        if kept == Kept::Found {
            return Ok(Some(AdminToken::of(token.reveal())));
        }
        (token, Some(settings.store.data.join(admin::FILE)))
    };
    let stderr = io::stderr();
    match &where_it_is {
        _ if stderr.is_terminal() => {
            eprintln!("token of the admin listener, shown this once: {}", token.reveal());
        }
        Some(path) => eprintln!("keepline serve: the token of the admin listener is in {}", path.display()),
        None => eprintln!("keepline serve: KEEPLINE_ADMIN__TOKEN is not set: nobody knows the admin listener's token"),
    }
    Ok(Some(AdminToken::of(token.reveal())))
}
