//! Errand: a command that asks a server something and ends; what it needs around it, and how its end is told.

use std::process::ExitCode;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::note;

/// Runs it on a runtime of its own, says on stderr why it failed, and gives the exit code.
pub(crate) fn run(errand: impl Future<Output = Result<(), Failure>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            note(&format!("no runtime: {error}"));
            return Exit::Failed.into();
        }
    };
    let ended = runtime.block_on(errand);
    // A name that is still being looked up may take its time without us.
    runtime.shutdown_background();
    match ended {
        Ok(()) => Exit::Ok.into(),
        Err(failure) => {
            if failure.exit != Exit::Ok {
                note(&failure.message);
            }
            failure.exit.into()
        }
    }
}
