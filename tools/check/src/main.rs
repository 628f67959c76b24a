//! `keepline-check FILE...`: judges the histories of a run. Exit code 0 green, 1 red, 2 wrong usage, 3 void.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use keepline_check::{Expect, Verdict, check_files};

/// Judges what the clients of a run saw: whether the server kept its promises.
///
/// Exit code 0: green. 1: a promise was broken. 3: void, the run can't show that they were kept.
#[derive(Parser)]
#[command(name = "keepline-check", version)]
struct Arguments {
    /// The histories of the run's processes, JSON lines.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Call the run void if one of these faults did not hit; without a list: all of them.
    #[arg(long, value_name = "LIST", value_delimiter = ',', num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "cut,info,redelivery")]
    faults_expected: Vec<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// A connection was cut.
    Cut,
    /// The outcome of a send or a login was unknown.
    Info,
    /// A message came to a device twice.
    Redelivery,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut expect = Expect::default();
    expect.cut = arguments.faults_expected.contains(&Fault::Cut);
    expect.info = arguments.faults_expected.contains(&Fault::Info);
    expect.redelivery = arguments.faults_expected.contains(&Fault::Redelivery);
    match check_files(&arguments.files, expect) {
        Ok(report) => {
            print!("{report}");
            match report.verdict() {
                Verdict::Green => ExitCode::SUCCESS,
                Verdict::Red => ExitCode::from(1),
                _ => ExitCode::from(3),
            }
        }
        Err(error) => {
            println!("verdict: VOID: {error}");
            ExitCode::from(3)
        }
    }
}
