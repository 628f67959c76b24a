//! Both ends are ours: what one counts, the other counts too.

use rustix::process::Signal;

use super::{Process, Server};

#[test]
fn all_echoes_come_and_the_counts_agree() {
    let server = Server::start("");
    let client =
        Process::start(&format!("echo connect {} --json --messages 3 --gap 0s..50ms --seed 1", server.address));
    let client = client.end();
    assert_eq!(client.code, Some(0), "{client:#?}");
    let texts = |event: &str| -> Vec<String> {
        let events = client.events().into_iter().filter(|line| line["event"] == event);
        events.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts("message"), ["client msg 0", "client msg 1", "client msg 2"]);
    assert_eq!(texts("echo"), texts("message"));
    let (client, server) = (client.closed(), server.stop().closed());
    for (name, want) in [("messages", 3), ("echoes", 3), ("pings", 0), ("pongs", 0), ("reconnects", 0), ("resent", 0)] {
        assert_eq!(client[name], want, "{name} of {client}");
    }
    for (name, want) in [("connections", 1), ("echoes", 3), ("pings", 0), ("pongs", 0), ("evictions", 0)] {
        assert_eq!(server[name], want, "{name} of {server}");
    }
}

#[test]
fn a_quiet_line_is_pinged_and_kept_and_ctrl_c_tells_the_counts() {
    let server = Server::start("--reader-idle 10s");
    let client =
        Process::start(&format!("echo connect {} --json --messages 0 --all-idle 1s --pong-timeout 1s", server.address));
    for count in 1..=2 {
        assert_eq!(client.event("ping")["count"], count);
        client.event("pong");
    }
    client.signal(Signal::INT);
    let client = client.end();
    assert_eq!(client.code, Some(0), "nothing was to be sent: {client:#?}");
    let (client, server) = (client.closed(), server.stop().closed());
    assert!(client["pings"].as_u64() >= Some(2), "{client}");
    assert_eq!(client["pings"], server["pings"], "a ping that was sent has arrived, whenever the client ended");
    assert_eq!(server["pings"], server["pongs"]);
    assert_eq!(server["evictions"], 0);
}

#[test]
fn the_quiet_server_counts_as_the_telling_one_does() {
    let server = Server::start("--log quiet --workers 2");
    let client = Process::start(&format!("echo connect {} --log quiet --messages 500 --gap 0s..0s", server.address));
    let client = client.end();
    assert_eq!(client.code, Some(0), "{client:#?}");
    assert_eq!(client.out, ["closed: messages 500, echoes 500, pings 0, pongs 0, reconnects 0, resent 0"]);
    let server = server.stop();
    assert_eq!(server.out.len(), 2, "the address and the counts: {server:#?}");
    assert_eq!((&server.closed()["connections"], &server.closed()["echoes"]), (&1.into(), &500.into()));
}

#[test]
fn a_person_is_told_which_process_to_freeze_and_a_script_is_not() {
    for (style, told) in [("friendly", true), ("quiet", false)] {
        let server = Process::start(&format!("echo serve --listen 127.0.0.1:0 --log {style}"));
        let pid = server.pid();
        server.out("first line", |line| line.starts_with("listening on 127.0.0.1:"));
        server.signal(Signal::TERM);
        let lines = server.end().out;
        let wanted = format!("pid {pid}: freeze me with `kill -STOP {pid}`, then -CONT");
        assert_eq!(lines[1] == wanted, told, "--log {style}: {lines:#?}");
        assert_eq!(lines.len(), if told { 3 } else { 2 }, "--log {style}: {lines:#?}");
    }
}
