//! `keepline chat`: a person talks on a terminal, or a script through a pipe.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use keepline::im::{Options, Token};
use keepline::serve::Stop;
use keepline_server::id::UserId;

use super::errand;
use crate::account::{Account, Who};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::note;

mod catalogue;
mod clock;
mod command;
mod console;
mod emoji;
mod fold;
mod journal;
mod names;
mod parrot;
mod pauses;
mod place;
mod questions;
mod report;
mod screen;
mod sends;
mod status;
mod style;
mod talk;
mod terminal;

use journal::Journal;
use names::Names;
use status::{Line, Status};
use talk::{Parts, Talk};
use terminal::Terminal;

/// Flags of `keepline chat`.
#[derive(Debug, Args)]
#[command(
    after_help = "What is typed goes to everybody; NAME;;TEXT to one; :to leads elsewhere; :help lists the commands. \
                        If stdin is no terminal, each of its lines is taken as if it was typed, and its end as :q!."
)]
pub(crate) struct ChatArgs {
    /// Where the server takes long connections; default: the host of --server, at the port that it names.
    #[arg(long, value_name = "HOST:PORT")]
    tcp: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// Talks until the user, the input or the server ends it.
pub(crate) fn run(args: ChatArgs) -> ExitCode {
    errand::run(async { chat(args).await })
}

async fn chat(args: ChatArgs) -> Result<(), Failure> {
    let account = Account::open(&args.who).await?;
    let me: UserId = account.user.parse().map_err(|error| Failure::usage(format!("{}: {error}", account.user)))?;
    let is_there = know_us(&account).await?;
    let tcp = match args.tcp {
        Some(tcp) => tcp,
        None if is_there => account.api.line().await,
        None => args.who.server.line(),
    };
    let token = account.api.token().map(|token| token.reveal().to_owned()).unwrap_or_default();
    let device = account.device.clone().unwrap_or_default();
    let stop = Stop::new()?;
    let server = args.who.server.to_string();
    let journal = journal(&server, &me);
    let names = Arc::new(Names::default());
    let options = Options::new([tcp], Token::new(token), device);
    let (chat, events) =
        args.who.way().chat(options).map_err(|error| Failure { exit: Exit::Failed, message: error.to_string() })?;
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let (screen, typed, thread) = if is_terminal {
        let typed_before = journal.as_ref().map(|journal| journal.folder().join("typed"));
        let status = Status { place: "all".to_owned(), line: Line::Connecting, waiting: 0, ai: false };
        Terminal::start(Arc::clone(&names), typed_before.as_deref(), status)?
    } else {
        console::open()?
    };
    let parts = Parts { me, server, api: account.api, chat, screen, journal, names };
    let exit = Talk::new(parts).run(events, typed, stop).await;
    // What was said is still to be printed.
    if let Ok(Ok(Err(error))) = tokio::task::spawn_blocking(move || thread.join()).await {
        return Err(error.into());
    }
    let exit = exit?;
    let message = match exit {
        Exit::Ok => return Ok(()),
        Exit::Timeout => "not everything that was typed has an answer",
        _ => "the chat was ended, or something that was typed was refused",
    };
    Err(Failure { exit, message: message.to_owned() })
}

/// Sees that the token is still good, which gets another where it is not; whether the server is there. One that is not is
/// no hindrance: the chat waits for it.
async fn know_us(account: &Account) -> Result<bool, Failure> {
    match account.api.me().await {
        Err(error) if matches!(error.exit(), Exit::Unreachable | Exit::Timeout) => {
            note(&error.to_string());
            Ok(false)
        }
        known => known.map(|_| true).map_err(Failure::from),
    }
}

/// The history of a user at a server, if it can be kept.
fn journal(server: &str, me: &UserId) -> Option<Arc<Journal>> {
    let base = journal::base()?;
    match Journal::open(&base, server, me.as_str()) {
        Ok(journal) => Some(Arc::new(journal)),
        Err(error) => {
            note(&format!("the history is not kept: {}: {error}", base.display()));
            None
        }
    }
}
