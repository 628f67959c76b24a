//! More than there is room for, on both sides.

use keepline::im::{Event, InboxLimits, Kind, SendError, SendLimits};

use super::house::*;

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_server_that_is_away_is_bounded() {
    let mut house = House::new().await;
    let mut options = house.options("ann", "phone").await;
    options.sends = SendLimits { messages: 3, bytes: 1000 };
    let store = house.kill();
    let (chat, _events) = house.chat_with(options);
    let sendings: Vec<_> = (0..3).map(|number| chat.send(TALK, Kind::Text, number.to_string()).unwrap()).collect();
    assert_eq!(chat.send(TALK, Kind::Text, "3").err(), Some(SendError::Full { messages: 3, bytes: 3 }));
    assert_eq!((chat.state().sends_waiting, chat.state().sends_bytes), (3, 3));
    house.start(store).await;
    for sending in sendings {
        stored(sending).await;
    }
    stored(chat.send(TALK, Kind::Text, "3").unwrap()).await;
    assert_eq!(house.said(TALK).await, ["0", "1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_takes_nothing_for_an_hour_loses_nothing_and_sends_on() {
    const SAID: u64 = 1000;
    for inbox in [None, Some(InboxLimits::SMALLEST)] {
        let house = House::new().await;
        let mut options = house.options("ben", "desk").await;
        options.inbox = inbox.unwrap_or(options.inbox);
        let (ben, mut events) = house.chat_with(options);
        up(&mut events).await;
        // Long enough that a window of them is more than the transport holds.
        let long = "so much to say ".repeat(200);
        for number in 1..=SAID {
            house.stage().say_as("ann", TALK, &number.to_string(), &long).await.unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        // The inbox holds more than a server sends unasked, so answers still come.
        stored(ben.send("all", Kind::Text, "busy").unwrap()).await;
        for seq in 1..=SAID {
            let got = message_in(TALK, &mut events).await;
            assert_eq!(got.seq, seq, "{inbox:?}");
            ben.done(&got.mark());
        }
        assert_eq!(house.net.attempts().len(), 1, "its line is read, and so never ended: {inbox:?}");
    }
}

/// The next message of a conversation; others are dropped.
async fn message_in(conversation: &str, events: &mut keepline::im::Events) -> keepline::im::Message {
    loop {
        match events.next().await.unwrap() {
            Event::Message(message) if &*message.conversation == conversation => return message,
            Event::Gap(gap) => panic!("{gap:?}"),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_only_sends_leaves_what_comes_with_the_server() {
    let house = House::new().await;
    let (ben, events) = house.chat("ben", "desk").await;
    drop(events);
    for number in 0..300 {
        house.stage().say("ann", TALK, &format!("for later {number}")).await.unwrap();
    }
    for number in 0..100 {
        stored(ben.send("all", Kind::Text, number.to_string()).unwrap()).await;
    }
    ben.close().await;
    let (_ben, mut events) = house.chat("ben", "desk").await;
    assert_eq!(message_in(TALK, &mut events).await.seq, 1);
}
