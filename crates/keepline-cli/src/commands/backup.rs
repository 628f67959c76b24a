//! `keepline backup`: a copy of what a server keeps, while it runs or while it does not.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use keepline_server::http::admin::BACKUP_WITHIN;
use keepline_server::store::Store as _;
use keepline_server::store::redb::{FILE, OpenError, Options, Redb};
use serde::Serialize;

use super::errand;
use crate::admin::AdminToken;
use crate::api::{Admin, Http, ServerUrl};
use crate::failure::Failure;
use crate::output::Output;

/// What the server's answer may take beyond the time that it gives a backup: so that it is the server that says how it
/// went.
const MARGIN: Duration = Duration::from_secs(30);

/// Flags of `keepline backup`.
#[derive(Debug, Args)]
#[command(after_help = "A server that runs makes the copy itself: give --admin. keepline restore puts it in place.")]
pub(crate) struct BackupArgs {
    /// The file to write, which must not exist yet; with --admin it is on the server's machine.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Where a server keeps everything that does not run.
    #[arg(long, default_value = "keepline-data", value_name = "DIR", conflicts_with = "admin")]
    data: PathBuf,
    /// The admin listener of a server that runs, as http://127.0.0.1:8084.
    #[arg(long, value_name = "URL")]
    admin: Option<ServerUrl>,
    #[command(flatten)]
    token: AdminToken,
    /// One object a line.
    #[arg(long)]
    json: bool,
}

/// What was copied.
#[derive(Serialize)]
struct Copied<'a> {
    to: &'a Path,
    /// Of the records' bodies.
    bytes: u64,
}

/// Makes the copy.
pub(crate) fn run(args: BackupArgs) -> ExitCode {
    errand::run(backup(args))
}

async fn backup(args: BackupArgs) -> Result<(), Failure> {
    let bytes = match args.admin {
        Some(admin) => ask(admin, &args.token, &args.to).await?,
        None => copy(&args.data, &args.to).await?,
    };
    let sentence = format!("{bytes} bytes of records copied to {}", args.to.display());
    Ok(Output::new(args.json).done(&sentence, &Copied { to: &args.to, bytes })?)
}

/// Copies a store that no process has open.
async fn copy(data: &Path, to: &Path) -> io::Result<u64> {
    if to.symlink_metadata().is_ok() {
        return Err(io::Error::other(format!("{} is there already: name a new file with --to", to.display())));
    }
    if !data.join(FILE).is_file() {
        return Err(io::Error::other(format!("{} has no {FILE}; name the data directory with --data", data.display())));
    }
    let store = Redb::open(data, Options::default()).map_err(|error| match error {
        OpenError::InUse { path } => io::Error::other(format!(
            "{} is in use; ask its server for the copy, as with --admin 127.0.0.1:8084",
            path.display()
        )),
        other => io::Error::other(other),
    })?;
    let copied = store.backup(to).await;
    store.close().await;
    Ok(copied.map_err(io::Error::other)?.bytes)
}

/// Has a server copy its store.
async fn ask(admin: ServerUrl, token: &AdminToken, to: &Path) -> Result<u64, Failure> {
    let to = std::path::absolute(to)?;
    let to = to.to_str().ok_or_else(|| Failure::usage("the path is not UTF-8, and so can't be told to the server"))?;
    let admin = Admin::new(Http::new(admin, BACKUP_WITHIN + MARGIN, None), token.find()?);
    Ok(admin.backup(to).await?)
}
