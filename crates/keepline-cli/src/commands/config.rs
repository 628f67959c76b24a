//! `keepline config`: what the settings of a server are, where each comes from, and whether a file of them is right.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, Subcommand};
use serde::Serialize;

use super::errand;
use crate::config::{Chosen, Effective, Place, Problem, Problems, Sources, reference, sample};
use crate::failure::Failure;
use crate::output::{Output, Row, note};

/// Flags of `keepline config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what keepline serve would go by with the same flags, and where each value comes from.
    Show(ShowArgs),
    /// Print a file with every setting as it is by default.
    Default,
    /// Check a file of settings, as a server would at its start.
    Check(CheckArgs),
    /// Print the reference of all settings and commands, in Markdown.
    #[command(hide = true)]
    Reference,
}

#[derive(Debug, Args)]
struct ShowArgs {
    #[command(flatten)]
    sources: Sources,
    /// One object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CheckArgs {
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// A value in force.
#[derive(Serialize)]
struct Shown {
    key: &'static str,
    /// Of a secret only that there is one.
    value: String,
    from: String,
}

/// Does what is asked; `all` are the commands that there are.
pub(crate) fn run(args: &ConfigArgs, all: Command) -> ExitCode {
    errand::run(async {
        match &args.what {
            What::Show(args) => show(args),
            What::Default => print(&sample()),
            What::Check(args) => check(args),
            What::Reference => print(&reference(all)),
        }
    })
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let effective = args.sources.load()?;
    let shown: Vec<Shown> = effective.chosen().iter().map(Shown::from).collect();
    Ok(Output::new(args.json).list(&shown)?)
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let effective = Effective::of_file(&args.file)?;
    let faults = effective.settings.server().faults();
    let problems = faults
        .iter()
        .map(|fault| Problem { place: Place::File { path: args.file.clone(), line: None }, what: fault.to_string() });
    let problems: Vec<Problem> = problems.collect();
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    print(&format!("{}: a server can work with it\n", args.file.display()))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

impl From<&Chosen> for Shown {
    fn from(chosen: &Chosen) -> Self {
        Self { key: chosen.key.name, value: chosen.shown().to_owned(), from: chosen.place.to_string() }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        let mut lines: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
        let last = lines.pop().unwrap_or_default();
        lines.iter().for_each(|line| note(line));
        Self::usage(last)
    }
}

impl Row for Shown {
    const HEADS: &'static [&'static str] = &["KEY", "VALUE", "FROM"];

    fn cells(&self) -> Vec<String> {
        vec![self.key.to_owned(), self.value.clone(), self.from.clone()]
    }
}
