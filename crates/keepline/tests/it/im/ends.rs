//! Lines that the server ends, and how: whether the chat comes back, when, and to whom.

use std::time::Duration as StdDuration;

use keepline::im::{Done, Event, Events, What, Whose};
use keepline::wire::im::v1::{self, frame::Body};
use keepline::{Reason, Reconnect};

use super::server::{Said, Server, chat, next, options, welcome};
use crate::client_net::{Fate, ROOM, net};

/// How the line ended, and whether there will be another.
async fn down(events: &mut Events) -> (Reason, Whose, String, Option<keepline::Duration>) {
    let down = |event: &Event| match event {
        Event::Down { reason, whose, detail, retry_in } => Some((*reason, *whose, detail.to_string(), *retry_in)),
        _ => None,
    };
    next(events, down).await
}

fn close(code: u32, retry_after_ms: u32) -> Body {
    Body::Close(v1::Close { code, reason: format!("word {code}"), retry_after_ms })
}

#[tokio::test(start_paused = true)]
async fn every_close_code_is_obeyed_and_one_that_is_not_known_means_come_back() {
    let rows = Reason::ALL.iter().map(|reason| (u32::from(reason.code()), reason.reconnect()));
    for (code, reconnect) in rows.chain([(1999, Reconnect::Yes), (70_000, Reconnect::Yes)]) {
        let (chat, mut events, mut net) = chat(options());
        let mut server = Server::welcome(&mut net, 1).await;
        server.say(close(code, 0)).await;
        let (_, whose, detail, retry_in) = down(&mut events).await;
        assert_eq!((whose, detail), (Whose::Server, format!("word {code}")));
        assert_eq!(retry_in.is_some(), reconnect != Reconnect::No, "{code}");
        if let Reconnect::After(least) = reconnect {
            assert!(retry_in >= Some(least), "{code}: {retry_in:?}");
        }
        let done = chat.timeline().last().map(|last| (last.done, matches!(last.what, What::Down { .. })));
        assert_eq!(done, Some((retry_in.map_or(Done::Stay, Done::Retry), true)));
        if retry_in.is_some() {
            Server::welcome(&mut net, 1).await;
        } else {
            let reason =
                next(&mut events, |event| if let Event::Refused { reason } = event { Some(*reason) } else { None });
            // A goodbye of the server is its word too.
            assert_eq!(u32::from(reason.await.code()), code);
            assert!(events.next().await.is_none());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_word_of_one_line_says_nothing_of_the_next() {
    let (_chat, mut events, mut net) = chat(options());
    Server::welcome(&mut net, 1).await.say(close(1214, 0)).await;
    assert_eq!(down(&mut events).await.2, "word 1214");
    drop(Server::welcome(&mut net, 1).await);
    let (reason, _, detail, _) = down(&mut events).await;
    assert!(reason == Reason::PeerClosed && !detail.contains("word"), "{reason}: {detail}");
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_wait_is_kept() {
    let (_chat, mut events, mut net) = chat(options());
    Server::welcome(&mut net, 1).await.say(close(1214, 60_000)).await;
    let wait = down(&mut events).await.3.unwrap().to_std();
    assert!((60..62).contains(&wait.as_secs()), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn nodes_that_a_leaving_server_names_are_gone_to() {
    let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
    let (chat, mut events) = keepline::im::Chat::start_over(connect, options()).unwrap();
    let mut server = Server::welcome(&mut net, 1).await;
    let nodes = vec!["n2:1".to_owned(), "n3:1".to_owned()];
    server.say(Body::GoAway(v1::GoAway { retry_after_ms: 30_000, nodes })).await;
    server.say(close(1214, 0)).await;
    let told = |event: &Event| match event {
        Event::GoAway { retry_after, nodes } => Some((retry_after.as_millis(), nodes.len())),
        _ => None,
    };
    assert_eq!(next(&mut events, told).await, (30_000, 2));
    let _server = Server::welcome(&mut net, 1).await;
    let attempts = net.attempts();
    assert_eq!(attempts[1].1, "n3:1", "the seed begins with the second of the two");
    let waited = attempts[1].0 - attempts[0].0;
    assert!((30..32).contains(&waited.as_secs()), "{waited:?}");
    assert!(chat.timeline().iter().any(|it| it.what == What::GoAway));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_the_protocol_loses_its_line_and_is_tried_again() {
    let deliver = Body::Deliver(v1::Deliver { conversation: "all".into(), seq: 1, ..v1::Deliver::default() });
    let table: [(&str, Option<Body>, &[u8]); 5] = [
        ("a message before the welcome", Some(deliver), b""),
        ("what only a client says", Some(Body::Hello(v1::Hello::default())), b""),
        ("a body that is none", None, b"\x04\x52\x02\xff\xff"),
        ("a field of another type", None, b"\x03\x80\x01\x01"),
        ("an empty frame", None, b"\x00"),
    ];
    for (what, body, bytes) in table {
        let mut options = options();
        options.endpoints.push("b".into());
        let (_chat, mut events, mut net) = chat(options);
        let mut server = Server::accept(&mut net).await;
        assert!(matches!(server.next().await, Said::Body(Body::Hello(_))), "{what}");
        if what != "a message before the welcome" {
            server.say(Body::Welcome(welcome(1))).await;
        }
        if let Some(body) = body {
            server.say(body).await;
        }
        server.raw(bytes).await;
        let (_, _, detail, retry_in) = down(&mut events).await;
        assert!(retry_in.is_some(), "{what}: {detail}");
        Server::welcome(&mut net, 1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_welcome_that_does_not_come_costs_the_line_and_not_the_chat() {
    let (chat, mut events, mut net) = chat(options());
    let sending = chat.send("all", keepline::im::Kind::Text, "hello").unwrap();
    let server = Server::accept(&mut net).await;
    let (reason, whose, ..) = down(&mut events).await;
    assert_eq!((reason, whose), (Reason::HandshakeTimeout, Whose::Server));
    drop(server);
    let mut server = Server::welcome(&mut net, 1).await;
    let (id, text) = server.sent().await;
    assert_eq!((&id[..], &*text), (&sending.id().to_bytes()[..], "hello"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_found_and_left() {
    let (chat, mut events, mut net) = chat(options());
    let mut server = Server::welcome(&mut net, 1).await;
    server.say(Body::Terms(v1::Terms { ping_after_ms: 20_000, silence_ms: 60_000 })).await;
    // Nothing is answered from here on.
    let suspect = next(&mut events, |event| matches!(event, Event::Suspect).then_some(()));
    suspect.await;
    let (reason, whose, ..) = down(&mut events).await;
    assert_eq!((reason, whose), (Reason::Silent, Whose::Network));
    drop(server);
    tokio::time::timeout(StdDuration::from_secs(60), Server::welcome(&mut net, 1)).await.unwrap();
    next(&mut events, |event| matches!(event, Event::Up(_)).then_some(())).await;
    assert_eq!(chat.state().reconnects, 1);
}
