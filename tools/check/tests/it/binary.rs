//! `keepline-check`: its exit codes and its table.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::files::Folder;
use crate::history::good;
use crate::mutate::drop_acked_delivery;
use crate::random::{Random, seed};

fn run(flags: &[&str], files: &[PathBuf]) -> (Option<i32>, String) {
    let output: Output =
        Command::new(env!("CARGO_BIN_EXE_keepline-check")).args(flags).args(files).output().expect("the binary runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_exit_code_is_the_verdict() {
    let folder = Folder::new("binary");
    let history = good(seed(), 300);
    let (code, table) = run(&["--faults-expected"], &folder.history(&history));
    assert_eq!(code, Some(0), "{table}");
    assert!(table.ends_with("verdict: GREEN\n"), "{table}");

    let mut mutated = history;
    let mut random = Random::new(7);
    assert!(drop_acked_delivery(&mut mutated, &mut random));
    let (code, table) = run(&[], &folder.history(&mutated));
    assert_eq!(code, Some(1), "{table}");
    assert!(table.contains("lost                  1  RED"), "{table}");
    assert!(table.ends_with("verdict: RED\n"), "{table}");

    let empty = folder.file("empty", b"");
    let (code, table) = run(&[], std::slice::from_ref(&empty));
    assert_eq!(code, Some(3), "{table}");
    let (code, table) = run(&["--faults-expected=cut"], &[empty]);
    assert_eq!(code, Some(3), "{table}");
    assert!(table.contains("no connection was cut") && !table.contains("delivered again"), "{table}");

    let (code, table) = run(&[], &[PathBuf::from("/nowhere/history")]);
    assert_eq!(code, Some(3), "{table}");
    assert_eq!(run(&[], &[]).0, Some(2), "wrong usage has a code of its own");
}
