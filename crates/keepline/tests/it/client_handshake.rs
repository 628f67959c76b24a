//! Lines that have to be let in before they are up.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use keepline::client::{Client, EchoProtocol, Event, Events, Incoming, NotSent, Opening, Options, Protocol, Verdict};
use keepline::liveness::Heartbeat;
use keepline::wire::{Codec, WireError, echo};
use keepline::{Duration, Reason, Reconnect};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use crate::client_net::{Fate, Marked, Net, ROOM, net, next, options, read_frame, settle, until, up, write_frame};
use crate::support::is_on_time;

/// [`Marked`], behind a login.
struct Guarded {
    token: Vec<u8>,
}

impl Guarded {
    const HELLO: u8 = 20;
    /// The seconds of a ping's interval in one byte, if the peer states terms.
    const WELCOME: u8 = 21;

    fn new() -> Self {
        Self { token: b"token".to_vec() }
    }
}

impl Protocol for Guarded {
    type Codec = echo::Echo;
    type Message = Vec<u8>;
    type Answer = Vec<u8>;

    fn codec(&mut self) -> echo::Echo {
        Marked.codec()
    }

    fn hello(&mut self, codec: &mut echo::Echo, out: &mut Vec<u8>) -> Result<Opening, WireError> {
        codec.encode(echo::Frame { kind: Self::HELLO, content: &self.token }, out)?;
        Ok(Opening::Handshake)
    }

    fn encode(
        &mut self,
        id: u64,
        message: Vec<u8>,
        codec: &mut echo::Echo,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        Marked.encode(id, message, codec, out)
    }

    fn on_frame(&mut self, frame: echo::Frame<'_>) -> Incoming<Vec<u8>> {
        if frame.kind != Self::WELCOME {
            return Marked.on_frame(frame);
        }
        let secs = |secs: &u8| Duration::from_secs((*secs).into());
        Incoming::Welcome(
            frame.content.first().map(|ping| Arc::new(Heartbeat::client(secs(ping), secs(ping)).unwrap())),
        )
    }
}

/// A client whose line has said its hello and waits to be let in.
async fn waiting(options: Options) -> (Client<Guarded>, Events, Net, DuplexStream) {
    let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
    let (client, events) = Client::new(connect, Guarded::new(), options).unwrap();
    let mut peer = net.peer().await;
    assert_eq!(read_frame(&mut peer).await, Some((Guarded::HELLO, b"token".to_vec())));
    (client, events, net, peer)
}

/// The end of a line that was never up.
async fn refused(events: &mut Events) -> (Reason, Option<Duration>) {
    assert!(matches!(next(events).await, Event::Connecting { .. }));
    match next(events).await {
        Event::Down { report, next_try } => (report.reason, next_try),
        event => panic!("{event:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_is_up_and_takes_messages_only_once_it_is_let_in() {
    let (client, mut events, _net, mut peer) = waiting(options(&["a"])).await;
    settle().await;
    assert_eq!(client.send(b"early".to_vec()).await, Verdict::NotSent(NotSent::NotConnected));
    write_frame(&mut peer, Guarded::WELCOME, b"").await;
    assert!(matches!(next(&mut events).await, Event::Connecting { .. }));
    let Event::Up { endpoint } = next(&mut events).await else { panic!() };
    assert_eq!(&*endpoint, "a");
    let answer = client.send(b"hello".to_vec());
    assert_eq!(read_frame(&mut peer).await.unwrap().1, b"hello", "nothing between the hello and the first message");
    write_frame(&mut peer, Marked::ANSWER, b"hi").await;
    assert_eq!(answer.await, Verdict::Answered(b"hi".to_vec()));
    // No deadline is left, and a second welcome is no second line.
    write_frame(&mut peer, Guarded::WELCOME, b"").await;
    write_frame(&mut peer, Marked::PUSH, b"news").await;
    assert_eq!(client.next_push().await, Some(b"news".to_vec()));
    for _ in 0..20 {
        assert_eq!(read_frame(&mut peer).await.unwrap().0, 1, "a ping");
        write_frame(&mut peer, 2, b"").await;
    }
    client.close();
    drop(peer);
    let event = until(&mut events, |event| !matches!(event, Event::Beat(_))).await;
    assert!(matches!(&event, Event::Down { report, .. } if report.reason == Reason::Bye), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_hello_loses_the_line_at_its_deadline() {
    for (within, expected) in [(None, 10), (Some(Duration::from_secs(3)), 3)] {
        let start = Instant::now();
        let mut options = options(&["a", "b"]);
        options.settings = keepline::Settings::new(Heartbeat::off());
        options.settings.handshake_within = within;
        let (_client, mut events, mut net, mut peer) = waiting(options).await;
        let end = tokio::time::timeout(StdDuration::from_secs(60), read_frame(&mut peer)).await;
        assert_eq!(end, Ok(None));
        let took = start.elapsed().into();
        assert!(is_on_time(took, Duration::from_secs(expected)), "{took}");
        drop(peer);
        let (reason, next_try) = refused(&mut events).await;
        assert_eq!(reason, Reason::HandshakeTimeout);
        assert!(next_try.unwrap() <= Duration::from_millis(500), "paced by the backoff");
        net.peer().await;
        assert_eq!(net.attempts()[1].1, "b");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_obeyed_as_the_table_of_reasons_and_its_hint_say() {
    for &reason in Reason::ALL {
        for hint in [None, Some(60)] {
            let (client, mut events, net, mut peer) = waiting(options(&["a"])).await;
            let code = [&reason.code().to_be_bytes()[..], hint.as_slice()].concat();
            write_frame(&mut peer, Marked::GOODBYE, &code).await;
            drop(peer);
            let (told, next_try) = refused(&mut events).await;
            assert_eq!(told, reason);
            let least = match (reason.reconnect(), hint) {
                (Reconnect::No, _) => None,
                (_, Some(hint)) => Some(Duration::from_secs(hint.into())),
                (Reconnect::After(after), None) => Some(after),
                (Reconnect::Yes, None) => Some(Duration::ZERO),
            };
            assert_eq!(next_try.is_some(), least.is_some(), "{reason}");
            let (Some(next_try), Some(least)) = (next_try, least) else {
                let Event::Closed { reason: last } = next(&mut events).await else { panic!() };
                assert_eq!((last, net.attempts().len()), (reason, 1));
                assert_eq!(client.send(b"late".to_vec()).await, Verdict::NotSent(NotSent::Closed));
                continue;
            };
            assert!((least..=least + Duration::from_millis(500)).contains(&next_try), "{reason} {hint:?}: {next_try}");
            client.close();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_before_the_welcome_makes_no_line_stable() {
    for (lived, endpoint, attempt) in [(25, "b", 2), (31, "a", 1)] {
        let mut options = options(&["a", "b"]);
        options.settings = keepline::Settings::new(Heartbeat::off());
        let (_client, mut events, _net, mut peer) = waiting(options).await;
        tokio::time::sleep(StdDuration::from_secs(9)).await;
        write_frame(&mut peer, Guarded::WELCOME, b"").await;
        tokio::time::sleep(StdDuration::from_secs(lived)).await;
        drop(peer);
        until(&mut events, |event| matches!(event, Event::Down { .. })).await;
        let Event::Connecting { endpoint: to, attempt: count } = next(&mut events).await else { panic!() };
        assert_eq!((&*to, count), (endpoint, attempt), "up for {lived} s of {}", lived + 9);
    }
}

#[tokio::test(start_paused = true)]
async fn the_terms_of_a_welcome_hold_from_then_on() {
    let (_client, mut events, _net, mut peer) = waiting(options(&["a"])).await;
    for ping in [2, 7] {
        write_frame(&mut peer, Guarded::WELCOME, &[ping]).await;
        let start = Instant::now();
        assert_eq!(read_frame(&mut peer).await.unwrap().0, 1);
        let took = start.elapsed().into();
        assert!(is_on_time(took, Duration::from_secs(ping.into())), "{took}");
        write_frame(&mut peer, 2, b"").await;
    }
    up(&mut events).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_closed_before_the_welcome_says_bye_and_is_never_up() {
    let (client, mut events, _net, mut peer) = waiting(options(&["a"])).await;
    client.close();
    // Too late: the line reads no more than the peer's end.
    write_frame(&mut peer, Guarded::WELCOME, b"").await;
    assert_eq!(read_frame(&mut peer).await, None);
    drop(peer);
    assert_eq!(refused(&mut events).await, (Reason::Bye, None));
    assert!(matches!(next(&mut events).await, Event::Closed { reason: Reason::Bye }));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_not_the_protocols_count_before_the_welcome_too() {
    let (_client, mut events, _net, mut peer) = waiting(options(&["a"])).await;
    peer.write_all(b"HTTP/1.1").await.unwrap();
    drop(peer);
    let (reason, next_try) = refused(&mut events).await;
    assert_eq!((reason.reconnect(), next_try), (Reconnect::No, None));
    assert!(matches!(next(&mut events).await, Event::Closed { .. }), "the only endpoint speaks something else");
}

#[tokio::test(start_paused = true)]
async fn a_hello_that_can_not_be_said_is_told() {
    let (connect, _net) = net(|_, _| Fate::Accept(ROOM));
    let large = Guarded { token: vec![0; 8 << 20] };
    let (_client, mut events) = Client::new(connect, large, options(&["a"])).unwrap();
    let Event::Failed { error, .. } = until(&mut events, |event| matches!(event, Event::Failed { .. })).await else {
        unreachable!()
    };
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "refused by the codec: {error}");

    let mut options = options(&["a"]);
    (options.settings.outbox.bytes, options.settings.outbox.high_water) = (8, 8);
    let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
    let (_client, mut events) = Client::new(connect, Guarded::new(), options).unwrap();
    drop(net.peer().await);
    assert_eq!(refused(&mut events).await, (Reason::TooLarge, None));
}

#[tokio::test(start_paused = true)]
async fn pushes_that_wait_since_an_older_line_keep_no_new_one_out() {
    let mut options = options(&["a"]);
    options.in_flight = 2;
    let (client, mut events, mut net, mut peer) = waiting(options).await;
    write_frame(&mut peer, Guarded::WELCOME, b"").await;
    for push in [b"1", b"2"] {
        write_frame(&mut peer, Marked::PUSH, push).await;
    }
    up(&mut events).await;
    settle().await;
    // Paused: it hears of the peer's end only when it writes.
    let answer = client.send(b"hello".to_vec());
    drop(peer);
    let _ = answer.await;
    let mut peer = net.peer().await;
    read_frame(&mut peer).await.unwrap();
    write_frame(&mut peer, Guarded::WELCOME, b"").await;
    up(&mut events).await;
    write_frame(&mut peer, 1, b"").await;
    let pong = tokio::time::timeout(StdDuration::from_secs(1), read_frame(&mut peer)).await;
    assert!(pong.is_err(), "no more is read until the application takes what waits: {pong:?}");
    write_frame(&mut peer, Marked::PUSH, b"3").await;
    for push in [b"1", b"2", b"3"] {
        assert_eq!(client.next_push().await, Some(push.to_vec()));
    }
    assert_eq!(read_frame(&mut peer).await.unwrap().0, 2);
}

#[tokio::test(start_paused = true)]
async fn a_protocol_without_a_handshake_has_no_deadline_for_one() {
    let mut options = options(&["a"]);
    options.settings = keepline::Settings::new(Heartbeat::off());
    options.settings.handshake_within = Some(Duration::from_secs(3));
    let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
    let (client, mut events) = Client::new(connect, EchoProtocol, options).unwrap();
    let mut peer = net.peer().await;
    up(&mut events).await;
    tokio::time::sleep(StdDuration::from_secs(60)).await;
    let answer = client.send(b"hello".to_vec());
    let (kind, content) = read_frame(&mut peer).await.unwrap();
    write_frame(&mut peer, kind, &content).await;
    assert_eq!(answer.await, Verdict::Answered(b"hello".to_vec()));
}
