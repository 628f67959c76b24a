//! `keepline restore`: puts a backup in the place of a server's store.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use keepline_server::store::redb::restore;

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
    match restore(&args.from, &args.data, args.force) {
        Ok(copied) => {
            let (logs, records) = (copied.logs, copied.records);
            println!("{records} records in {logs} logs restored into {}, in a new epoch", args.data.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("keepline restore: {error}");
            ExitCode::FAILURE
        }
    }
}
