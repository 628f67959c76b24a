//! `keepline users`: who there is, and who is online.

use std::process::ExitCode;

use clap::Args;

use super::errand;
use crate::account::{Account, Who};
use crate::api::{User, UserQuery};
use crate::failure::Failure;
use crate::output::{Output, Row};

/// Entries of a page.
const PAGE: usize = 200;

/// Flags of `keepline users`.
#[derive(Debug, Args)]
pub(crate) struct UsersArgs {
    /// What their names begin with; for users of cim's dialects, also what those are called there.
    #[arg(default_value = "", value_name = "PREFIX", hide_default_value = true)]
    prefix: String,
    /// Only those who are online.
    #[arg(long)]
    online: bool,
    /// One object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

/// Lists them.
pub(crate) fn run(args: UsersArgs) -> ExitCode {
    errand::run(list(args))
}

async fn list(args: UsersArgs) -> Result<(), Failure> {
    let account = Account::open(&args.who).await?;
    let wanted = UserQuery { prefix: args.prefix, online: args.online };
    let (mut users, mut cursor) = (Vec::new(), None);
    loop {
        let page = account.api.users(&wanted, cursor.as_deref(), PAGE).await?;
        users.extend(page.users);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    Ok(Output::new(args.json).list(&users)?)
}

impl Row for User {
    const HEADS: &'static [&'static str] = &["USER", "ONLINE", "NAME AT CIM"];

    fn cells(&self) -> Vec<String> {
        let online = if self.online { "yes" } else { "no" };
        vec![self.user.clone(), online.to_owned(), self.cim_name.clone().unwrap_or_default()]
    }
}
