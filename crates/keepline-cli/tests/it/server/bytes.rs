//! Bytes: rows B1 to B3: lengths that announce too much, frames that are none, and anything at all on every port.

use std::io::Write as _;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use serde_json::Value;

use crate::harness::{Cast, Host, Im, PATIENCE, People, SCHEDULING, hello, is_closed, ms};

const USERS: [&str; 1] = ["ann"];

/// The hello of the vectors.
const HELLO: &str = "14 7d 4b 50 4c 31 82 01 0c 12 03 74 2d 31 1a 05 70 68 6f 6e 65";

fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).expect("the server listens")
}

/// Whether the server still does its work: a login is answered and the admin listener answers.
#[track_caller]
fn still_serves(im: &Im, host: &Host, people: &People) {
    let mut cast = Cast::new();
    let witness = cast.enter(host, Cast::options(im, people, "ann"));
    cast.up(host, &[witness]);
    assert_eq!(im.sessions(host), 1);
}

/// Sends each length from 500 sockets at once, all open until the end, and returns what that cost: KiB of address space
/// and of memory in use.
#[track_caller]
fn announce(im: &Im) -> [u64; 2] {
    // 64 KiB + 1, 8 MiB, 2 GiB - 1 and 4 GiB - 1.
    const LENGTHS: [&[u8]; 4] = [&[0x81, 0x80, 4], &[0x80, 0x80, 0x80, 4], &[0xff, 0xff, 0xff, 0xff, 7], &[0xff; 5]];
    let before = im.memory();
    let begin = Instant::now();
    let mut sockets = Vec::new();
    for length in LENGTHS {
        for _ in 0..500 {
            let mut socket = connect(im.server.tcp);
            socket.write_all(length).expect("the kernel takes it");
            sockets.push(socket);
        }
    }
    let sent = begin.elapsed();
    let after = im.memory();
    let open = sockets.iter_mut().filter_map(|socket| (!is_closed(socket, PATIENCE)).then_some(())).count();
    assert_eq!(open, 0, "lines that announced too much are open");
    println!("2,000 lengths sent in {sent:?}, all closed after {:?}; {before:?} -> {after:?}", begin.elapsed());
    let grew = |before: u64, after: u64| after.saturating_sub(before);
    [grew(before.address_space, after.address_space), grew(before.resident, after.resident)]
}

/// Nothing is set aside for what is only announced. A line's own cost is a few KiB; the least of the lengths would be
/// 64 KiB for each, and 8 MiB each are 16 GB of address space.
#[test]
fn b1_oversize_lengths_cost_no_memory() {
    let (people, host) = (People::crowd(0, &USERS), Host::here());
    let im = Im::start(None, &people, "--limits bench");
    // The allocator and the runtime take what they need for so many lines.
    announce(&im);
    let [address_space, resident] = announce(&im);
    assert!(address_space < 64 << 10, "2,000 announced lengths took {address_space} KiB of address space");
    assert!(resident < 16 << 10, "2,000 announced lengths took {resident} KiB");
    // Counted once the server has seen our end, too.
    let by = Instant::now() + PATIENCE;
    while im.metric(&host, "keepline_connections_closed_total", "") < 4000 {
        assert!(Instant::now() < by, "of 4,000 lines some were not closed with a reason");
        thread::sleep(ms(20));
    }
    still_serves(&im, &host, &people);
    im.stop();
}

/// The same under a limit of the address space that leaves room for lines and none for what they announce.
#[test]
fn b1_oversize_lengths_under_a_limit_of_the_address_space() {
    let (people, host) = (People::crowd(0, &USERS), Host::here());
    let im = Im::start(None, &people, "--limits bench");
    announce(&im);
    let room = (im.memory().address_space + (64 << 10)) << 10;
    let limit = Rlimit { current: Some(room), ..getrlimit(Resource::As) };
    prlimit(Some(im.pid()), Resource::As, limit).expect("it is our child");
    announce(&im);
    still_serves(&im, &host, &people);
    im.stop();
}

/// Every stream of the published vectors, on the real port, in one piece and byte by byte: the server closes exactly
/// those that it must, within a second, and for the reason that is written there.
#[test]
fn b2_every_published_stream_ends_as_it_must() {
    let vectors = include_str!("../../../../../docs/vectors/v1.json");
    let vectors: Value = serde_json::from_str(vectors).expect("the vectors are JSON");
    let (people, host) = (People::crowd(0, &USERS), Host::here());
    let im = Im::start(None, &people, "--limits bench");
    let mut closed = 0;
    for stream in vectors["streams"].as_array().expect("a list") {
        let mut bytes = hex(stream["hex"].as_str().expect("hex"));
        // The token of the vectors is nobody's here. A hello without any is refused, and the next frame is not seen.
        if let Some(rest) = bytes.strip_prefix(&hex(HELLO)[..]) {
            bytes = [&hello(people.token("ann")), rest].concat();
        } else if stream["frames"] != 0 || stream["cim"] == Value::Bool(false) {
            continue;
        }
        let reason = stream["closes"]["reason"].as_str();
        for pieces in [vec![&bytes[..]], bytes.chunks(1).collect()] {
            let name = &stream["name"];
            let count =
                |reason: &str| im.metric(&host, "keepline_connections_closed_total", &format!("reason=\"{reason}\""));
            let before = reason.map(count);
            let mut line = connect(im.server.tcp);
            line.set_nodelay(true).expect("an open socket");
            for piece in pieces {
                // The server may have closed the line before the last byte is out.
                let _ = line.write_all(piece);
            }
            let within = if reason.is_some() { ms(1000) + SCHEDULING } else { ms(200) };
            assert_eq!(is_closed(&mut line, within), reason.is_some(), "{name}");
            if let Some(reason) = reason {
                closed += 1;
                // The server waits a second for our end before it counts the line as closed.
                drop(line);
                let by = Instant::now() + PATIENCE;
                while Some(count(reason)) == before {
                    assert!(Instant::now() < by, "{name} was not closed as {reason}: {}", im.complaint());
                    thread::sleep(ms(5));
                }
            }
        }
    }
    println!("{closed} streams closed as they must");
    assert!(closed >= 40, "only {closed} streams were tried");
    im.stop();
}

fn hex(text: &str) -> Vec<u8> {
    text.split(' ').map(|byte| u8::from_str_radix(byte, 16).expect("a byte")).collect()
}

/// Knuth's MMIX constants; the upper bits are the random ones.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 32
    }

    /// Bytes as nobody would send them: mostly short, at times up to 64 KiB, and often with the beginning of one of the
    /// protocols that this or another server speaks.
    fn blob(&mut self) -> Vec<u8> {
        const STARTS: [&[u8]; 8] = [
            b"",
            &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03],
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /v1/accounts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            &[0x14, 0x7d, 0x4b, 0x50, 0x4c, 0x31, 0x82, 0x01, 0x0c, 0x12, 0x03],
            &[0x0b, 0x0a, 0x02, 0x7a, 0x73, 0x10, 0xff, 0xb6, 0xf0, 0x90, 0x83, 0x2d],
            &[0x0d, 0x0a, 0x02],
        ];
        let most = [16, 256, 4096, 65_536][(self.next() % 4) as usize];
        // One in four of the long ones is cut short, as the kernel copies megabytes otherwise.
        let length = self.next() % most;
        let mut blob = STARTS[(self.next() % STARTS.len() as u64) as usize].to_vec();
        blob.extend((0..length).map(|_| (self.next() & 0xff) as u8));
        blob
    }
}

/// Throws blobs at the ports in turn, from four threads.
#[track_caller]
fn throw(ports: [SocketAddr; 4], seed: u64, count: usize) {
    thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || {
                let mut dice = Dice(seed.wrapping_mul(4).wrapping_add(part));
                for number in 0..count / 4 {
                    let mut line = connect(ports[number % ports.len()]);
                    line.set_write_timeout(Some(PATIENCE)).expect("an open socket");
                    let _ = line.write_all(&dice.blob());
                    let _ = line.shutdown(Shutdown::Write);
                    assert!(
                        is_closed(&mut line, PATIENCE),
                        "the server keeps a line whose client has ended, seed {seed}"
                    );
                }
            });
        }
    });
}

/// 10,000 blobs over all four ports. The first of them warm the server up; over the rest it must not grow.
#[test]
fn b3_ten_thousand_random_blobs_on_every_port() {
    let seed = std::env::var("KEEPLINE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("seed {seed}");
    let (people, host) = (People::crowd(0, &USERS), Host::here());
    let im = Im::start(None, &people, "--limits bench");
    let ports = [im.server.tcp, im.server.http, im.cim_http, im.admin];
    throw(ports, seed, 4000);
    let before = im.memory();
    throw(ports, seed.wrapping_add(1), 6000);
    let after = im.memory();
    println!("{before:?} -> {after:?}");
    let grew = after.resident.saturating_sub(before.resident);
    assert!(grew < 8 << 10, "grew by {grew} KiB over 6,000 blobs");
    assert_eq!(im.sessions(&host), 0, "a blob has logged in");
    still_serves(&im, &host, &people);
    im.stop();
}
