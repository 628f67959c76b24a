//! Bearer: row C3 over HTTP: tokens of nobody, and the proxies that speak for others.

use std::net::Ipv4Addr;

use super::place::{Answer, Word, ask, login, place};
use crate::harness::{Host, Im, People};

/// So many failures of an address within a minute, and it is banned.
const FAILURES: usize = 30;

#[track_caller]
fn me(im: &Im, from: Ipv4Addr, token: &str, more: &str) -> Answer {
    ask(from, im.server.http, "GET /v1/accounts/me", &format!("authorization: Bearer {token}\r\n{more}"), "")
}

/// How many of so many tokens of nobody are looked at; the others are refused as from a banned address.
#[track_caller]
fn looked_at(im: &Im, from: Ipv4Addr, tries: usize, more: impl Fn(usize) -> String) -> usize {
    let answers = (0..tries).map(|i| me(im, from, &format!("kl_nobody{i}"), &more(i)));
    let wrong = answers.filter(|answer| match answer.status {
        401 => true,
        429 => {
            assert!(answer.retry_after.is_some_and(|wait| wait > 200), "{:?}", answer.retry_after);
            false
        }
        other => panic!("{other}: {}", answer.json),
    });
    wrong.count()
}

#[test]
fn c3_tokens_of_nobody_over_http_ban_their_address_and_no_other() {
    let (people, host) = (People::crowd(0, &["ann"]), Host::here());
    let im = Im::start(None, &people, "--limits default");
    let ann = people.token("ann");
    let wrong = looked_at(&im, place(1), FAILURES + 5, |_| String::new());
    assert_eq!(wrong, FAILURES);
    assert_eq!(me(&im, place(1), ann, "").status, 429, "her own token is not looked at from there");
    match login(place(1), &im, ann, "phone") {
        Word::Close(reason, _) => assert_eq!(reason, "rate_limited", "over a line neither"),
        other => panic!("{other:?}"),
    }
    assert_eq!(me(&im, place(2), ann, "").status, 200);
    assert_eq!(
        ask(place(1), im.server.http, "GET /v1/openapi.json", "", "").status,
        200,
        "what needs no token is there"
    );
    assert_eq!(im.metric(&host, "keepline_bans_total", "address"), 1);
    println!("of {} tokens of nobody {wrong} were looked at; wrong bans 0", FAILURES + 5);
    im.stop();
}

#[test]
fn c3_who_asks_through_a_trusted_proxy_is_banned_alone_and_nobody_else_is_believed() {
    let people = People::crowd(0, &["ann"]);
    let im = Im::start(None, &people, "--limits default --trusted-proxies 127.1.0.9");
    let (proxy, ann) = (place(9), people.token("ann"));
    let of = |client: &str| format!("x-forwarded-for: 198.51.100.1, {client}\r\n");
    assert_eq!(looked_at(&im, proxy, FAILURES + 5, |_| of("192.0.2.7")), FAILURES);
    assert_eq!(me(&im, proxy, ann, &of("192.0.2.7")).status, 429);
    assert_eq!(me(&im, proxy, ann, &of("192.0.2.8")).status, 200, "another of the same proxy");
    // Who is no proxy has his own address, whatever he says.
    assert_eq!(me(&im, place(1), ann, &of("192.0.2.7")).status, 200);
    assert_eq!(looked_at(&im, place(1), FAILURES + 5, |i| of(&format!("203.0.113.{i}"))), FAILURES);
    im.stop();
}
