//! Bad logins: row C3: wrong passwords, a device that comes again and again, and a ninth device.

use std::time::Instant;

use serde_json::json;

use super::place::{Answer, PASSWORD, Word, login, place, post};
use crate::harness::{Host, Im, PATIENCE, People, ms};

#[track_caller]
fn token(im: &Im, from: u8, user: &str, password: &str, device: &str) -> Answer {
    let credentials = json!({ "user": user, "password": password, "device": device });
    let by = Instant::now() + PATIENCE;
    loop {
        let answer = post(place(from), im.server.http, "/v1/tokens", &credentials);
        // Of its connections, which are more than a person's: the guard has not heard of it yet.
        let turned_away = answer.json["error"]["message"] == "too many connections from your address";
        if !turned_away || Instant::now() > by {
            return answer;
        }
        std::thread::sleep(ms(60));
    }
}

#[test]
fn c3_who_guesses_is_banned_and_nobody_else() {
    let people = People::crowd(10, &["ann", "bob"]);
    let im = Im::start(None, &people, "--limits default");
    let mut let_through = 0;
    for _ in 0..30 {
        let answer = token(&im, 1, "ann", "a wrong password", "laptop");
        match answer.status {
            401 => let_through += 1,
            429 => {
                assert!((290..=300).contains(&answer.retry_after.expect("a time")), "{:?}", answer.retry_after);
                assert_eq!(answer.json["error"]["code"], "rate_limited");
            }
            other => panic!("{other}: {}", answer.json),
        }
    }
    assert_eq!(let_through, 5, "of one user from one address");
    assert_eq!(token(&im, 1, "ann", PASSWORD, "laptop").status, 429, "her own password is not looked at from there");
    assert_eq!(token(&im, 2, "ann", PASSWORD, "laptop").status, 201, "from elsewhere it is");
    assert_eq!(token(&im, 1, "bob", PASSWORD, "laptop").status, 201, "another user from that address enters");
    assert!(matches!(login(place(1), &im, people.token("bob"), "phone"), Word::Welcome(_)), "over a line too");

    let mut more = 0;
    for i in 0..40 {
        let user = format!("u{}", i % 10);
        more += u32::from(token(&im, 1, &user, "a wrong password", "laptop").status == 401);
    }
    assert_eq!(let_through + more, 30, "of one address");
    assert_eq!(token(&im, 1, "bob", PASSWORD, "laptop").status, 429);
    match login(place(1), &im, people.token("bob"), "phone") {
        Word::Close(reason, wait) => {
            assert_eq!(reason, "rate_limited");
            assert!((200_000..=300_000).contains(&wait), "{wait} ms");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(login(place(2), &im, people.token("bob"), "phone"), Word::Welcome(_)));
    let metric = |name: &str, of: &str| im.metric(&Host::here(), name, of);
    assert_eq!(metric("keepline_bans_total", "user"), 1);
    assert_eq!(metric("keepline_bans_total", "address"), 1);
    assert!(metric("keepline_guard_refused_total", "address") >= 2);
    println!("of 71 wrong passwords {} were looked at; wrong bans 0", let_through + more);
    im.stop();
}

#[test]
fn c3_a_device_that_comes_again_and_again_is_told_when_to_come() {
    let people = People::crowd(0, &["ann"]);
    let im = Im::start(None, &people, "--limits default");
    let mut open = Vec::new();
    for i in 0..15 {
        match login(place(1), &im, people.token("ann"), "phone") {
            Word::Welcome(stream) => open.push(stream),
            other => panic!("{i}: {other:?}"),
        }
    }
    match login(place(1), &im, people.token("ann"), "phone") {
        Word::Close(reason, wait) => {
            assert_eq!(reason, "rate_limited");
            assert!((1..=60_000).contains(&wait), "{wait} ms");
        }
        other => panic!("{other:?}"),
    }
    im.stop();
}

#[test]
fn c4_a_ninth_device_is_refused_until_one_of_eight_has_gone() {
    let people = People::crowd(0, &["ann"]);
    let im = Im::start(None, &people, "--limits default");
    let tokens: Vec<String> = (0..9)
        .map(|i| token(&im, 1, "ann", PASSWORD, &format!("d{i}")).json["token"].as_str().expect("a token").to_owned())
        .collect();
    let enter = |i: usize| login(place(1), &im, &tokens[i], &format!("d{i}"));
    let mut open = Vec::new();
    for i in 0..8 {
        let Word::Welcome(stream) = enter(i) else { panic!("device {i}") };
        open.push(stream);
    }
    let Word::Close(reason, 0) = enter(8) else { panic!("a ninth") };
    assert_eq!(reason, "too_many_devices");
    let Word::Welcome(again) = enter(0) else { panic!("one of the eight takes its own place") };
    drop((open, again));
    let by = Instant::now() + PATIENCE;
    while !matches!(enter(8), Word::Welcome(_)) {
        assert!(Instant::now() < by, "there is room now");
        std::thread::sleep(ms(50));
    }
    im.stop();
}
