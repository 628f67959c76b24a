//! Given up: row B6 over HTTP: requests whose clients go before the answer, and answers that nobody reads.

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::place::{ask, connect, place};
use crate::harness::{Host, Im, PATIENCE, People, is_long, ms};

/// HTTP connections at one time, by the server's room.
const ROOM: u64 = 1024;

/// A request whose handler has something to do: half of them hash a password of nobody.
fn request(to: SocketAddr, number: usize, bearer: &str) -> String {
    if number.is_multiple_of(2) {
        let body = format!("{{\"user\":\"nobody{number}\",\"password\":\"correct horse battery\",\"device\":\"d\"}}");
        let head = "content-type: application/json\r\n";
        return format!("POST /v1/tokens HTTP/1.1\r\nhost: {to}\r\n{head}content-length: {}\r\n\r\n{body}", body.len());
    }
    format!("GET /v1/search?query=nothing HTTP/1.1\r\nhost: {to}\r\n{bearer}\r\n")
}

/// Asks, and resets the connection at once.
fn give_up(to: SocketAddr, number: usize, bearer: &str) {
    let mut stream = connect(place(u8::try_from(number % 200).expect("few")), to);
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("an open socket");
    let _ = stream.write_all(request(to, number, bearer).as_bytes());
}

/// No limits of an address, and passwords at their cost: what was begun counts until it has ended.
#[test]
fn b6_requests_that_are_given_up_leave_a_bounded_number_of_handlers() {
    let count = if is_long() { 20_000 } else { 2_000 };
    let (people, host) = (People::crowd(0, &["ann"]), Host::here());
    let im = Im::start(None, &people, "--limits proxied");
    let bearer = format!("authorization: Bearer {}\r\n", people.token("ann"));
    let (before, begin, http) = (im.memory().resident, Instant::now(), im.server.http);
    let in_flight = || im.metric(&host, "keepline_http_in_flight", "public");
    let (next, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let (mut most, mut honest, mut worst) = (0, 0, Duration::ZERO);
    thread::scope(|scope| {
        let flood = || loop {
            let number = next.fetch_add(1, Relaxed);
            if number >= count {
                return;
            }
            give_up(http, usize::try_from(number).expect("few"), &bearer);
        };
        let floods = [scope.spawn(flood), scope.spawn(flood)];
        while !done.load(Relaxed) {
            done.store(floods.iter().all(thread::ScopedJoinHandle::is_finished), Relaxed);
            most = most.max(in_flight());
            let asked = Instant::now();
            let answer = ask(place(250), http, "GET /v1/accounts/me", &bearer, "");
            assert_eq!(answer.status, 200, "{}", answer.json);
            (honest, worst) = (honest + 1, worst.max(asked.elapsed()));
        }
    });
    let took = begin.elapsed();
    assert!(most <= ROOM, "{most} handlers at one time");
    let by = Instant::now() + PATIENCE;
    while in_flight() > 0 {
        assert!(Instant::now() < by, "handlers of nobody are left");
        thread::sleep(ms(20));
    }
    let grew = im.memory().peak.saturating_sub(before);
    println!("{count} requests given up in {took:?}: {most} handlers at most, memory +{grew} KiB");
    println!("{honest} honest requests beside them, the slowest after {worst:?}");
    // As many hashes at one time as there are cores, of 19 MiB each.
    let hashes = thread::available_parallelism().map_or(1, usize::from) as u64 * (19 << 10);
    assert!(grew < hashes + (24 << 10), "{grew} KiB, of which the hashes take {hashes}");
    im.stop();
}

/// The same for answers: each is an error, and none is read. What the kernels do not take of them keeps the server from
/// the next request.
#[test]
fn b6_invalid_requests_without_end_wait_with_their_sender_who_does_not_read() {
    const COUNT: usize = 100_000;
    const OTHERS: usize = 50;
    let (people, host) = (People::crowd(0, &["ann"]), Host::here());
    let im = Im::start(None, &people, "--limits proxied");
    let before = im.memory().resident;
    let bad = format!(
        "POST /v1/accounts HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n{{x}}",
        im.server.http
    );
    let flood = bad.repeat(COUNT);
    let mut stream = connect(place(1), im.server.http);
    // Its kernel takes next to nothing of the answers for it.
    SockRef::from(&stream).set_recv_buffer_size(4096).expect("an open socket");
    stream.set_nonblocking(true).expect("an open socket");
    let answered = || im.metric(&host, "keepline_http_requests_total", "listener=\"public\",status=\"4xx\"");
    let (mut rest, mut last, mut others) = (flood.as_bytes(), 0, 0);
    // It has come to its end once the server has answered so many others meanwhile, and none of these.
    while others < OTHERS {
        let written = match stream.write(rest) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("{error}"),
        };
        rest = &rest[written..];
        let now = answered();
        others = if now > last || written > 0 { 0 } else { others + 1 };
        last = now;
    }
    let other = ask(place(250), im.server.http, "GET /v1/openapi.json", "", "");
    assert_eq!(other.status, 200, "others are answered");
    let grew = im.memory().peak.saturating_sub(before);
    println!("of {COUNT} invalid requests {last} were answered, and none was read: memory +{grew} KiB");
    assert!(last > 0 && last < COUNT as u64, "{last} answers, of which nobody takes one");
    assert!(grew < 6 << 10, "{grew} KiB");
    im.stop();
}
