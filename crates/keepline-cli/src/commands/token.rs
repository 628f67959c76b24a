//! `keepline token`: what proves who one is, without a password.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::errand;
use crate::account::{Account, Who};
use crate::api::Me;
use crate::failure::Failure;
use crate::output::{Output, Row, moment};

/// Flags of `keepline token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// What to do; default: show.
    #[command(subcommand)]
    deed: Option<Deed>,
    /// One object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Deed {
    /// Say whose the token is, and until when.
    Show,
    /// Get another, keep it in the place of the one before, and print it, for KEEPLINE_TOKEN.
    New,
    /// Call the token back; the session that it opened ends.
    Revoke,
    /// Call back every token of yours; all of your sessions end.
    RevokeAll,
}

/// A token in the open.
#[derive(Serialize)]
struct Shown<'a> {
    user: &'a str,
    device: Option<&'a str>,
    token: &'a str,
}

#[derive(Serialize)]
struct Revoked<'a> {
    user: &'a str,
    done: &'static str,
}

/// Does it.
pub(crate) fn run(args: TokenArgs) -> ExitCode {
    errand::run(act(args))
}

async fn act(args: TokenArgs) -> Result<(), Failure> {
    let output = Output::new(args.json);
    match args.deed.unwrap_or(Deed::Show) {
        Deed::Show => output.list(&[Account::open(&args.who).await?.api.me().await?])?,
        Deed::New => {
            let account = Account::open_anew(&args.who).await?;
            let token = account.api.token();
            let token = token.as_ref().map_or("", |token| token.reveal());
            let (user, device) = (account.user.as_str(), account.device.as_deref());
            output.done(token, &Shown { user, device, token })?;
        }
        Deed::Revoke => revoke(&args.who, output, false).await?,
        Deed::RevokeAll => revoke(&args.who, output, true).await?,
    }
    Ok(())
}

async fn revoke(who: &Who, output: Output, all: bool) -> Result<(), Failure> {
    let account = Account::open(who).await?;
    account.api.revoke(all).await?;
    account.forget_token()?;
    let done = if all { "all tokens revoked" } else { "token revoked" };
    Ok(output.done(&format!("{}: {done}", account.user), &Revoked { user: &account.user, done })?)
}

impl Row for Me {
    const HEADS: &'static [&'static str] = &["USER", "DEVICE", "UNTIL"];

    fn cells(&self) -> Vec<String> {
        vec![self.user.clone(), self.device.clone().unwrap_or_default(), moment(self.expires_ms)]
    }
}
