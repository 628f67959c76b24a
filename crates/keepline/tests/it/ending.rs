//! How lines end: by their deadlines, in order, by abort or by panic; once in any case.

use std::sync::{Arc, Mutex};

use keepline::wire::{Codec, Decoded, WireError, line};
use keepline::{Answer, Driver, Flow, Handler, LineId, Observer, Reason, Report, SendError, Turn};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::mpsc;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn no_byte_extends_the_handshake() {
    let mut settings = watched();
    settings.handshake_within = Some(secs(5));
    let (mut peer, line) = line(Witness::mirror(), settings, 4096);
    for _ in 0..40 {
        peer.send(&frame(b"hello")).await;
        tokio::time::sleep(millis(120).to_std()).await;
    }
    let seen = line.seen.clone();
    peer.rest().await;
    let took = line.opened.elapsed().into();
    assert!(is_on_time(took, secs(5)), "after {took}");
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::HandshakeTimeout);
    assert_eq!(seen.of("close"), ["handshake_timeout"]);
}

#[tokio::test(start_paused = true)]
async fn an_established_line_has_no_deadline_left() {
    let mut settings = watched();
    settings.handshake_within = Some(secs(5));
    settings.first_frame_within = Some(secs(4));
    let witness = Witness::new(|_, turn| {
        turn.establish();
        Flow::Continue
    });
    let (mut peer, line) = line(witness, settings, 4096);
    tokio::time::sleep(millis(3_900).to_std()).await;
    peer.send(&frame(b"login")).await;
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::Silent);
    assert!(is_on_time(took, millis(13_900)), "after {took}");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_never_brings_a_frame_is_reaped_at_its_deadline_not_earlier() {
    let mut settings = watched();
    settings.first_frame_within = Some(secs(4));
    let (mut peer, line) = line(Witness::mirror(), settings, 4096);
    // Half a frame is none.
    peer.send(&frame(b"hello")[..7]).await;
    assert_eq!(peer.rest().await, b"");
    let took = line.opened.elapsed().into();
    assert!(is_on_time(took, secs(4)), "after {took}");
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::FirstFrameTimeout);
}

#[tokio::test(start_paused = true)]
async fn a_close_writes_what_waits_and_the_first_reason_stays() {
    let (mut peer, line) = line(Witness::mirror(), watched(), 16);
    line.connection.send(frame(&[9; 300]).into()).unwrap();
    line.connection.close(Reason::Kicked);
    line.connection.close(Reason::Bye);
    assert_eq!(peer.rest().await, frame(&[9; 300]));
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::Kicked);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_does_not_hold_a_closing_line() {
    let (_peer, line) = line(Witness::mirror(), watched(), 16);
    line.connection.send(frame(&[9; 300]).into()).unwrap();
    line.connection.close(Reason::Kicked);
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::Kicked);
    assert!(is_on_time(took, secs(1)), "after {took}: the linger");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_has_said_its_last_word_takes_no_message() {
    let (mut peer, line) = line(Witness::mirror(), watched(), 64);
    line.connection.close(Reason::Kicked);
    line.connection.send(frame(b"still in time").into()).unwrap();
    assert_eq!(peer.rest().await, frame(b"still in time"));
    assert!(!line.connection.is_ended(), "it waits for the peer's end");
    assert_eq!(line.connection.send(frame(b"too late").into()), Err(SendError::Ended));
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::Kicked);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_said_its_end_still_gets_what_it_is_owed_within_the_linger() {
    for answered in [true, false] {
        let (owe, mut owed) = mpsc::channel(2);
        let witness = Witness::new(move |_, turn| {
            owe.try_send(turn.defer().unwrap()).unwrap();
            Flow::Continue
        });
        let (mut peer, line) = line(witness, watched(), 64);
        peer.send(&[frame(b"one"), frame(b"two")].concat()).await;
        peer.0.shutdown().await.unwrap();
        let (one, two) = (owed.recv().await.unwrap(), owed.recv().await.unwrap());
        tokio::time::sleep(millis(300).to_std()).await;
        one.send(frame(b"1").into()).unwrap();
        tokio::time::sleep(millis(300).to_std()).await;
        let (expected, end) = if answered {
            two.send(frame(b"2").into()).unwrap();
            ([frame(b"1"), frame(b"2")].concat(), millis(600))
        } else {
            std::mem::forget(two);
            (frame(b"1"), secs(1))
        };
        assert_eq!(peer.rest().await, expected);
        let (report, took) = line.end().await;
        assert_eq!(report.reason, Reason::PeerClosed);
        assert!(is_on_time(took, end), "after {took}");
    }
}

/// Lines of text, with a farewell.
struct Polite;

impl Codec for Polite {
    type Frame<'a> = &'a [u8];

    fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<&'a [u8]>, WireError> {
        line::Line.decode(input)
    }

    fn encode(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        line::Line.encode(text, out)
    }

    fn ping(&mut self, nonce: Option<u32>, out: &mut Vec<u8>) {
        line::Line.ping(nonce, out);
    }

    fn pong(&mut self, nonce: Option<u32>, out: &mut Vec<u8>) {
        line::Line.pong(nonce, out);
    }

    fn farewell(&mut self, reason: Reason, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("bye {reason}\n").as_bytes());
    }
}

struct Mute;

impl Handler for Mute {
    type Codec = Polite;

    fn on_frame(&mut self, _: &[u8], turn: &mut Turn<'_, Polite>) -> Flow {
        let _ = turn.connection().send("pushed\n".into());
        let _ = turn.send(b"last answer");
        Flow::Close(Reason::Draining)
    }
}

#[tokio::test(start_paused = true)]
async fn the_farewell_is_the_last_word() {
    for waiting in [0, 10] {
        let (peer, ours) = duplex(32);
        let mut peer = Peer(peer);
        let driver = Driver::standalone(ours, Mute, Polite, watched());
        let connection = driver.connection();
        let task = tokio::spawn(driver);
        let waiting: String = (0..waiting).map(|i| format!("message {i}\n")).collect();
        connection.send(waiting.clone().into()).unwrap();
        tokio::time::sleep(millis(1).to_std()).await;
        peer.send(b"go\nping\n").await;
        let expected = waiting + "pushed\nlast answer\nbye draining\n";
        assert_eq!(String::from_utf8(peer.rest().await).unwrap(), expected);
        drop(peer);
        assert_eq!(task.await.unwrap().reason, Reason::Draining);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_told_so_and_is_not_waited_for() {
    // A pipe that takes it, one that takes nothing, and one that stops in the middle of what waits before it.
    let table = [(32, "", "bye silent\n"), (4, "message\n", "mess"), (12, "message\n", "message\nbye ")];
    for (room, waiting, expected) in table {
        let (peer, ours) = duplex(room);
        let mut peer = Peer(peer);
        let driver = Driver::standalone(ours, Mute, Polite, watched());
        let (connection, opened) = (driver.connection(), tokio::time::Instant::now());
        let task = tokio::spawn(driver);
        if !waiting.is_empty() {
            connection.send(waiting.into()).unwrap();
        }
        assert_eq!(task.await.unwrap().reason, Reason::Silent);
        assert!(is_on_time(opened.elapsed().into(), secs(10)), "{room}: {:?}", opened.elapsed());
        assert_eq!(String::from_utf8(peer.rest().await).unwrap(), expected, "{room}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_the_farewell_while_it_is_on_its_way() {
    let (peer, ours) = duplex(4);
    let mut peer = Peer(peer);
    let driver = Driver::standalone(ours, Mute, Polite, watched());
    let connection = driver.connection();
    let task = tokio::spawn(driver);
    connection.send("before\n".into()).unwrap();
    connection.close(Reason::Kicked);
    connection.send("still in time\n".into()).unwrap();
    tokio::time::sleep(millis(1).to_std()).await;
    // Four bytes are out, the rest waits for the peer.
    assert!(!connection.is_ended());
    assert_eq!(connection.send("too late\n".into()), Err(SendError::Ended));
    assert_eq!(peer.rest().await, b"before\nstill in time\nbye kicked\n");
    drop(peer);
    assert_eq!(task.await.unwrap().reason, Reason::Kicked);
}

#[tokio::test(start_paused = true)]
async fn the_answers_of_a_peer_that_said_its_end_come_before_the_farewell() {
    let (peer, ours) = duplex(4);
    let mut peer = Peer(peer);
    let (owe, mut owed) = mpsc::channel(1);
    let driver = Driver::standalone(ours, Owing(owe), Polite, watched());
    let connection = driver.connection();
    let task = tokio::spawn(driver);
    peer.send(b"go\n").await;
    peer.0.shutdown().await.unwrap();
    let answer = owed.recv().await.unwrap();
    tokio::time::sleep(millis(1).to_std()).await;
    connection.send("pushed\n".into()).unwrap();
    answer.send("answer\n".into()).unwrap();
    tokio::time::sleep(millis(1).to_std()).await;
    assert_eq!(connection.send("too late\n".into()), Err(SendError::Ended));
    assert_eq!(peer.rest().await, b"pushed\nanswer\nbye peer_closed\n");
    assert_eq!(task.await.unwrap().reason, Reason::PeerClosed);
}

/// Owes an answer to each line.
struct Owing(mpsc::Sender<Answer>);

impl Handler for Owing {
    type Codec = Polite;

    fn on_frame(&mut self, _: &[u8], turn: &mut Turn<'_, Polite>) -> Flow {
        self.0.try_send(turn.defer().unwrap()).unwrap();
        Flow::Continue
    }
}

/// Keeps the ids of the lines that ended.
#[derive(Default)]
struct Ends(Mutex<Vec<(LineId, Reason)>>);

impl Observer for Ends {
    fn on_close(&self, report: &Report) {
        self.0.lock().unwrap().push((report.id, report.reason));
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_or_a_panic_ends_the_line_once() {
    let ends = Arc::new(Ends::default());
    let mut settings = watched();
    settings.observer = Some(Arc::clone(&ends) as _);
    let (_peer, aborted) = line(Witness::mirror(), settings.clone(), 4096);
    tokio::task::yield_now().await;
    aborted.task.abort();
    assert!(aborted.task.await.unwrap_err().is_cancelled());
    assert_eq!(aborted.seen.all(), ["open", "close server_error"]);

    let (mut peer, panicked) = line(Witness::new(|_, _| panic!("on purpose")), settings.clone(), 4096);
    peer.send(&frame(b"poison")).await;
    assert!(panicked.task.await.unwrap_err().is_panic());
    assert_eq!(panicked.seen.all(), ["open", "frame poison", "close server_error"]);
    assert_eq!(peer.0.read(&mut [0]).await.unwrap(), 0, "the peer sees the end");

    let (_peer, unpolled) = duplex(64);
    let witness = Witness::mirror();
    let seen = witness.seen.clone();
    drop(Driver::standalone(unpolled, witness, keepline::wire::echo::Echo::strict(), settings));
    assert_eq!(seen.all(), ["close server_error"], "a line that never ran");
    assert_eq!(ends.0.lock().unwrap().len(), 3);
}
