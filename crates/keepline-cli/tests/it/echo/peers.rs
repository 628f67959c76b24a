//! The client against servers that are not ours, plain sockets: late ones, deaf ones, odd ones.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use rustix::process::Signal;

use super::Process;

/// Answers one connection as the Netty original does: an echo is written, and leaves with the next pong.
fn hoard(listener: &TcpListener) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    let mut waiting = Vec::new();
    while let Some(frame) = frame(&mut stream) {
        if frame[4] == 1 {
            waiting.extend_from_slice(b"\0\0\0\x05\x02");
            stream.write_all(&waiting)?;
            waiting.clear();
        } else {
            waiting.extend_from_slice(&frame);
        }
    }
    Ok(())
}

/// The next frame; `None` at the end.
fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut frame = length.to_vec();
    frame.resize(u32::from_be_bytes(length) as usize, 0);
    stream.read_exact(&mut frame[4..]).ok()?;
    Some(frame)
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    (listener, address)
}

#[test]
fn late_echoes_are_waited_for_and_hold_up_no_message() {
    let (listener, address) = listen();
    thread::spawn(move || hoard(&listener));
    let client = Process::start(&format!(
        "echo connect {address} --json --messages 3 --gap 0s..0s --all-idle 1s --pong-timeout 1s"
    ));
    let client = client.end();
    assert_eq!(client.code, Some(0), "{client:#?}");
    let counts = client.closed();
    assert_eq!((&counts["echoes"], &counts["pings"], &counts["resent"]), (&3.into(), &1.into(), &0.into()));
    let order: Vec<_> = client.events().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect();
    let order: Vec<_> =
        order.iter().filter(|name| ["message", "ping", "echo", "pong"].contains(&name.as_str())).collect();
    assert_eq!(order, ["message", "message", "message", "ping", "echo", "echo", "echo", "pong"]);
}

#[test]
fn a_server_that_answers_pings_and_no_message_is_given_up() {
    let (listener, address) = listen();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while let Some(frame) = frame(&mut stream) {
            if frame[4] == 1 {
                stream.write_all(b"\0\0\0\x05\x02").unwrap();
            }
        }
    });
    let client = Process::start(&format!(
        "echo connect {address} --json --messages 2 --gap 0s..0s --all-idle 1s --pong-timeout 1s"
    ));
    let client = client.end();
    assert_eq!(client.code, Some(1), "{client:#?}");
    let counts = client.closed();
    assert_eq!((&counts["messages"], &counts["echoes"]), (&2.into(), &0.into()));
    assert!(counts["pongs"].as_u64() >= Some(2), "it waited for what a pong would have brought: {counts}");
}

#[test]
fn what_a_lost_line_took_with_it_is_sent_again() {
    let (listener, address) = listen();
    thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        // Both messages have arrived, and neither is answered: the client can't know.
        frame(&mut first).zip(frame(&mut first)).unwrap();
        drop(first);
        let (mut second, _) = listener.accept().unwrap();
        while let Some(frame) = frame(&mut second) {
            second.write_all(&frame).unwrap();
        }
    });
    let client = Process::start(&format!(
        "echo connect {address} --json --messages 2 --gap 0s..0s --retry-base 10ms --retry-cap 20ms"
    ));
    let client = client.end();
    assert_eq!(client.code, Some(0), "{client:#?}");
    let counts = client.closed();
    let got = ["messages", "resent", "echoes", "reconnects"].map(|name| counts[name].as_u64().unwrap());
    assert_eq!(got, [2, 2, 2, 1], "{counts}");
}

#[test]
fn an_answer_with_another_text_is_no_echo() {
    let (listener, address) = listen();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        frame(&mut stream).unwrap();
        stream.write_all(b"\0\0\0\x08\x03odd").unwrap();
        while frame(&mut stream).is_some() {}
    });
    let client = Process::start(&format!("echo connect {address} --json --messages 1 --gap 0s..0s")).end();
    assert_eq!(client.code, Some(1), "{client:#?}");
    let unasked = client.events().into_iter().find(|line| line["event"] == "unasked").expect("the odd answer");
    assert_eq!(unasked["text"], "odd");
    assert_eq!(client.closed()["echoes"], 0);
}

#[test]
fn a_bad_length_closes_for_good_or_is_skipped_as_netty_does() {
    for (flag, code) in [("", 1), ("--netty-compatible", 0)] {
        let (listener, address) = listen();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            while let Some(frame) = frame(&mut stream) {
                stream.write_all(&[&[0, 0, 0, 3], &frame[..]].concat()).unwrap();
            }
        });
        let client = Process::start(&format!("echo connect {address} --json --messages 1 --gap 0s..0s {flag}")).end();
        assert_eq!(client.code, Some(code), "{flag}: {client:#?}");
        let reason = if code == 0 { "bye" } else { "protocol_error" };
        assert_eq!(client.closed()["reason"], reason, "{flag}");
    }
}

#[test]
fn without_a_pong_timeout_a_deaf_server_is_pinged_for_ever() {
    // Its kernel takes connections and bytes; nobody ever answers.
    let (_deaf, address) = listen();
    let client =
        Process::start(&format!("echo connect {address} --json --messages 0 --all-idle 200ms --pong-timeout off"));
    for count in 1..=4 {
        assert_eq!(client.event("ping")["count"], count);
    }
    client.signal(Signal::INT);
    let client = client.end();
    assert_eq!(client.closed()["reconnects"], 0, "{client:#?}");
    let ends = client.events().into_iter().filter(|line| line["event"] == "down");
    assert_eq!(ends.map(|line| line["reason"].clone()).collect::<Vec<_>>(), ["bye"], "{client:#?}");
}
