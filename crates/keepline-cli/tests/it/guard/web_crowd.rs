//! Web crowd: row C4 over HTTP: one address that takes all the connections it can get, and others beside it.

use std::net::TcpStream;
use std::time::Instant;

use super::place::{answer, ask, connect, place};
use crate::harness::{Host, Im, People, ms};

/// Connections of the one address.
const GREEDY: u64 = 400;

#[test]
fn c4_one_address_can_not_take_http_from_others() {
    let (people, host) = (People::crowd(0, &["ann"]), Host::here());
    let im = Im::start(None, &people, "--limits default");
    let begin = Instant::now();
    let silent: Vec<TcpStream> = (0..GREEDY).map(|_| connect(place(200), im.server.http)).collect();
    for i in 0..50 {
        let honest = ask(place(i), im.server.http, "GET /v1/accounts/me", &bearer(&people), "");
        assert_eq!(honest.status, 200, "honest {i}: {}", honest.json);
    }
    im.wait_for_metric(&host, "keepline_http_refused_total", "rate_limited", |count| count >= GREEDY - 64);
    let took = begin.elapsed();
    let admitted = GREEDY - im.metric(&host, "keepline_http_refused_total", "listener=\"public\"");
    assert!((50..=64).contains(&admitted), "{admitted} of one address, in {took:?}");
    let mut told = 0;
    for mut stream in silent {
        stream.set_nonblocking(true).expect("an open socket");
        if stream.peek(&mut [0]).is_ok_and(|count| count > 0) {
            stream.set_nonblocking(false).expect("an open socket");
            let answer = answer(&mut stream);
            assert_eq!((answer.status, answer.retry_after), (429, Some(1)), "{}", answer.json);
            assert_eq!(answer.json["error"]["code"], "rate_limited");
            told += 1;
        }
    }
    assert!(told >= GREEDY - 64, "{told} were told");
    println!(
        "of {GREEDY} connections of one address {admitted} were let in, {told} told 429; of 50 others 50 answered"
    );
    // Once it has rested it is served again.
    let by = Instant::now() + ms(30_000);
    while ask(place(200), im.server.http, "GET /v1/accounts/me", &bearer(&people), "").status != 200 {
        assert!(Instant::now() < by, "it is never served again");
        std::thread::sleep(ms(100));
    }
    im.stop();
}

fn bearer(people: &People) -> String {
    format!("authorization: Bearer {}\r\n", people.token("ann"))
}
