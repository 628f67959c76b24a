//! `keepline send`: says something to somebody.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use keepline_server::id::MessageId;
use serde::Serialize;

use super::target::{self, Target};
use super::{errand, words};
use crate::account::{Account, Who, random};
use crate::api::{Api, ApiError, Kind, NewMessage, Sent};
use crate::failure::Failure;
use crate::output::{Output, note};

/// How often a message is sent that the server can't store now, or of which nobody can say whether it is stored.
const TRIES: u32 = 4;

/// The wait before it is sent again, where the server says none, and the longest that is obeyed.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Flags of `keepline send`.
#[derive(Debug, Args)]
#[command(after_help = "It ends once the message is stored. Sent again with the same --id, it is stored once.")]
pub(crate) struct SendArgs {
    /// Whom to.
    #[arg(value_name = "TO", help = target::HELP)]
    to: Target,
    /// What to say; - reads it from stdin, without the last line break.
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// What it is.
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    kind: Kind,
    /// The message's own number, 32 hexadecimal digits; default: one that is drawn.
    #[arg(long, value_name = "ID")]
    id: Option<MessageId>,
    /// One object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

/// A message that is stored, and where.
#[derive(Serialize)]
struct Stored<'a> {
    conversation: &'a str,
    #[serde(flatten)]
    sent: &'a Sent,
}

/// Sends it.
pub(crate) fn run(args: SendArgs) -> ExitCode {
    errand::run(send(args))
}

async fn send(args: SendArgs) -> Result<(), Failure> {
    let content = words::content(&args.text, args.kind)?;
    let account = Account::open(&args.who).await?;
    let conversation = args.to.of(&account.user).map_err(Failure::usage)?;
    let id = args.id.map_or_else(random::message_id, |id| Ok(id.to_string()))?;
    let sent = until_known(&account.api, &conversation, &NewMessage { id, content }).await?;
    let before = if sent.duplicate { "was sent before" } else { "sent" };
    let sentence = format!("{before} to {conversation} as {}", sent.seq);
    Ok(Output::new(args.json).done(&sentence, &Stored { conversation: &conversation, sent: &sent })?)
}

/// Sends a message until it is known whether it is stored, and again where it can't be now: the same id is stored once.
async fn until_known(api: &Api, conversation: &str, message: &NewMessage) -> Result<Sent, ApiError> {
    let mut tries = 1;
    loop {
        match api.send(conversation, message).await {
            Err(error) if (error.is_unknown() || error.is_busy()) && tries < TRIES => {
                tries += 1;
                let so_far = if error.is_unknown() { "it may be stored or not" } else { "it is not stored" };
                note(&format!("{so_far} ({error}): sending it again, try {tries} of {TRIES}"));
                tokio::time::sleep(error.retry_after().unwrap_or(AGAIN_AFTER).min(LONGEST_WAIT)).await;
            }
            sent => return sent,
        }
    }
}
