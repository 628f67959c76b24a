//! Schemathesis: requests that a program of others makes of our API's description, well-formed and not, to a real server.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Folder, Host, Im, People, is_long};

/// Where `scripts/schemathesis` has put it.
fn program() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/schemathesis/bin/st");
    if program.exists() {
        return Some(program);
    }
    println!("SKIPPED: schemathesis is not installed (scripts/schemathesis does it)");
    None
}

/// The seed of the whole run, for requests too.
fn seed() -> String {
    std::env::var("KEEPLINE_SEED").unwrap_or_else(|_| "1".to_owned())
}

/// Cases of each operation and phase.
fn cases() -> &'static str {
    if is_long() { "200" } else { "8" }
}

/// Lets it ask, as a user, and returns what it said of its run.
#[track_caller]
fn ask(program: &Path, im: &Im, token: &str, which: &[&str]) -> String {
    let http = im.server.http;
    // Ended by `timeout` where it would hang.
    let mut command = Command::new("timeout");
    command.arg("3000").arg(program).arg("run").arg(format!("http://{http}/v1/openapi.json"));
    command.args(["--checks", "all", "--exclude-checks", "positive_data_acceptance"]);
    command.args(["--header", &format!("Authorization: Bearer {token}"), "--seed", &seed(), "-n", cases()]);
    command.args(["--continue-on-failure", "--no-color", "--warnings", "off", "--generation-database", "none"]);
    let folder = Folder::new("schemathesis");
    let output = command.args(which).current_dir(folder.path()).output().expect("coreutils has timeout");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}\n{said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    said
}

/// The number before a word.
#[track_caller]
fn number(said: &str, word: &str) -> u64 {
    let row = said.lines().find(|row| row.contains(word)).unwrap_or_else(|| panic!("no {word} in {said}"));
    let before = row.split(word).next().unwrap_or_default();
    before.rsplit(|c: char| !c.is_ascii_digit()).find(|n| !n.is_empty()).and_then(|n| n.parse().ok()).expect("a number")
}

/// All that it checks but one: that what the description allows is taken. A name may be of nobody, a cursor of another
/// list, a password too easy: no schema says that.
///
/// The operations that call tokens back would end the run, and are asked alone.
#[test]
fn no_request_that_the_description_suggests_makes_the_server_fail_or_answer_otherwise_than_it_says() {
    let Some(program) = program() else { return };
    let (people, host) = (People::crowd(0, &["ann", "bob"]), Host::here());
    let im = Im::start(None, &people, "--limits bench");
    println!("seed: {}", seed());
    let most = ask(&program, &im, people.token("ann"), &["--exclude-operation-id-regex", "^revoke"]);
    let alone = ask(&program, &im, people.token("bob"), &["--include-operation-id-regex", "^revoke"]);
    for said in [&most, &alone] {
        let (made, passed) = (number(said, " generated"), number(said, " passed, "));
        println!("{made} requests, {passed} answered as the description says");
    }
    assert!(number(&most, " generated") > 400, "{most}");
    let answered = |status: &str| im.metric(&host, "keepline_http_requests_total", status);
    println!("2xx {}, 4xx {}, 5xx {}", answered("2xx"), answered("4xx"), answered("5xx"));
    assert_eq!(answered("5xx"), 0);
    assert!(answered("2xx") > 50, "too few requests were more than refused");
    im.stop();
}
