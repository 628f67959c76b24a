//! `keepline conns` and `keepline kick`: live sessions, one's own or, for who runs the server, everybody's.

use std::process::ExitCode;

use clap::Args;
use keepline_server::id::UserId;
use serde::Serialize;

use super::errand;
use crate::account::{Account, Who};
use crate::admin::AdminToken;
use crate::api::{Admin, Http, LiveSession, OwnSession, Seq, ServerUrl, SessionQuery};
use crate::failure::Failure;
use crate::output::{Output, Row, moment, note, round_trip, span};

/// Flags of `keepline conns`.
#[derive(Debug, Args)]
pub(crate) struct ConnsArgs {
    #[command(flatten)]
    by: By,
    /// With --admin: of this user only.
    #[arg(long, requires = "admin", value_name = "NAME")]
    user: Option<UserId>,
    /// One object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

/// Flags of `keepline kick`.
#[derive(Debug, Args)]
#[command(after_help = "Its client is told not to come back by itself.")]
pub(crate) struct KickArgs {
    /// The number of the session, as keepline conns shows it.
    #[arg(value_name = "SESSION")]
    session: Seq,
    #[command(flatten)]
    by: By,
    /// One object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

/// By which door.
#[derive(Debug, Args)]
struct By {
    /// Everybody's, by the server's admin listener, instead of your own.
    #[arg(
        long,
        value_name = "URL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "http://127.0.0.1:8084"
    )]
    admin: Option<ServerUrl>,
    #[command(flatten)]
    token: AdminToken,
}

/// A session that was ended.
#[derive(Serialize)]
struct Kicked {
    session: Seq,
    done: &'static str,
}

/// Lists sessions.
pub(crate) fn list(args: ConnsArgs) -> ExitCode {
    errand::run(show(args))
}

/// Ends one.
pub(crate) fn kick(args: KickArgs) -> ExitCode {
    errand::run(end(args))
}

async fn show(args: ConnsArgs) -> Result<(), Failure> {
    let output = Output::new(args.json);
    let Some(admin) = args.by.listener(&args.who)? else {
        let account = Account::open(&args.who).await?;
        return Ok(output.list(&account.api.sessions().await?)?);
    };
    let wanted = SessionQuery { user: args.user.as_ref().map(UserId::to_string), ..SessionQuery::default() };
    let live = admin.sessions(&wanted).await?;
    if live.sessions.len() < live.total {
        note(&format!("{} of {} sessions, those that are quiet for longest", live.sessions.len(), live.total));
    }
    Ok(output.list(&live.sessions)?)
}

async fn end(args: KickArgs) -> Result<(), Failure> {
    match args.by.listener(&args.who)? {
        Some(admin) => admin.kick(args.session).await?,
        None => Account::open(&args.who).await?.api.kick(args.session).await?,
    }
    let kicked = Kicked { session: args.session, done: "kicked" };
    Ok(Output::new(args.json).done(&format!("session {} kicked", args.session), &kicked)?)
}

impl By {
    fn listener(&self, who: &Who) -> Result<Option<Admin>, Failure> {
        let Some(url) = self.admin.clone() else { return Ok(None) };
        Ok(Some(Admin::new(Http::new(url, who.timeout.to_std(), who.ca.as_ref()), self.token.find()?)))
    }
}

impl Row for OwnSession {
    const HEADS: &'static [&'static str] = &["SESSION", "DEVICE", "SINCE", "QUIET"];

    fn cells(&self) -> Vec<String> {
        vec![self.session.to_string(), self.device.clone(), moment(self.since_ms), span(self.silent_ms)]
    }
}

impl Row for LiveSession {
    const HEADS: &'static [&'static str] =
        &["SESSION", "USER", "DEVICE", "DIALECT", "PEER", "SINCE", "QUIET", "QUEUE", "OLDEST", "RTT", "IN", "OUT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.session.to_string(),
            self.user.clone(),
            self.device.clone(),
            self.dialect.clone(),
            self.peer.clone().unwrap_or_default(),
            moment(self.since_ms),
            span(self.silent_ms),
            self.queue.messages.to_string(),
            span(self.queue.oldest_ms),
            self.rtt_us.map_or_else(String::new, round_trip),
            self.bytes_in.map_or_else(String::new, |bytes| bytes.to_string()),
            self.bytes_out.map_or_else(String::new, |bytes| bytes.to_string()),
        ]
    }
}
