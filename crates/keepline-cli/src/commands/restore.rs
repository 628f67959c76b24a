//! `keepline restore`: puts a backup in the place of a server's store.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use keepline_server::store::redb::restore;

use super::errand;
use crate::failure::Failure;
use crate::output::Output;

/// Flags of `keepline restore`.
#[derive(Debug, Args)]
#[command(
    after_help = "The backup is checked as a whole first. What is restored has a new epoch: clients are told to \
                        begin anew, as messages may get other numbers than those they saw."
)]
pub(crate) struct RestoreArgs {
    /// The backup; the file of a stopped server does as well.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Where the server is to keep everything.
    #[arg(long, default_value = "keepline-data", value_name = "DIR")]
    data: PathBuf,
    /// Put it in the place of what is there, which is gone then.
    #[arg(long)]
    force: bool,
}

/// Puts it in place.
pub(crate) fn run(args: &RestoreArgs) -> ExitCode {
    errand::run(async { put(args) })
}

fn put(args: &RestoreArgs) -> Result<(), Failure> {
    // First, as the store's own words would be of a data directory.
    File::open(&args.from).map_err(|error| io::Error::other(format!("{}: {error}", args.from.display())))?;
    let copied = restore(&args.from, &args.data, args.force).map_err(io::Error::other)?;
    let (logs, records) = (copied.logs, copied.records);
    let to = args.data.display();
    Ok(Output::new(false).done(&format!("{records} records in {logs} logs restored into {to}, in a new epoch"), &())?)
}
