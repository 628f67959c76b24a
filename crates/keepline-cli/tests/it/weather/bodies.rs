//! Bodies: row C5 over HTTP: a server that may have 256 MiB, clients whose requests never come to their last byte, and
//! clients who ask for pages that they do not read: each would be a mebibyte, and together they are more than twice what there is.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use keepline_witness::request;
use serde_json::json;

use super::memory::deaf;
use super::sessions::End;
use crate::harness::{Cgroup, Controller, Host, Im, PATIENCE, People, Plan, ms};

const LIMIT: u64 = 256 << 20;
/// Connections of each kind, fewer than the listener takes; a page costs the server more than what it reads and forgets.
const UPLOADS: usize = 480;
const PAGES: usize = 120;
/// What is sent of a body, and how much of it comes.
const ANNOUNCED: usize = 1 << 20;
/// Messages that a page is full of.
const SAID: usize = 17;
const BYTES: usize = 60_000;
const CONVERSATION: &str = "p.eve.eve";

/// Clients who attack until they are told to stop.
#[derive(Default)]
struct Attack {
    over: AtomicBool,
    opened: AtomicU64,
}

impl Attack {
    /// Keeps so many connections, each begun like this; one that is closed is begun anew at once.
    fn keep(&self, count: usize, begin: impl Fn() -> Option<TcpStream>) {
        let mut lines: Vec<Option<TcpStream>> = (0..count).map(|_| None).collect();
        while !self.over.load(Relaxed) {
            for line in &mut lines {
                let lives = line.as_ref().is_some_and(|line| {
                    line.set_nonblocking(true).is_ok() && line.take_error().is_ok_and(|error| error.is_none())
                });
                if !lives {
                    *line = begin();
                    self.opened.fetch_add(1, Relaxed);
                }
                if self.over.load(Relaxed) {
                    return;
                }
            }
            thread::sleep(ms(20));
        }
    }
}

/// All of a body but its last byte, as far as the server takes it.
fn upload(server: SocketAddr, token: &str, body: &[u8]) -> Option<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&server, ms(5000)).ok()?;
    stream.set_write_timeout(Some(ms(2000))).ok()?;
    let head = format!(
        "POST /v1/conversations/{CONVERSATION}/messages HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {ANNOUNCED}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    // Who is refused in the middle of it has no room for it.
    stream.write_all(&body[..ANNOUNCED - 1]).ok()?;
    Some(stream)
}

/// A page that is asked for and not read.
fn page(server: SocketAddr, token: &str) -> Option<TcpStream> {
    let mut stream = deaf(server)?;
    let asked = format!(
        "GET /v1/conversations/{CONVERSATION}/messages?limit=200 HTTP/1.1\r\nhost: a\r\nauthorization: Bearer \
         {token}\r\n\r\n"
    );
    stream.write_all(asked.as_bytes()).ok()?;
    Some(stream)
}

/// What a message of this user to himself is answered, over HTTP.
#[track_caller]
fn say(im: &Im, host: &Host, people: &People, user: &str, text: &str) -> u16 {
    let (http, token, body) = (im.server.http, people.token(user).to_owned(), json!({ "text": text }));
    let path = format!("/v1/conversations/p.{user}.{user}/messages");
    let answer = host.run(async move { request(http, "POST", &path, Some(&token), Some(&body)).await });
    answer.unwrap_or_else(|error| panic!("{error}; {}", im.complaint())).status
}

#[test]
fn c5_large_requests_and_answers_cost_only_those_who_send_them() {
    let Some(group) = Cgroup::open(Controller::Memory) else { return };
    group.limit_memory(LIMIT);
    let people = People::register(&Plan { users: vec!["ann".into(), "eve".into()], ..Plan::default() });
    let host = Host::here();
    let im = Im::start_by(group.command(env!("CARGO_BIN_EXE_keepline")), &people, "--limits bench");
    let eve = people.token("eve");
    for _ in 0..SAID {
        assert_eq!(say(&im, &host, &people, "eve", &"x".repeat(BYTES)), 201);
    }
    let (attack, server, body) = (Attack::default(), im.server.http, vec![b' '; ANNOUNCED]);
    let (answered, longest) = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| attack.keep(UPLOADS / 4, || upload(server, eve, &body)));
        }
        scope.spawn(|| attack.keep(PAGES, || page(server, eve)));
        let _end = End(&attack.over);
        let (begin, mut answered, mut longest) = (Instant::now(), 0, Duration::ZERO);
        // A machine that others use may need longer until there is no room.
        let refused = || im.metric(&host, "keepline_http_requests_total", "5xx");
        while begin.elapsed() < ms(8_000) || refused() == 0 && begin.elapsed() < PATIENCE {
            let asked = Instant::now();
            assert_eq!(say(&im, &host, &people, "ann", "hello"), 201, "an honest one; {}", im.complaint());
            longest = longest.max(asked.elapsed());
            answered += 1;
            assert_eq!(group.killed(), 0, "the kernel has killed the server");
            // The pace of the conversation.
            thread::sleep(ms(100));
        }
        (answered, longest)
    });
    let refused = im.metric(&host, "keepline_http_requests_total", "5xx");
    println!(
        "{} large requests and pages, {refused} refused; {answered} of {answered} short messages answered beside them, \
         after {longest:?} at the most; {} MiB of 256 at the most; OOM kills 0",
        attack.opened.load(Relaxed),
        group.peak() >> 20,
    );
    assert!(refused > 0, "there was room for all: the test says nothing");
    // What comes first goes last: the group goes once the server is gone.
    im.stop();
    drop(group);
}
