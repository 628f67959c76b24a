//! The examples: built with these tests, run, and held to what they promise.

use std::path::PathBuf;
use std::process::Command;

/// Runs a built example to its end; what it printed.
fn run(name: &str) -> String {
    // Cargo builds examples with the tests, into the folder next to the tests' own; not if asked for one test target.
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    path.set_file_name("examples");
    let path: PathBuf = path.join(name);
    assert!(path.exists(), "{} is not built: run `cargo build -p keepline --examples` first", path.display());
    let output = Command::new("timeout").arg("20").arg(&path).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name}: {}\n{out}{err}", output.status);
    out.into_owned()
}

#[test]
fn a_client_survives_its_server_in_thirty_lines() {
    let printed = run("survive");
    let lives: Vec<_> = printed.lines().collect();
    assert_eq!(lives.len(), 2, "{printed}");
    for (line, life) in lives.iter().zip(["first", "second"]) {
        assert!(line.starts_with(&format!("{life} life: Answered(")), "{line}");
    }
    let source = include_str!("../../examples/survive.rs");
    let (doc, lines): (Vec<_>, Vec<_>) = source.lines().partition(|line| line.starts_with("//!"));
    assert_eq!(doc.len(), 1);
    assert!(lines.len() <= 30, "{} lines", lines.len());
}

#[test]
fn an_own_codec_answers_and_measures() {
    let printed = run("own_codec");
    assert!(printed.starts_with("answer: HELLO\nround trip: "), "{printed}");
}

#[test]
fn a_peer_that_falls_silent_is_found_over_udp() {
    let printed = run("udp_monitor");
    assert_eq!(printed.matches("pong, round trip").count(), 3, "{printed}");
    let last = printed.lines().last().expect("it says how it ended");
    let after = last.strip_prefix("down: silent, ").and_then(|rest| rest.split(' ').next());
    let after: u64 = after.and_then(|ms| ms.parse().ok()).unwrap_or_else(|| panic!("{last}"));
    // Ping after 100 ms, 100 ms for the pong: never early. How late depends on the machine.
    assert!(after >= 200, "{last}");
}

#[test]
fn a_line_over_tls_works_on_both_ends() {
    assert_eq!(run("tls"), "echo: secret\n");
}
