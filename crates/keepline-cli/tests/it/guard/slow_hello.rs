//! Slow hello: rows A9 and A10: sockets that send a byte a second, before a login and in a frame after it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::place::{Word, connect, login, place};
use crate::harness::{Im, People, SCHEDULING, SLOT, hello, ms, user};

/// From accept to the login, and to the end of HTTP's headers.
const LOGIN: Duration = ms(10_000);
const HEADERS: Duration = ms(5_000);
/// Of each address: as many as it may open at once.
const EACH: usize = 50;
const HONEST: usize = 40;

/// What is sent, a byte a second.
struct Slow {
    what: &'static str,
    bytes: Vec<u8>,
    sockets: usize,
    /// Seconds without a byte before them: what is begun late has no time of its own.
    after: usize,
    within: Duration,
    /// Where bytes are no frame at all the line may end sooner.
    exactly: bool,
}

/// A socket, and when it was closed.
struct Held {
    stream: TcpStream,
    opened: Instant,
    closed: Option<Duration>,
    sent: usize,
}

impl Held {
    /// Sends the next byte, and looks whether it was closed.
    fn turn(&mut self, bytes: &[u8]) {
        let byte = bytes.get(self.sent).copied().unwrap_or(b'a');
        self.sent += 1;
        let _ = self.stream.write_all(&[byte]);
    }

    fn look(&mut self) {
        let mut buffer = [0; 256];
        match self.stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(count) if count > 0 => {}
            Ok(_) | Err(_) => self.closed = Some(self.opened.elapsed()),
        }
    }
}

/// Opens the sockets from many addresses, and sends to each a byte a second, until all are closed.
fn hold(to: SocketAddr, first: u8, slow: &Slow) -> Vec<Duration> {
    let mut held: Vec<Held> = (0..slow.sockets)
        .map(|i| {
            let from = place(first + u8::try_from(i / EACH).expect("few addresses"));
            let opened = Instant::now();
            let stream = connect(from, to);
            stream.set_nonblocking(true).expect("an open socket");
            Held { stream, opened, closed: None, sent: 0 }
        })
        .collect();
    let begin = Instant::now();
    while held.iter().any(|socket| socket.closed.is_none()) {
        assert!(begin.elapsed() < slow.within * 3, "{}: some are never closed", slow.what);
        for socket in held.iter_mut().filter(|socket| socket.closed.is_none()) {
            socket.look();
            if socket.closed.is_none() && socket.opened.elapsed().as_secs() as usize >= slow.after + socket.sent {
                socket.turn(&slow.bytes);
            }
        }
        thread::sleep(ms(20));
    }
    held.into_iter().filter_map(|socket| socket.closed).collect()
}

#[test]
fn a9_two_thousand_slow_sockets_end_at_their_deadline_while_others_log_in() {
    let people = People::crowd(HONEST, &[]);
    let im = Im::start(None, &people, "--limits default");
    let before = im.memory().resident;
    let tls = [&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3][..], &[7; 64]].concat();
    let http = b"GET /v1/openapi.json HTTP/1.1\r\nhost: localhost\r\nx-slow: aaaaaaaaaaaaaaaaaaaaaaaa".to_vec();
    let slow = [
        Slow { what: "hello of TLS", bytes: tls, sockets: 500, after: 0, within: LOGIN, exactly: false },
        Slow {
            what: "hello of ours",
            bytes: hello(people.token("u0")),
            sockets: 1000,
            after: 5,
            within: LOGIN,
            exactly: true,
        },
        Slow { what: "headers of HTTP", bytes: http, sockets: 500, after: 0, within: HEADERS, exactly: true },
    ];
    let places = [20, 40, 80];
    let (peak, ages, worst) = thread::scope(|scope| {
        let holders: Vec<_> = slow
            .iter()
            .zip(places)
            .map(|(slow, first)| {
                let to = if slow.within == HEADERS { im.server.http } else { im.server.tcp };
                scope.spawn(move || hold(to, first, slow))
            })
            .collect();
        let (mut peak, mut worst, mut next) = (0, Duration::ZERO, 0);
        while holders.iter().any(|holder| !holder.is_finished()) {
            let begin = Instant::now();
            let word = login(
                place(u8::try_from(next % HONEST).expect("few")),
                &im,
                people.token(&user(next % HONEST)),
                "phone",
            );
            assert!(matches!(word, Word::Welcome(_)), "an honest login: {word:?}");
            worst = worst.max(begin.elapsed());
            next += 1;
            peak = peak.max(im.memory().resident);
            thread::sleep(ms(100));
        }
        let ages: Vec<_> = holders.into_iter().map(|holder| holder.join().expect("no panic")).collect();
        println!("{next} honest logins, the slowest took {worst:?}");
        (peak, ages, worst)
    });
    for (slow, mut ages) in slow.iter().zip(ages) {
        ages.sort_unstable();
        let (first, last) = (ages[0], ages[ages.len() - 1]);
        println!("{} of {}: closed after {first:?} to {last:?}", ages.len(), slow.what);
        // Our own look is late by a turn over all sockets.
        assert!(last < slow.within + SLOT + SCHEDULING + ms(1500), "{}: {last:?}", slow.what);
        assert!(!slow.exactly || first >= slow.within, "{}: {first:?}", slow.what);
    }
    let each = peak.saturating_sub(before) as f64 / 2000.0;
    println!("memory {before} -> {peak} KiB: {each:.1} KiB for each");
    assert!(each < 16.0, "{each} KiB for each slow socket");
    assert!(worst < ms(3000), "{worst:?}");
    im.stop();
}

/// A frame that was begun after the login has its own time; only a whole one is life.
#[test]
fn a10_a_frame_of_a_byte_a_second_ends_its_line() {
    let people = People::crowd(1, &[]);
    let im = Im::start(None, &people, "--limits default");
    let Word::Welcome(mut stream) = login(place(0), &im, people.token("u0"), "phone") else { panic!("it is let in") };
    stream.set_nonblocking(true).expect("an open socket");
    // 60 KiB are announced.
    stream.write_all(&[0x80, 0xe0, 0x03]).expect("the kernel takes it");
    let mut held = Held { stream, opened: Instant::now(), closed: None, sent: 0 };
    while held.closed.is_none() {
        held.look();
        if held.opened.elapsed().as_secs() as usize >= held.sent {
            held.turn(&[]);
        }
        assert!(held.opened.elapsed() < ms(40_000), "it is never closed");
        thread::sleep(ms(10));
    }
    let end = im.session_end(ms(5000));
    assert!(end.reason.starts_with("frame_timeout"), "{end:?}");
    println!("closed after {:?}", held.closed.expect("it is"));
    im.stop();
}
