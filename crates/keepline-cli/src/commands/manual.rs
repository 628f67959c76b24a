//! `keepline completions` and `keepline man`: what a shell and `man` know of the commands.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use super::errand;
use crate::failure::Failure;

/// Flags of `keepline completions`.
#[derive(Debug, Args)]
#[command(after_help = "For bash: keepline completions bash > ~/.local/share/bash-completion/completions/keepline")]
pub(crate) struct CompletionsArgs {
    /// Of which shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Flags of `keepline man`.
#[derive(Debug, Args)]
#[command(after_help = "To read it at once: keepline man | man -l -")]
pub(crate) struct ManArgs {
    /// Write a page for each command into this folder, instead of the first one to stdout.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Prints a script for a shell, of all commands.
pub(crate) fn completions(args: &CompletionsArgs, mut all: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut all, "keepline", &mut script);
    errand::run(async move { Ok(print(&script)?) })
}

/// Writes man pages, of all commands.
pub(crate) fn man(args: &ManArgs, all: Command) -> ExitCode {
    errand::run(async move {
        if let Some(folder) = &args.folder {
            return clap_mangen::generate_to(all, folder)
                .map_err(|error| Failure { message: format!("{}: {error}", folder.display()), ..error.into() });
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(all).render(&mut page)?;
        Ok(print(&page)?)
    })
}

fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}
