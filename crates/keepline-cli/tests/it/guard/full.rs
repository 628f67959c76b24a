//! Full: row C1: a server that has no place left, and the clients that knock at it, from two processes of their own.

use std::env;
use std::fs;
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::place::{Word, first_word, knock, login, place};
use crate::harness::{Folder, Host, Im, People, Process, user};

/// What makes this binary one of the processes: its part of the clients, as [`Part`] says it.
const VARIABLE: &str = "KEEPLINE_TEST_CLIENTS";
const PROCESSES: usize = 2;
/// Addresses that one process comes from.
const ADDRESSES: usize = 16;
/// For all of one step of a process, thousands of logins included.
const STEP: Duration = Duration::from_secs(300);
/// Before what a process says itself: the test harness has lines of its own.
const DONE: &str = "clients: ";
const PING: &[u8] = b"\x07\x32\x05\x0d\x01\x02\x03\x04";
const PONG: &[u8] = b"\x07\x3a\x05\x0d\x01\x02\x03\x04";

/// The part of one process: its number, and how many clients it holds before as many others knock as it has tokens left.
struct Part {
    number: usize,
    held: usize,
    to: SocketAddr,
    tokens: Vec<String>,
}

impl Part {
    fn words(number: usize, held: usize, to: SocketAddr, tokens: &Path) -> String {
        format!("{number} {held} {to} {}", tokens.display())
    }

    fn read(words: &str) -> Self {
        let mut words = words.splitn(4, ' ');
        let mut next = || words.next().expect("four words");
        let [number, held] = [next(), next()].map(|word| word.parse().expect("a number"));
        let to = next().parse().expect("an address");
        let tokens = fs::read_to_string(next()).expect("a file of tokens");
        Self { number, held, to, tokens: tokens.lines().map(str::to_owned).collect() }
    }

    /// The life of such a process: a step for each line that it reads, and a line when that is done.
    fn live(self) {
        let mut orders = io::stdin().lock().lines();
        let mut done = |what: &str| {
            // Past the test harness, which keeps what a test prints to itself.
            writeln!(io::stdout(), "{DONE}{what}").expect("it is read");
            orders.next().is_some_and(|order| order.is_ok())
        };
        let from = |i: usize| place(u8::try_from(self.number * ADDRESSES + i % ADDRESSES).expect("few addresses"));
        let knock = |(i, token): (usize, &String)| knock(from(i), self.to, token, "phone");
        let (tokens, others) = self.tokens.split_at(self.held);
        let enter = |one| match first_word(knock(one)) {
            Word::Welcome(stream) => stream,
            other => panic!("there is room, and yet: {other:?}"),
        };
        let mut held: Vec<TcpStream> = tokens.iter().enumerate().map(enter).collect();
        assert!(done("held"));
        // All of them, before the first one listens.
        let begin = Instant::now();
        let knocking: Vec<TcpStream> = others.iter().enumerate().map(knock).collect();
        let (mut told, mut soonest, mut latest) = (0, u64::MAX, 0);
        for stream in knocking {
            match first_word(stream) {
                Word::Close(reason, wait) if reason == "server_full" => {
                    (told, soonest, latest) = (told + 1, soonest.min(wait), latest.max(wait));
                }
                other => println!("not told: {other:?}"),
            }
        }
        assert!(done(&format!("told {told} {soonest} {latest} {}", begin.elapsed().as_millis())));
        held.iter_mut().for_each(|stream| stream.write_all(PING).expect("an open line"));
        let answers = |stream: &mut TcpStream| {
            let mut pong = [0; PONG.len()];
            stream.read_exact(&mut pong).is_ok() && pong == PONG
        };
        let alive = held.iter_mut().map(answers).filter(|answers| *answers).count();
        done(&format!("alive {alive}"));
    }
}

/// As many are held as there are places; the others are told, and those who are in do not notice.
fn crowd(test: &str, held: usize, knocking: usize) {
    let (people, host, folder) = (People::crowd(held + knocking, &[]), Host::here(), Folder::new("tokens"));
    // Silence is not what this is about: the clients say nothing for as long as the others take.
    let args = format!("--limits bench --max-connections {held} --ping-after 5m --silence 15m");
    let im = Im::start(None, &people, &args);
    let mut processes: Vec<Process> = (0..PROCESSES)
        .map(|number| {
            let token = |i: usize| people.token(&user(i)).to_owned();
            let (mine, others) = (held / PROCESSES, knocking / PROCESSES);
            let tokens: Vec<String> = (number * mine..(number + 1) * mine).map(token).collect();
            let rest = (held + number * others..held + (number + 1) * others).map(token);
            let file = folder.path().join(number.to_string());
            fs::write(&file, [tokens, rest.collect()].concat().join("\n")).expect("our own folder");
            let mut command = Command::new(env::current_exe().expect("a test has a path"));
            command.args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]);
            command.env(VARIABLE, Part::words(number, mine, im.server.tcp, &file));
            Process::spawn("clients", command)
        })
        .collect();
    let mut step = |word: &str, next: bool| -> Vec<Vec<u64>> {
        let by = Instant::now() + STEP;
        let mut answers = Vec::new();
        for process in &processes {
            let line = loop {
                let line = process.next_line(by).unwrap_or_else(|| panic!("{}", process.complaint()));
                assert!(!line.text.contains("not told") && !line.text.contains("panicked"), "{}", line.text);
                if let Some(rest) = line.text.split_once(&format!("{DONE}{word}")).map(|(_, rest)| rest.to_owned()) {
                    break rest;
                }
            };
            answers.push(line.split_whitespace().map(|word| word.parse().expect("a number")).collect());
        }
        for process in &mut processes {
            if next { process.say("go on") } else { process.close_input() }
        }
        answers
    };
    // Both say when they are done, and both begin the next step then.
    step("held", true);
    assert_eq!(im.sessions(&host), held as u64);
    let told = step("told", true);
    assert_eq!(told.iter().map(|part| part[0]).sum::<u64>(), knocking as u64);
    for part in &told {
        assert!(
            5_000 <= part[1] && part[1] < part[2] && part[2] < 10_000,
            "they come again in different moments: {part:?}"
        );
    }
    let alive = step("alive", false);
    assert_eq!(alive.iter().map(|part| part[0]).sum::<u64>(), held as u64, "each has answered a ping");
    assert_eq!(im.metric(&host, "keepline_connections_refused_total", "server_full"), knocking as u64);
    assert_eq!(im.metric(&host, "keepline_accept_errors_total", ""), 0);
    let took = told.iter().map(|part| part[3]).max().unwrap_or_default();
    println!("{held} held, {knocking} told server_full within {took} ms, {held} answered afterwards");
    drop(processes);
    // The places are free again.
    im.wait_for_metric(&host, "keepline_connections ", "", |count| count == 0);
    assert!(matches!(login(place(200), &im, people.token("u0"), "phone"), Word::Welcome(_)));
    im.stop();
}

#[test]
fn c1_a_full_server_tells_who_knocks_and_keeps_who_is_in() {
    match env::var(VARIABLE) {
        Ok(words) => Part::read(&words).live(),
        Err(_) => crowd("guard::full::c1_a_full_server_tells_who_knocks_and_keeps_who_is_in", 300, 60),
    }
}

#[test]
#[ignore = "long: 18,000 clients log in"]
fn c1_eighteen_thousand_are_held_while_three_thousand_knock() {
    match env::var(VARIABLE) {
        Ok(words) => Part::read(&words).live(),
        Err(_) => crowd("guard::full::c1_eighteen_thousand_are_held_while_three_thousand_knock", 18_000, 3_000),
    }
}
