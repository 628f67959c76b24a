//! `keepline schedule`: messages for later.

mod when;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use keepline_server::id::ScheduleId;
use serde::Serialize;

use self::when::When;
use super::target::{self, Target};
use super::{errand, words};
use crate::account::{Account, Who};
use crate::api::{Api, ApiError, Edit, Kind, Schedule};
use crate::failure::Failure;
use crate::output::{Output, Row, moment};

/// Entries of a page.
const PAGE: usize = 100;

/// Flags of `keepline schedule`.
#[derive(Debug, Args)]
pub(crate) struct ScheduleArgs {
    /// What to do; default: list.
    #[command(subcommand)]
    deed: Option<Deed>,
    /// One object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// List your messages for later, by the time they are due.
    List,
    /// Have a message sent later.
    Add {
        /// Whom to.
        #[arg(value_name = "TO", help = target::HELP)]
        to: Target,
        /// What to say; - reads it from stdin, without the last line break.
        #[arg(required = true, value_name = "TEXT")]
        text: Vec<String>,
        /// What it is.
        #[arg(long, value_enum, default_value_t, value_name = "KIND")]
        kind: Kind,
        #[command(flatten)]
        when: When,
    },
    /// Change one that waits: its words, its time, or both.
    Edit {
        schedule: ScheduleId,
        /// What it is to say instead; - reads it from stdin.
        text: Vec<String>,
        /// What it is, if it gets other words.
        #[arg(long, value_enum, default_value_t, value_name = "KIND")]
        kind: Kind,
        #[command(flatten)]
        when: When,
    },
    /// See to it that one is not sent.
    Cancel { schedule: ScheduleId },
}

/// A message for later that was changed.
#[derive(Serialize)]
struct Changed<'a> {
    schedule: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_ms: Option<u64>,
    done: &'static str,
}

/// Does it.
pub(crate) fn run(args: ScheduleArgs) -> ExitCode {
    errand::run(act(args))
}

async fn act(args: ScheduleArgs) -> Result<(), Failure> {
    let account = Account::open(&args.who).await?;
    let (api, output) = (&account.api, Output::new(args.json));
    match args.deed.unwrap_or(Deed::List) {
        Deed::List => output.list(&all(api).await?)?,
        Deed::Add { to, text, kind, when } => {
            let due_ms = when.due_ms().ok_or_else(|| Failure::usage("say when: --in TIME, or --at MOMENT"))?;
            let content = words::content(&text, kind)?;
            let conversation = to.of(&account.user).map_err(Failure::usage)?;
            let schedule = api.schedule(&conversation, due_ms, &content).await?;
            let sentence = format!("{schedule} is sent to {conversation} at {}", moment(due_ms));
            output.done(&sentence, &Changed { schedule: &schedule, due_ms: Some(due_ms), done: "added" })?;
        }
        Deed::Edit { schedule, text, kind, when } => {
            let due_ms = when.due_ms();
            let content = if text.is_empty() { None } else { Some(words::content(&text, kind)?) };
            if due_ms.is_none() && content.is_none() {
                return Err(Failure::usage("there is nothing to change: say other words, --in or --at"));
            }
            api.edit_schedule(schedule.as_str(), &Edit { due_ms, content }).await?;
            let changed = Changed { schedule: schedule.as_str(), due_ms, done: "changed" };
            output.done(&format!("{schedule} changed"), &changed)?;
        }
        Deed::Cancel { schedule } => {
            api.cancel_schedule(schedule.as_str()).await?;
            let changed = Changed { schedule: schedule.as_str(), due_ms: None, done: "cancelled" };
            output.done(&format!("{schedule} cancelled"), &changed)?;
        }
    }
    Ok(())
}

async fn all(api: &Api) -> Result<Vec<Schedule>, ApiError> {
    let (mut schedules, mut cursor) = (Vec::new(), None);
    loop {
        let page = api.schedules(cursor.as_deref(), PAGE).await?;
        schedules.extend(page.schedules);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(schedules);
        }
    }
}

impl Row for Schedule {
    const HEADS: &'static [&'static str] = &["SCHEDULE", "DUE", "CONVERSATION", "STATE", "SAYS"];

    fn cells(&self) -> Vec<String> {
        let state = match &self.failure {
            Some(why) => format!("{}: {why}", self.state),
            None => self.state.clone(),
        };
        let (schedule, conversation) = (self.schedule.clone(), self.conversation.clone());
        vec![schedule, moment(self.due_ms), conversation, state, self.content.shown()]
    }
}
