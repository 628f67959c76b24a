//! Tickets: row D3 and cim's flaw 20: who may connect as a user of cim's, from where, and how often.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use serde_json::json;

use super::place::{connect, place, post};
use crate::harness::{Host, Im, Net, PATIENCE, People, Plan, is_closed, ms};

/// cim's LOGIN of 2.x: a number and its name.
fn login_frame(id: i64, name: &str) -> Vec<u8> {
    let mut body = vec![0x0a, u8::try_from(name.len()).expect("a short name")];
    body.extend_from_slice(name.as_bytes());
    body.push(0x10);
    let mut rest = id.cast_unsigned();
    while rest >= 0x80 {
        body.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    body.push(rest as u8);
    body.insert(0, u8::try_from(body.len()).expect("a short frame"));
    body
}

#[track_caller]
fn enter(from: Ipv4Addr, to: SocketAddr, id: i64, name: &str) -> TcpStream {
    let mut stream = connect(from, to);
    let _ = stream.write_all(&login_frame(id, name));
    stream
}

fn people() -> People {
    People::register(&Plan { cim: ["ann", "bob"].map(str::to_owned).to_vec(), ..Plan::default() })
}

#[test]
fn d3_a_login_of_cim_is_good_for_who_asked_for_it_and_once() {
    let (people, host) = (people(), Host::here());
    let im = Im::start(None, &people, "--limits default");
    let ann = people.number("ann");
    let ask = |from: u8| {
        let json = json!({ "userId": ann, "userName": "ann" });
        post(place(from), im.server.http, "/login", &json).json["code"].as_str().expect("a code").to_owned()
    };
    let logins =
        |outcome: &str| im.metric(&host, "keepline_logins_total", &format!("dialect=\"cim\",outcome=\"{outcome}\""));
    let refused = |from: u8, what: &str| {
        let before = logins("auth_failed");
        assert!(is_closed(&mut enter(place(from), im.server.tcp, ann, "ann"), PATIENCE), "{what}");
        im.wait_for_metric(&host, "keepline_logins_total", "dialect=\"cim\",outcome=\"auth_failed\"", |count| {
            count > before
        });
    };
    refused(1, "without asking");
    assert_eq!(ask(1), "9000");
    refused(2, "from another address");
    let mut first = enter(place(1), im.server.tcp, ann, "ann");
    im.wait_for_metric(&host, "keepline_logins_total", "dialect=\"cim\",outcome=\"accepted\"", |count| count >= 1);
    // Captured, and said again twice at once.
    refused(1, "a second time");
    refused(1, "a third time");
    assert!(!is_closed(&mut first, ms(300)), "who is in stays");
    assert_eq!(ask(1), "5000", "who is in is not taken over by asking again");
    refused(1, "after an answer that gave no address");
    println!("replayed logins accepted: 0 of 5");
    im.stop();
}

#[test]
fn d3_cim_is_spoken_with_this_machine_and_the_networks_that_are_named() {
    let Some(net) = Net::open() else { return };
    for (named, serves) in [("192.0.2.0/24", false), ("10.99.0.0/16", true)] {
        let people = people();
        let im = Im::start(Some(&net.far), &people, &format!("--limits bench --cim-from {named}"));
        let (home, near) = (Host::of(&net.far), Host::of(&net.near));
        let (ann, to, http) =
            (people.number("ann"), im.by_cable, SocketAddr::new(im.by_cable.ip(), im.server.http.port()));
        let mut stream = net.near.enter(|| TcpStream::connect(to).expect("it listens"));
        let _ = stream.write_all(&login_frame(ann, "ann"));
        if serves {
            im.wait_for_metric(&home, "keepline_logins_total", "accepted", |count| count >= 1);
        } else {
            assert!(is_closed(&mut stream, PATIENCE), "a stranger of {named}");
            im.wait_for_metric(&home, "keepline_connections_closed_total", "protocol_error", |count| count >= 1);
            assert_eq!(im.metric(&home, "keepline_logins_total", "dialect=\"cim\""), 0, "before anything");
        }
        let ask = async move { keepline_witness::request(http, "POST", "/onlineUser", None, Some(&json!({}))).await };
        let status = near.run(ask).expect("an answer").status;
        assert_eq!(status, if serves { 200 } else { 404 }, "cim's endpoints for {named}");
        im.stop();
    }
}
