//! `keepline sub`: follows what is said to one, as it is said.
//!
//! It is a device of its own, so that it takes nothing from a chat on this machine, and goes on where it ended: what was
//! printed is acknowledged, and what was not comes again.

mod beginning;
mod follower;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, value_parser};
use keepline::im::{Options, Token};
use keepline::serve::Stop;
use tokio::time::Instant;

use self::beginning::Beginning;
use self::follower::{Follower, Next};
use super::errand;
use crate::account::{Account, Who};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, note};
use crate::quantity::duration;

/// What the server has at the end to say that it knows where the device is.
const LAST_LOOK: Duration = Duration::from_secs(2);

/// Flags of `keepline sub`.
#[derive(Debug, Args)]
#[command(
    after_help = "At its first use it begins with what is said from then on, and later where it ended. It ends at Ctrl-C."
)]
pub(crate) struct SubArgs {
    /// End after so many messages.
    #[arg(long, value_parser = value_parser!(u64).range(1..), value_name = "N")]
    count: Option<u64>,
    /// End after this time; with --count, that is exit code 5, and 3 if there was no line.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    wait: Option<keepline::Duration>,
    /// Begin with what is said from now on, and never print what was said since it ended.
    #[arg(long)]
    new: bool,
    /// Where the server takes long connections; default: the host of --server, at the port that it names.
    #[arg(long, value_name = "HOST:PORT")]
    tcp: Option<String>,
    /// One object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

/// Follows.
pub(crate) fn run(args: SubArgs) -> ExitCode {
    errand::run(follow(args))
}

async fn follow(args: SubArgs) -> Result<(), Failure> {
    let until = args.wait.and_then(|wait| Instant::now().checked_add(wait.to_std()));
    let mut stop = Stop::new()?;
    let account = Account::open_to_follow(&args.who).await?;
    // Before the first line: what is said from here on is new. Also gets another token if ours is not valid any more.
    let beginning = Beginning::now(&account.api).await?;
    let endpoint = match &args.tcp {
        Some(tcp) => tcp.clone(),
        None => account.api.line().await,
    };
    let mut follower = Follower::start(args.who.way(), options(&args, &account, endpoint))?;
    if args.new || account.is_new_device {
        let ended = tokio::select! {
            skipped = follower.skip(beginning.heads()) => { skipped?; None }
            () = over(until) => Some(ended_early(&args, &follower)),
            () = stop.next() => Some(Ok(())),
        };
        if let Some(ended) = ended {
            if account.is_new_device {
                note("no line came about: the next run begins with what is said from then on");
            }
            return ended;
        }
    }
    let mut kept = Box::pin(beginning.kept(&account));
    let mut is_kept = !account.is_new_device;
    let output = Output::new(args.json);
    let mut printed = 0;
    let ended = loop {
        tokio::select! {
            next = follower.next() => match next {
                Ok(Next::Message(message, mark)) => {
                    if let Err(error) = output.line(&message) {
                        break Err(error.into());
                    }
                    // Only now: who dies before has it printed again.
                    follower.done(&mark);
                    printed += 1;
                    if args.count == Some(printed) {
                        break Ok(());
                    }
                }
                Ok(Next::News(news)) => note(&news),
                Err(failure) => break Err(failure),
            },
            () = &mut kept, if !is_kept => is_kept = true,
            () = over(until) => break ended_early(&args, &follower),
            () = stop.next() => break Ok(()),
        }
    };
    follower.close().await;
    if !is_kept && printed > 0 {
        // What was said since must not be passed over, even if something older comes again.
        beginning::keep(&account);
    } else if !is_kept {
        // As the line has ended in order, the server has all of it, or never will.
        let _ = tokio::time::timeout(LAST_LOOK, kept).await;
    }
    ended
}

fn options(args: &SubArgs, account: &Account, endpoint: String) -> Options {
    let token = account.api.token();
    let token = Token::new(token.as_ref().map_or("", |token| token.reveal()));
    let mut options = Options::new([endpoint], token, account.device.clone().unwrap_or_default());
    options.connect_within = args.who.timeout;
    options
}

async fn over(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// The time is over: as asked for, or before all messages were there, or before there was a line.
fn ended_early(args: &SubArgs, follower: &Follower) -> Result<(), Failure> {
    let failure = |exit, message: &str| Err(Failure { exit, message: message.to_owned() });
    if follower.never_came_up() {
        return failure(Exit::Unreachable, "there was no line in the time of --wait; is it the right port, --tcp?");
    }
    if args.count.is_none() {
        return Ok(());
    }
    failure(Exit::Timeout, "the messages did not come in the time of --wait")
}
