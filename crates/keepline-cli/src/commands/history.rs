//! `keepline history`: what was said, and where.

use std::process::ExitCode;

use clap::Args;

use super::errand;
use super::target::{self, Target};
use crate::account::{Account, Who};
use crate::api::{Api, ApiError, ConversationEntry, Message, Seq, Start};
use crate::failure::Failure;
use crate::output::{Output, Row, moment};

/// Entries of a page.
const PAGE: usize = 200;

/// Flags of `keepline history`.
#[derive(Debug, Args)]
#[command(after_help = "Without a conversation: yours, and how much of each you have not read.")]
pub(crate) struct HistoryArgs {
    /// Which conversation.
    #[arg(value_name = "CONVERSATION", help = target::HELP)]
    conversation: Option<Target>,
    /// Those before this number; default: the newest.
    #[arg(long, value_name = "SEQ", conflicts_with = "after", requires = "conversation")]
    before: Option<Seq>,
    /// Those after this number.
    #[arg(long, value_name = "SEQ", requires = "conversation")]
    after: Option<Seq>,
    /// At most so many.
    #[arg(long, default_value = "50", value_parser = clap::value_parser!(u32).range(1..), value_name = "N")]
    limit: u32,
    /// Those that contain this, newest first; without a conversation, in all of them.
    #[arg(long, value_name = "WORD", conflicts_with_all = ["before", "after"])]
    search: Option<String>,
    /// Note that you have read up to the last that is shown.
    #[arg(long, requires = "conversation", conflicts_with = "search")]
    read: bool,
    /// One object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

/// Shows it.
pub(crate) fn run(args: HistoryArgs) -> ExitCode {
    errand::run(show(args))
}

async fn show(args: HistoryArgs) -> Result<(), Failure> {
    let account = Account::open(&args.who).await?;
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let output = Output::new(args.json);
    let conversation = args.conversation.map(|target| target.of(&account.user)).transpose().map_err(Failure::usage)?;
    if let Some(word) = &args.search {
        return Ok(output.list(&found(&account.api, word, conversation.as_deref(), limit).await?)?);
    }
    let Some(conversation) = conversation else {
        return Ok(output.list(&conversations(&account.api, limit).await?)?);
    };
    let start = match (args.before, args.after) {
        (Some(seq), _) => Start::Before(seq),
        (None, Some(seq)) => Start::After(seq),
        (None, None) => Start::End,
    };
    let messages = said(&account.api, &conversation, start, limit).await?;
    output.list(&messages)?;
    if let Some(last) = messages.last().filter(|_| args.read) {
        account.api.mark_read(&conversation, last.seq).await?;
    }
    Ok(())
}

/// Messages of a conversation, oldest first.
async fn said(api: &Api, conversation: &str, start: Start, limit: usize) -> Result<Vec<Message>, ApiError> {
    let forwards = matches!(start, Start::After(_));
    let (mut messages, mut start) = (Vec::new(), start);
    while messages.len() < limit {
        let page = api.messages(conversation, &start, PAGE.min(limit - messages.len())).await?;
        messages.extend(page.messages);
        let Some(next) = page.next else { break };
        start = Start::Cursor(next);
    }
    if !forwards {
        messages.reverse();
    }
    Ok(messages)
}

async fn found(api: &Api, word: &str, within: Option<&str>, limit: usize) -> Result<Vec<Message>, ApiError> {
    let (mut messages, mut cursor) = (Vec::new(), None);
    while messages.len() < limit {
        let page = api.search(word, within, cursor.as_deref(), PAGE.min(limit - messages.len())).await?;
        messages.extend(page.messages);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(messages)
}

async fn conversations(api: &Api, limit: usize) -> Result<Vec<ConversationEntry>, ApiError> {
    let (mut all, mut cursor) = (Vec::new(), None);
    while all.len() < limit {
        let page = api.conversations(cursor.as_deref(), PAGE.min(limit - all.len())).await?;
        all.extend(page.conversations);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(all)
}

impl Row for Message {
    const HEADS: &'static [&'static str] = &["CONVERSATION", "SEQ", "AT", "FROM", "SAID"];

    fn cells(&self) -> Vec<String> {
        let (conversation, sender) = (self.conversation.clone(), self.sender.clone());
        vec![conversation, self.seq.to_string(), moment(self.at_ms), sender, self.content.shown()]
    }
}

impl Row for ConversationEntry {
    const HEADS: &'static [&'static str] = &["CONVERSATION", "LAST", "READ", "UNREAD"];

    fn cells(&self) -> Vec<String> {
        vec![self.conversation.clone(), self.head.to_string(), self.read.to_string(), self.unread.to_string()]
    }
}
