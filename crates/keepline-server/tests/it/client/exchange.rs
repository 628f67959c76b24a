//! Logging in, and messages both ways.

use std::time::Duration;

use keepline::im::{Event, Kind, LineState, SendState, Terms};
use tokio::time::timeout;

use super::house::*;

#[tokio::test(start_paused = true)]
async fn a_chat_says_who_is_logged_in_where_and_on_which_terms() {
    let house = House::new().await;
    let secs = keepline::Duration::from_secs;
    let mut options = house.options("ann", "phone").await;
    options.wish = Some(Terms { ping_after: secs(60), silence: secs(150) });
    let (chat, mut events) = house.chat_with(options);
    assert!(matches!(events.next().await, Some(Event::Trying { attempt: 1, .. })));
    let login = up(&mut events).await;
    assert_eq!((&*login.user, &*login.node, &*login.durability), ("ann", "keepline", "memory"));
    assert_eq!(login.terms, Some(Terms { ping_after: secs(60), silence: secs(150) }));
    let state = chat.state();
    assert!(matches!(&state.line, LineState::Up { endpoint, .. } if &**endpoint == "n1"), "{state:?}");
    assert_eq!((&*state.device, &*state.transport, state.reconnects), ("phone", "tcp", 0));
    assert_eq!((state.login, state.terms), (Some(login.clone()), login.terms));
    assert!(state.bytes_in > 0 && state.bytes_out > 0);
    // An hour of quiet: pings in time, and nobody is taken for dead.
    let rtt = next(&mut events, |event| if let Event::Rtt(rtt) = event { Some(*rtt) } else { None }).await;
    assert_eq!(chat.state().rtt, Some(rtt));
    let down = next(&mut events, |event| matches!(event, Event::Down { .. }).then_some(()));
    assert!(timeout(Duration::from_secs(3600), down).await.is_err());
    assert_eq!(house.net.attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn messages_go_both_ways_and_what_is_done_is_acknowledged() {
    let house = House::new().await;
    let (ann, mut to_ann) = house.chat("ann", "phone").await;
    let (ben, mut to_ben) = house.chat("ben", "desk").await;
    let hello = ann.send(TALK, Kind::Text, "hello").unwrap();
    assert_eq!(hello.state(), SendState::Waiting);
    let id = hello.id();
    let receipt = stored(hello).await;
    assert_eq!((receipt.seq, receipt.duplicate, receipt.id), (1, false, id));
    assert!(ann.sends().is_empty());
    let got = message(&mut to_ben).await;
    assert_eq!((&*got.conversation, got.seq, &*got.sender, &*got.text()), (TALK, 1, "ann", "hello"));
    assert_eq!((got.id, got.kind, got.at_ms), (id, Kind::Text, receipt.at_ms));
    let answer = ben.send(TALK, Kind::Custom, b"\x00\xff".to_vec()).unwrap();
    assert_eq!(stored(answer).await.seq, 2);
    // One's own messages come too: another device shows them.
    assert_eq!(message(&mut to_ann).await.seq, 1);
    let got = message(&mut to_ann).await;
    assert_eq!((got.seq, got.kind, &got.body[..]), (2, Kind::Custom, &b"\x00\xff"[..]));
    ann.done(&got.mark());
    while !house.stage().marks("ann", "phone").await.iter().any(|(log, seq)| log.ends_with(TALK) && *seq == 2) {
        tokio::task::yield_now().await;
    }
    assert!(house.stage().marks("ben", "desk").await.iter().all(|(_, seq)| *seq == 0), "ben has not said so");
}

#[tokio::test(start_paused = true)]
async fn what_the_server_refuses_says_why_and_holds_up_nothing() {
    let house = House::new().await;
    let (ann, _events) = house.chat("ann", "phone").await;
    let refused = ann.send("g.nobodys", Kind::Text, "hello").unwrap();
    let sent = ann.send(TALK, Kind::Text, "hello").unwrap();
    let error = refused.await.unwrap_err().to_string();
    assert!(error.starts_with("unknown_conversation") || error.starts_with("not_member"), "{error}");
    assert_eq!(stored(sent).await.seq, 1);
}
