//! How a chat ends, and when it does not.

use keepline::im::{Event, Kind, LineState, NotStored, SendError, Token, Unsent};
use keepline::{Duration, Reason};
use keepline_server::id::UserId;

use super::house::*;

/// The last event, and that it is the last.
async fn refused(events: &mut keepline::im::Events) -> Reason {
    let reason = next(events, |event| if let Event::Refused { reason } = event { Some(*reason) } else { None }).await;
    assert!(events.next().await.is_none());
    reason
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_is_not_tried_again() {
    let house = House::new().await;
    let mut options = house.options("ann", "phone").await;
    options.token = Token::new("wrong");
    let (chat, mut events) = house.chat_with(options);
    let sending = chat.send(TALK, Kind::Text, "hello").unwrap();
    assert_eq!(refused(&mut events).await, Reason::AuthFailed);
    assert_eq!(sending.await, Err(NotStored::Ended(Unsent::NotSent)));
    assert_eq!(chat.send(TALK, Kind::Text, "more").err(), Some(SendError::Closed));
    assert_eq!(chat.state().line, LineState::Over { reason: Reason::AuthFailed });
    chat.close().await;
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert_eq!(house.net.attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_later_login_of_the_device_and_an_operator_end_a_chat_for_good() {
    let house = House::new().await;
    let (_first, mut first) = house.chat("ann", "phone").await;
    up(&mut first).await;
    let (_second, mut second) = house.chat("ann", "phone").await;
    up(&mut second).await;
    assert_eq!(refused(&mut first).await, Reason::Replaced);
    let ann: UserId = "ann".parse().unwrap();
    let session = house.stage().hub.sessions_of(&ann)[0].id();
    assert!(house.stage().hub.kick(session, Reason::Kicked));
    assert_eq!(refused(&mut second).await, Reason::Kicked);
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert_eq!(house.net.attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_away_says_when_to_come_back() {
    let house = House::new().await;
    let (chat, mut events) = house.chat("ann", "phone").await;
    up(&mut events).await;
    let start = tokio::time::Instant::now();
    house.stage().hub.go_away(std::time::Duration::from_secs(90));
    let told = |event: &Event| match event {
        Event::GoAway { retry_after, nodes } => Some((*retry_after, nodes.len())),
        _ => None,
    };
    assert_eq!(next(&mut events, told).await, (Duration::from_secs(90), 0));
    // The line goes on until the server ends it.
    assert_eq!(stored(chat.send(TALK, Kind::Text, "still here").unwrap()).await.seq, 1);
    assert_eq!(message(&mut events).await.seq, 1);
    house.net.cut();
    up(&mut events).await;
    let waited = start.elapsed();
    assert!(waited.as_secs() >= 90 && waited.as_secs() < 100, "{waited:?}");
    assert_eq!(house.net.attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn closing_lets_what_waits_go_first_but_not_for_ever() {
    let mut house = House::new().await;
    let (chat, mut events) = house.chat("ann", "phone").await;
    let sendings: Vec<_> = (0..50).map(|number| chat.send(TALK, Kind::Text, number.to_string()).unwrap()).collect();
    chat.close().await;
    for sending in sendings {
        stored(sending).await;
    }
    assert_eq!(house.said(TALK).await.len(), 50);
    assert_eq!(chat.send(TALK, Kind::Text, "late").err(), Some(SendError::Closed));
    let last = std::iter::from_fn(|| Some(())).take(200);
    let mut closed = false;
    for () in last {
        match events.next().await {
            Some(event) => closed = matches!(event, Event::Closed),
            None => break,
        }
    }
    assert!(closed, "the last event");

    let (chat, mut events) = house.chat("ann", "phone").await;
    up(&mut events).await;
    house.kill();
    let never = chat.send(TALK, Kind::Text, "never").unwrap();
    let start = tokio::time::Instant::now();
    chat.close().await;
    assert_eq!(start.elapsed().as_secs(), 5);
    assert!(matches!(never.await, Err(NotStored::Ended(_))));
}

#[tokio::test(start_paused = true)]
async fn a_chat_whose_last_handle_is_dropped_says_goodbye() {
    let house = House::new().await;
    let (chat, mut events) = house.chat("ann", "phone").await;
    up(&mut events).await;
    drop(chat);
    next(&mut events, |event| matches!(event, Event::Closed).then_some(())).await;
    assert!(events.next().await.is_none());
    crate::stage::until("the server has heard it", || !house.stage().is_online("ann")).await;
}
