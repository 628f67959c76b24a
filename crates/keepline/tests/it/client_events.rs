//! The events of a client: in an order that can be relied on, also by a slow listener.

use std::io;
use std::time::Duration as StdDuration;

use keepline::client::{Client, EchoProtocol, Event};
use keepline::{BackoffSettings, Duration, Reason};
use tokio::io::DuplexStream;
use tokio::time::Instant;

use crate::client_net::{Fate, ROOM, net, options, until};

/// What the last event allows next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A try is due at this time.
    Waiting(Option<Instant>),
    Connecting,
    Up {
        suspect: bool,
    },
    Over,
    Closed,
}

/// The state after an event, or a panic where the event must not be.
fn follow(state: State, event: &Event) -> State {
    let due = |wait: Duration| State::Waiting(Some(Instant::now() + wait.to_std()));
    match (state, event) {
        (State::Waiting(due), Event::Connecting { .. }) => {
            assert!(due.is_none_or(|due| Instant::now() >= due), "earlier than it was said");
            State::Connecting
        }
        (State::Connecting, Event::Failed { next_try, .. }) => due(*next_try),
        (State::Connecting, Event::Up { .. }) => State::Up { suspect: false },
        (State::Up { suspect }, Event::Beat(_)) => State::Up { suspect },
        (State::Up { suspect: false }, Event::Suspect) => State::Up { suspect: true },
        (State::Up { suspect }, Event::Down { report, next_try }) => {
            assert!(suspect || report.reason != Reason::Silent, "down without a suspicion");
            next_try.map_or(State::Over, due)
        }
        (State::Waiting(_) | State::Connecting | State::Over, Event::Closed { .. }) => State::Closed,
        _ => panic!("{event:?} in {state:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_event_follows_from_the_one_before() {
    let fates = [Fate::Refuse, Fate::Accept(ROOM), Fate::AcceptAndClose, Fate::Panic, Fate::Swallow];
    let (connect, mut net) = net(move |_, n| fates[n * n % 7 % fates.len()]);
    let (client, mut events) = Client::new(connect, EchoProtocol, options(&["a", "b"])).unwrap();
    let mut state = State::Waiting(None);
    let mut downs = 0;
    let mut peer = None;
    while let Some(event) = events.next().await {
        state = follow(state, &event);
        match event {
            Event::Up { .. } => peer = tokio::time::timeout(StdDuration::ZERO, net.peer()).await.ok(),
            Event::Down { .. } => downs += 1,
            _ => {}
        }
        if downs == 30 {
            client.close();
        }
    }
    drop(peer);
    assert_eq!(state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_is_told_what_it_missed_in_its_place_and_hears_the_end() {
    const KEPT: u64 = 1024;
    let ms = Duration::from_millis;
    let mut options = options(&["a"]);
    options.backoff = BackoffSettings::new(ms(1), ms(1), ms(1000)).unwrap();
    let (connect, net) = net(|_, _| Fate::Refuse);
    let (client, mut events) = Client::new(connect, EchoProtocol, options).unwrap();
    tokio::time::sleep(StdDuration::from_secs(5)).await;
    // What has happened is known from the other side: two events an attempt.
    let happened = 2 * net.attempts().len() as u64;
    assert!(happened > 2 * KEPT, "{happened}");
    // Attempts are counted, so a gap shows.
    let mut last = 0;
    for _ in 0..KEPT {
        match events.next().await.unwrap() {
            Event::Connecting { attempt, .. } => {
                assert_eq!(attempt, last + 1);
                last = attempt;
            }
            Event::Failed { .. } => {}
            event => panic!("{event:?}"),
        }
    }
    let Some(Event::Missed(missed)) = events.next().await else { panic!("nothing was missed") };
    assert_eq!(KEPT + missed, happened, "no event is lost twice or counted twice");
    let Some(Event::Connecting { attempt, .. }) = events.next().await else { panic!("it goes on") };
    assert_eq!(u64::from(attempt), happened / 2 + 1);
    // A place that is free again is used only behind the count of what was missed.
    tokio::time::sleep(StdDuration::from_secs(5)).await;
    let mut last = attempt;
    let mut gap = 0;
    for _ in 0..10 {
        last = step(&events.next().await.unwrap(), last, &mut gap);
    }
    assert_eq!(gap, 0);
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    client.close();
    let mut closed = false;
    while let Some(event) = events.next().await {
        assert!(!closed, "{event:?} after the end");
        closed = matches!(event, Event::Closed { .. });
        if !closed {
            last = step(&event, last, &mut gap);
        }
    }
    assert!(closed && gap > 0, "the last gap is told before the end");
}

/// Follows the numbers of the attempts over the gaps that are told.
fn step(event: &Event, last: u32, gap: &mut u64) -> u32 {
    match event {
        Event::Missed(missed) => *gap += missed,
        Event::Connecting { attempt, .. } => {
            let attempt = *attempt;
            let most = u64::from(last) + 1 + gap.div_ceil(2);
            assert!(u64::from(attempt) > u64::from(last) && u64::from(attempt) <= most, "{attempt} after {last}");
            *gap = 0;
            return attempt;
        }
        _ => {}
    }
    last
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_told_with_the_words_of_its_error() {
    const WHY: &str = "invalid peer certificate: expired";
    let connect = |_: String| async { Err::<DuplexStream, _>(io::Error::new(io::ErrorKind::InvalidData, WHY)) };
    let (_client, mut events) = Client::new(connect, EchoProtocol, options(&["a"])).unwrap();
    let Event::Failed { error, .. } = until(&mut events, |event| matches!(event, Event::Failed { .. })).await else {
        unreachable!()
    };
    assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::InvalidData, WHY.to_owned()));
}
