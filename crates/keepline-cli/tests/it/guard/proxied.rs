//! Proxied: a HAProxy in front of the long connections, and whose address counts behind it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Instant;

use super::place::{Word, connect, first_word, knock, place};
use crate::harness::{Folder, Host, Im, PATIENCE, People, Process, is_closed, ms};

/// Where the proxy's own connections come from.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);

/// A HAProxy with a door for each version of the PROXY protocol.
struct Proxy {
    _process: Process,
    _folder: Folder,
    doors: [SocketAddr; 2],
}

impl Proxy {
    #[track_caller]
    fn start(server: SocketAddr) -> Self {
        // Their ports are free, and nobody else is told of them until they listen.
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let doors = [free(), free()].map(|address| address.expect("a free port"));
        let door = |door: SocketAddr, sends: &str| {
            format!("listen {sends}\n    bind {door}\n    server keepline {server} {sends} source {PROXY}\n")
        };
        let config = format!(
            "global\n    maxconn 200\ndefaults\n    mode tcp\n    timeout connect 5s\n    timeout client 1m\n    \
             timeout server 1m\n{}{}",
            door(doors[0], "send-proxy"),
            door(doors[1], "send-proxy-v2")
        );
        let folder = Folder::new("haproxy");
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, config).expect("a file of our own");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("haproxy");
        command.env("PATH", format!("{path}:/usr/sbin")).args(["-db", "-f"]).arg(&file);
        let process = Process::spawn("haproxy", command);
        let by = Instant::now() + PATIENCE;
        while doors.iter().any(|door| TcpStream::connect(door).is_err()) {
            assert!(Instant::now() < by, "it does not listen; {}", process.complaint());
            thread::sleep(ms(20));
        }
        Self { _process: process, _folder: folder, doors }
    }
}

#[test]
fn c4_behind_a_proxy_that_names_them_clients_have_limits_and_bans_of_their_own() {
    let (people, host) = (People::crowd(0, &["ann", "bob"]), Host::here());
    let im = Im::start(None, &people, &format!("--limits default --proxy-protocol {PROXY}/32"));
    let proxy = Proxy::start(im.server.tcp);
    let enter = |from: u8, door: usize, token: &str| first_word(knock(place(from), proxy.doors[door], token, "phone"));
    for door in 0..2 {
        let word = enter(1, door, people.token("ann"));
        assert!(matches!(word, Word::Welcome(_)), "version {}: {word:?}; {}", door + 1, im.complaint());
        let listed = im.ask_admin(&host, "/sessions");
        assert!(listed.contains("\"127.1.0.1:"), "version {}: {listed}", door + 1);
        assert!(!listed.contains(&format!("\"{PROXY}")), "{listed}");
    }
    for guess in 0..30 {
        let word = enter(2, 1, "nobody's token");
        assert!(matches!(&word, Word::Close(reason, _) if reason == "auth_failed"), "guess {guess}: {word:?}");
    }
    let word = enter(2, 0, people.token("bob"));
    assert!(matches!(&word, Word::Close(reason, wait) if reason == "rate_limited" && *wait > 200_000), "{word:?}");
    let word = enter(3, 0, people.token("bob"));
    assert!(matches!(word, Word::Welcome(_)), "another client of the same proxy: {word:?}");

    // Who is where the proxy is, and says for nobody that he speaks.
    let mut bare = knock(PROXY, im.server.tcp, people.token("ann"), "phone");
    assert!(is_closed(&mut bare, PATIENCE));
    assert!(is_closed(&mut connect(PROXY, im.server.tcp), PATIENCE), "nor who says nothing");
    let log = im.log();
    assert!(log.contains("without a PROXY header is closed"), "{log}");
    im.stop();
}
