//! Cim, cut: row A1 for clients of cim, which acknowledge nothing: what was only written to their sockets comes again.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use keepline_witness::request;
use serde_json::{Value, json};

use crate::harness::{Host, Im, Namespace, Net, PATIENCE, People, Plan, SCHEDULING, SLOT, ms};

/// cim's own limit.
const LIMIT: Duration = ms(33_000);

/// A client of cim 2.1, logged in.
struct Client(TcpStream);

impl Client {
    fn login(place: &Namespace, server: SocketAddr, name: &str, number: i64) -> Self {
        let mut stream = place.enter(|| TcpStream::connect(server)).expect("the server listens");
        // Fields 1 and 2: the name, and the number. The command of a login is 0, and left out.
        let mut login = vec![0x0a, u8::try_from(name.len()).expect("a short name")];
        login.extend_from_slice(name.as_bytes());
        login.push(0x10);
        let mut rest = u64::try_from(number).expect("a number above 0");
        while rest > 0x7f {
            login.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        login.push(rest as u8);
        login.insert(0, u8::try_from(login.len()).expect("a short frame"));
        stream.write_all(&login).expect("an open socket");
        Self(stream)
    }

    /// Reads until all of these texts have come, and returns everything that has.
    #[track_caller]
    fn read(&mut self, texts: &[&str]) -> String {
        let mut got = Vec::new();
        self.0.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        loop {
            let all = String::from_utf8_lossy(&got).into_owned();
            if texts.iter().all(|text| all.contains(text)) {
                return all;
            }
            let mut buffer = [0; 4096];
            let read = self.0.read(&mut buffer).unwrap_or_else(|error| panic!("{error}; not {texts:?} but {all:?}"));
            assert!(read > 0, "the server ends the line; not {texts:?} but {all:?}");
            got.extend_from_slice(&buffer[..read]);
        }
    }

    /// Nothing more comes for a while.
    #[track_caller]
    fn is_quiet(&mut self) {
        self.0.set_read_timeout(Some(ms(300))).expect("an open socket");
        let mut buffer = [0; 4096];
        match self.0.read(&mut buffer) {
            Ok(read) => panic!("more came: {:?}", String::from_utf8_lossy(&buffer[..read])),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
}

/// Sends by cim's route, and returns the code of the answer: 9000 pushed, 7000 kept for later.
#[track_caller]
fn route(im: &Im, home: &Host, from: i64, to: i64, text: &str) -> String {
    let (http, body) = (im.server.http, json!({"userId": from, "receiveUserId": to, "msg": text}));
    let answer = home.run(async move { request(http, "POST", "/p2pRoute", None, Some(&body)).await });
    let answer: Value = answer.expect("an answer").json();
    answer["code"].as_str().unwrap_or_else(|| panic!("no code in {answer}")).to_owned()
}

/// Waits until what was pushed counts as arrived.
fn arrived(im: &Im, home: &Host) {
    let by = Instant::now() + PATIENCE;
    while !im.all_caught_up(home) {
        assert!(Instant::now() < by, "what the peer's kernel has does not count as arrived");
        std::thread::sleep(ms(5));
    }
}

/// Two are cut off, and are written to: the sockets take it, the peers don't. One comes back from elsewhere at once;
/// the other is evicted first. Both get at LOGIN what never arrived, each text once, and nothing that had.
#[test]
fn a1_what_was_written_to_a_half_open_client_of_cim_comes_again_at_its_login() {
    let Some(net) = Net::open() else { return };
    let plan = Plan { cim: ["ann", "bob", "cat"].map(str::to_owned).to_vec(), ..Plan::default() };
    let people = People::register(&plan);
    let home = Host::of(&net.far);
    let im = Im::start(Some(&net.far), &people, "--limits bench");
    let [ann, bob, cat] = ["ann", "bob", "cat"].map(|name| people.number(name));
    let mut early = Client::login(&net.near, im.by_cable, "ann", ann);
    let mut late = Client::login(&net.near, im.by_cable, "bob", bob);
    while im.sessions(&home) < 2 {
        std::thread::sleep(ms(5));
    }
    for (to, client) in [(ann, &mut early), (bob, &mut late)] {
        assert_eq!(route(&im, &home, cat, to, "before the cut"), "9000");
        client.read(&["before the cut"]);
    }
    arrived(&im, &home);

    net.near.deafen();
    net.near.gag();
    let since = Instant::now();
    for to in [ann, bob] {
        for text in ["into the void 1", "into the void 2"] {
            assert_eq!(route(&im, &home, cat, to, text), "9000", "the server can't know yet");
        }
    }
    assert_eq!(net.far.unacknowledged(im.by_cable.port()), 2, "both half-open sockets hold what was written");
    let mut elsewhere = Client::login(&net.far, im.server.tcp, "ann", ann);
    let got = elsewhere.read(&["into the void 1", "into the void 2"]);
    once(&got);
    elsewhere.is_quiet();

    let end = loop {
        let end = im.session_end(LIMIT + PATIENCE);
        if end.user == format!("cim-{bob}") {
            break end;
        }
    };
    assert!(end.reason.starts_with("silent") && end.silence >= LIMIT, "{end:?}");
    let took = end.at.saturating_duration_since(since);
    assert!(took < LIMIT + SLOT + SCHEDULING, "evicted after {took:?}");
    assert_eq!(route(&im, &home, cat, bob, "into the void 3"), "7000", "offline at once");
    drop((early, late));
    net.near.heal();
    let mut back = Client::login(&net.near, im.by_cable, "bob", bob);
    once(&back.read(&["into the void 1", "into the void 2", "into the void 3"]));
    back.is_quiet();
    println!("a half-open client of cim: evicted after {took:?}, all came again");
    im.stop();
}

#[track_caller]
fn once(got: &str) {
    assert!(!got.contains("before the cut"), "what had arrived came again: {got:?}");
    for text in ["into the void 1", "into the void 2"] {
        assert_eq!(got.matches(text).count(), 1, "{got:?}");
    }
}
