//! Lines that end at any moment: everything is stored once, and comes once.

use keepline::Reason;
use keepline::im::{Done, Event, Kind, What, Whose};

use super::house::*;

/// Where a line breaks, in bytes each way: within the login, at its end, and within frames of every kind.
fn breaks() -> Vec<Break> {
    let odd = |step: usize| (0..12).map(move |count| 90 + step * count);
    let to_server = odd(61).map(|to_server| Break { to_server, to_client: NEVER });
    let to_client = odd(37).map(|to_client| Break { to_server: NEVER, to_client });
    to_server.chain(to_client).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_over_lines_that_break_is_stored_once_and_in_order() {
    for at in breaks() {
        let house = House::new().await;
        house.net.breaks([at, at, at]);
        let (ann, mut events) = house.chat("ann", "phone").await;
        let texts: Vec<String> = (0..40).map(|number| format!("number {number}")).collect();
        let sendings: Vec<_> = texts.iter().map(|text| ann.send(TALK, Kind::Text, text.clone()).unwrap()).collect();
        for (place, sending) in sendings.into_iter().enumerate() {
            assert_eq!(stored(sending).await.seq, place as u64 + 1, "{at:?}");
        }
        assert_eq!(house.said(TALK).await, texts, "{at:?}");
        for (place, text) in texts.iter().enumerate() {
            let got = message(&mut events).await;
            assert_eq!((got.seq, &*got.text()), (place as u64 + 1, &**text), "{at:?}");
        }
        assert!(house.net.attempts().len() >= 4, "the lines did break: {at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_over_lines_that_break_comes_once_and_in_order() {
    for at in breaks() {
        let house = House::new().await;
        for number in 1..=40 {
            house.stage().say("ann", TALK, &format!("number {number}")).await.unwrap();
        }
        house.net.breaks([at, at, at]);
        let (ben, mut events) = house.chat("ben", "desk").await;
        for number in 1..=40 {
            let got = message(&mut events).await;
            assert_eq!((got.seq, &*got.text()), (number, &*format!("number {number}")), "{at:?}");
            if number % 3 == 0 {
                ben.done(&got.mark());
            }
        }
        house.stage().say("ann", TALK, "the last").await.unwrap();
        assert_eq!(&*message(&mut events).await.text(), "the last", "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_killed_and_started_again_loses_and_doubles_nothing() {
    let mut house = House::new().await;
    let (ann, mut to_ann) = house.chat("ann", "phone").await;
    let (ben, mut to_ben) = house.chat("ben", "desk").await;
    assert_eq!(stored(ann.send(TALK, Kind::Text, "before").unwrap()).await.seq, 1);
    let before = message(&mut to_ben).await;
    let open = ann.send(TALK, Kind::Text, "open").unwrap();
    let store = house.kill();
    let during = ann.send(TALK, Kind::Text, "during").unwrap();
    ben.done(&before.mark());
    let down = |event: &Event| match event {
        Event::Down { reason, whose, retry_in, .. } => Some((*reason, *whose, retry_in.is_some())),
        _ => None,
    };
    assert_eq!(next(&mut to_ben, down).await, (Reason::PeerClosed, Whose::Server, true));
    next(&mut to_ben, |event| matches!(event, Event::Failed { .. }).then_some(())).await;
    assert_eq!(ann.sends().len(), 2);
    house.start(store).await;
    // By then the server has what went out in front of the kill, or gets it now: once.
    let (open, during) = (stored(open).await.seq, stored(during).await.seq);
    assert_eq!((open, during), (2, 3));
    assert_eq!(house.said(TALK).await, ["before", "open", "during"]);
    for (seq, text) in [(2, "open"), (3, "during")] {
        let got = message(&mut to_ben).await;
        assert_eq!((got.seq, &*got.text()), (seq, text));
    }
    for seq in 1..=3 {
        let wanted = |event: &Event| if let Event::Message(message) = event { Some(message.seq) } else { None };
        assert_eq!(next(&mut to_ann, wanted).await, seq);
    }
    assert_eq!(ben.state().reconnects, 1);
    let told: Vec<_> = ben.timeline().into_iter().map(|it| (it.what, it.done)).collect();
    assert!(matches!(told.first(), Some((What::Up, Done::Nothing))), "{told:?}");
    assert!(matches!(told.get(1), Some((What::Down { whose: Whose::Server, .. }, Done::Retry(_)))), "{told:?}");
    assert!(matches!(told.get(2), Some((What::Failed { .. }, Done::Retry(_)))), "{told:?}");
    assert!(matches!(told.last(), Some((What::Up, Done::Nothing))), "{told:?}");
}
