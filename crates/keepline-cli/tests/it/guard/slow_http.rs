//! Slow HTTP: row B9 as slowhttptest does it: headers, a body, and an answer, each a few bytes at a time.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::place::{ask, place};
use crate::harness::{Folder, Host, Im, PATIENCE, People, Process, ms};

/// Connections of each attack.
const COUNT: u64 = 200;

/// One way to be slow.
struct Attack {
    name: &'static str,
    /// What slowhttptest is told, but for the address.
    arguments: &'static str,
    path: &'static str,
    /// When its connections end.
    within: Duration,
    /// Whether it sees that: who reads slowly finds the end behind what the kernels hold for him.
    sees_it: bool,
}

const HEADERS: Attack =
    Attack { name: "headers", arguments: "-H -i 2 -t GET", path: "/v1/accounts/me", within: ms(5_000), sees_it: true };

const BODY: Attack = Attack {
    name: "body",
    arguments: "-B -i 2 -s 8192 -x 10 -t POST -f application/json",
    path: "/v1/tokens",
    within: ms(30_000),
    sees_it: true,
};

/// Three requests of 60 KiB on each connection, read at 16 bytes a second.
const ANSWER: Attack = Attack {
    name: "answer",
    arguments: "-X -w 10 -y 20 -n 2 -z 32 -k 3",
    path: "/v1/openapi.json",
    within: ms(30_000),
    sees_it: false,
};

/// slowhttptest, at work.
fn start(attack: &Attack, im: &Im, folder: &Path) -> Process {
    let mut command = Command::new("slowhttptest");
    let url = format!("http://{}{}", im.server.http, attack.path);
    let lasts = (attack.within.as_secs() + 15).to_string();
    command.args(attack.arguments.split(' ')).args(["-u", &url, "-l", &lasts, "-p", "3", "-r", "200"]);
    command.args(["-c", &COUNT.to_string(), "-g", "-o"]).arg(folder.join(attack.name));
    Process::spawn("slowhttptest", command)
}

/// A second of its account: how many were closed, and how many are open.
struct Second {
    at: u64,
    closed: u64,
    open: u64,
}

#[track_caller]
fn account(attack: &Attack, folder: &Path) -> Vec<Second> {
    let table = fs::read_to_string(folder.join(attack.name).with_extension("csv")).expect("its table");
    let rows = table.lines().skip(1).map(|row| {
        let numbers: Vec<u64> = row.split(',').filter_map(|number| number.parse().ok()).collect();
        let [at, closed, pending, connected, ..] = numbers[..] else { panic!("{row:?}") };
        Second { at, closed, open: pending + connected }
    });
    rows.collect()
}

/// The attacks at one time, and somebody who asks beside them. No limit of an address: it is about those of time.
#[track_caller]
fn withstand(attacks: &[Attack]) {
    let people = People::crowd(0, &["ann"]);
    let (host, folder) = (Host::here(), Folder::new("slow"));
    let im = Im::start(None, &people, "--limits proxied");
    let before = im.memory().resident;
    let bearer = format!("authorization: Bearer {}\r\n", people.token("ann"));
    let begin = Instant::now();
    let mut running: Vec<Process> = attacks.iter().map(|attack| start(attack, &im, folder.path())).collect();
    let longest = attacks.iter().map(|attack| attack.within).max().expect("an attack");
    let (mut honest, mut worst) = (0, Duration::ZERO);
    while begin.elapsed() < longest + ms(3_000) {
        let asked = Instant::now();
        let answer = ask(place(1), im.server.http, "GET /v1/accounts/me", &bearer, "");
        assert_eq!(answer.status, 200, "{}", answer.json);
        (honest, worst) = (honest + 1, worst.max(asked.elapsed()));
        std::thread::sleep(ms(100));
    }
    let open = || im.metric(&host, "keepline_http_connections", "public");
    while open() > 2 {
        assert!(begin.elapsed() < longest + ms(10_000), "{} connections are left", open());
        std::thread::sleep(ms(200));
    }
    println!("of the server's connections none was left after {:?}", begin.elapsed());
    for process in &mut running {
        // It ends by itself as all its connections are closed; its status tells how the attack went, which we see.
        let _ = process.wait(longest + PATIENCE);
    }
    for attack in attacks {
        let account = account(attack, folder.path());
        let open = account.iter().map(|second| second.open).max().unwrap_or_default();
        let last = account.last().expect("a second");
        println!("{}: {open} of {COUNT} open at most, after {} s {} closed", attack.name, last.at, last.closed);
        assert!(open > COUNT / 2, "{}: there was no attack", attack.name);
        // It looks once a second, and ends with the first look that sees them all go.
        let in_time = last.at <= attack.within.as_secs() + 8 && last.closed > 0;
        assert!(in_time || !attack.sees_it, "{}: open after {} s", attack.name, last.at);
    }
    println!("{honest} honest requests answered, the slowest after {worst:?}");
    println!("memory +{} KiB", im.memory().peak.saturating_sub(before));
    im.stop();
}

#[test]
fn b9_headers_that_dribble_end_in_their_time_and_others_are_answered() {
    withstand(&[HEADERS]);
}

#[test]
#[ignore = "long: 40 s of slow connections"]
fn b9_slow_headers_bodies_and_readers_end_in_their_time_and_others_are_answered() {
    withstand(&[HEADERS, BODY, ANSWER]);
}
