//! `keepline-witness`: its words, its end, and what is left of its history when it is killed.

use std::process::Stdio;

use keepline_check::{Counter, Verdict};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::folder::Folder;
use crate::server::{Fake, Faults};
use crate::soon;

fn start(fake: &Fake, folder: &Folder, flags: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let (http, tcp) = (fake.server.http.to_string(), fake.server.tcp.to_string());
    let mut child = Command::new(env!("CARGO_BIN_EXE_keepline-witness"))
        .args(["--http", &http, "--tcp", &tcp, "--proc", "w", "--history"])
        .arg(folder.file("w"))
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary runs");
    let words = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
    (child, words)
}

async fn hear(words: &mut Lines<BufReader<ChildStdout>>, word: &str) {
    let line = soon(word, words.next_line()).await.expect("its output can be read");
    assert_eq!(line.as_deref(), Some(word));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_how_far_it_is_and_ends_with_its_input() {
    let fake = Fake::start(Faults { cut_after: 13, ..Faults::default() }).await;
    let folder = Folder::new("binary");
    let flags = ["--clients", "3", "--messages", "20", "--in-flight", "2", "--acks", "2"];
    let (mut child, mut words) = start(&fake, &folder, &flags);
    hear(&mut words, "up").await;
    hear(&mut words, "answered").await;
    drop(child.stdin.take());
    hear(&mut words, "settled").await;
    assert!(soon("its end", child.wait()).await.expect("it ends").success());
    let report = folder.check(&["w"]);
    assert_eq!(report.verdict(), Verdict::Green, "{report}");
    assert_eq!(report.totals().acked, 60, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_under_load_it_leaves_a_history_that_can_be_judged() {
    let fake = Fake::start(Faults::default()).await;
    let folder = Folder::new("killed");
    let (mut child, mut words) = start(&fake, &folder, &["--messages", "1000000", "--in-flight", "8"]);
    hear(&mut words, "up").await;
    soon("some messages", fake.until(|state| state.sent >= 500)).await;
    soon("its end", child.kill()).await.expect("it can be killed");
    fake.read(&folder.history("reader"));
    let report = folder.check(&["w", "reader"]);
    // The store has what was acknowledged, and nobody can say what the devices would have got.
    assert!(matches!(report.verdict(), Verdict::Void(_)), "{report}");
    assert_eq!(report.count(Counter::Undrained), 2, "{report}");
    assert!(report.totals().acked > 100, "{report}");
}
