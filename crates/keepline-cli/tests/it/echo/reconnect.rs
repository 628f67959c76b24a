//! The list of servers: in order, and on to the next at once.

use std::net::TcpListener;

use super::{Process, Server};

#[test]
fn the_next_server_is_tried_at_once() {
    // A port that was free a moment ago.
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start("");
    let alive = server.address;
    let client = Process::start(&format!(
        "echo connect {dead} {alive} --json --messages 1 --gap 0s..0s --retry-base 1h --retry-cap 1h"
    ));
    let client = client.end();
    assert_eq!(client.code, Some(0), "{client:#?}");
    let steps: Vec<_> = client
        .events()
        .iter()
        .filter(|line| line["endpoint"].is_string())
        .map(|line| (line["event"].as_str().unwrap().to_owned(), line["endpoint"].as_str().unwrap().to_owned()))
        .collect();
    let want = [("connecting", dead), ("failed", dead), ("connecting", alive), ("up", alive)];
    assert_eq!(steps, want.map(|(event, address)| (event.to_owned(), address.to_string())));
    assert_eq!(client.events().iter().find(|line| line["event"] == "failed").unwrap()["next_try_ms"], 0);
}
