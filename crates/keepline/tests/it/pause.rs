//! Lines that pause: the handler says so, or owes too many answers.

use std::sync::{Arc, Mutex};

use keepline::{Answer, Flow, Reason};

use crate::support::*;

/// Eleven frames and the first half of a twelfth.
fn twelve() -> (Vec<u8>, Vec<String>) {
    let names: Vec<String> = (0..12).map(|i| format!("frame {i:02}")).collect();
    let bytes = names.iter().flat_map(|name| frame(name.as_bytes())).collect();
    (bytes, names)
}

#[tokio::test(start_paused = true)]
async fn a_paused_line_hands_over_every_frame_in_order_after_each_resume() {
    let (bytes, names) = twelve();
    let (mut peer, line) = line(Witness::new(|_, _| Flow::Pause), watched(), 4096);
    // All in one read, the last one cut in two.
    peer.send(&bytes[..bytes.len() - 3]).await;
    for count in 1..=11 {
        tokio::time::sleep(secs(60).to_std()).await;
        assert_eq!(line.seen.of("frame"), names[..count], "one frame a resume");
        line.connection.resume();
    }
    tokio::time::sleep(millis(1).to_std()).await;
    peer.send(&bytes[bytes.len() - 3..]).await;
    tokio::time::sleep(millis(1).to_std()).await;
    assert_eq!(line.seen.of("frame"), names);
    assert!(!line.task.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_paused_line_is_not_idle_and_has_a_full_period_afterwards() {
    let mut witness = Witness::mirror();
    witness.on_open = Flow::Pause;
    let (_peer, line) = line(witness, watched(), 4096);
    tokio::time::sleep(secs(3600).to_std()).await;
    assert_eq!(line.seen.all(), ["open"]);
    line.connection.resume();
    let (report, took) = line.end().await;
    assert_eq!(report.reason, Reason::Silent);
    assert!(is_on_time(took, secs(3610)), "after {took}");
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_a_pause_interrupts_gets_its_time_anew() {
    let (mut peer, line) = line(Witness::new(|_, _| Flow::Pause), watched(), 4096);
    let second = frame(b"second");
    peer.send(&[&frame(b"first")[..], &second[..6]].concat()).await;
    tokio::time::sleep(secs(60).to_std()).await;
    line.connection.resume();
    tokio::time::sleep(secs(9).to_std()).await;
    peer.send(&second[6..]).await;
    tokio::time::sleep(secs(1).to_std()).await;
    assert_eq!(line.seen.of("frame"), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_resume_before_the_pause_is_not_lost() {
    let (mut peer, line) = line(
        Witness::new(|_, turn| {
            // The work was done before the handler came to say so.
            turn.connection().resume();
            Flow::Pause
        }),
        watched(),
        4096,
    );
    let (bytes, names) = twelve();
    peer.send(&bytes).await;
    tokio::time::sleep(millis(1).to_std()).await;
    assert_eq!(line.seen.of("frame"), names);
}

/// Owes an answer to each frame.
fn owing() -> (Witness, Arc<Mutex<Vec<Answer>>>) {
    let owed = Arc::new(Mutex::new(Vec::new()));
    let witness = Witness::new({
        let owed = Arc::clone(&owed);
        move |_, turn| {
            owed.lock().unwrap().extend(turn.defer());
            Flow::Continue
        }
    });
    (witness, owed)
}

#[tokio::test(start_paused = true)]
async fn a_line_stops_reading_at_the_answers_it_owes() {
    for (limit, at_most) in [(1, 1), (4, 4), (0, 1), (12, 12)] {
        let (witness, owed) = owing();
        let mut settings = watched();
        settings.answers_in_flight = limit;
        let (mut peer, line) = line(witness, settings, 4096);
        let (bytes, names) = twelve();
        peer.send(&bytes).await;
        tokio::time::sleep(secs(60).to_std()).await;
        assert_eq!(line.seen.of("frame"), names[..at_most], "limit {limit}");
        // Each answer makes room for one more frame; answered in the order in which they came.
        for done in 1..=12 {
            let answer = owed.lock().unwrap().remove(0);
            answer.send(frame(format!("answer {done}").as_bytes()).into()).unwrap();
            let expected = frame(format!("answer {done}").as_bytes());
            assert_eq!(peer.receive(expected.len()).await, expected);
            tokio::time::sleep(millis(1).to_std()).await;
            assert_eq!(line.seen.of("frame").len(), (at_most + done).min(12), "limit {limit}");
        }
        peer.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_owes_nothing_reads_on_whatever_the_limit() {
    let mut settings = watched();
    settings.answers_in_flight = 0;
    let (mut peer, _line) = line(Witness::mirror(), settings, 4096);
    let (bytes, _) = twelve();
    peer.send(&bytes).await;
    assert_eq!(peer.receive(bytes.len()).await, bytes);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_dropped_is_owed_no_longer_and_one_too_late_is_told_so() {
    let (witness, owed) = owing();
    let mut settings = watched();
    settings.answers_in_flight = 2;
    let (mut peer, line) = line(witness, settings, 4096);
    peer.send(&twelve().0).await;
    tokio::time::sleep(millis(1).to_std()).await;
    for count in 2..12 {
        assert_eq!(line.seen.of("frame").len(), count);
        drop(owed.lock().unwrap().remove(0));
        tokio::time::sleep(millis(1).to_std()).await;
    }
    drop(peer);
    drop(owed.lock().unwrap().remove(0));
    assert_eq!(line.end().await.0.reason, Reason::PeerClosed);
    let late = owed.lock().unwrap().remove(0);
    assert_eq!(late.send(frame(b"late").into()), Err(keepline::SendError::Ended));
}

#[tokio::test(start_paused = true)]
async fn what_a_pause_leaves_of_a_large_burst_is_handed_over_in_order() {
    const FRAMES: u32 = 20_000;
    let mut expected = 0;
    let witness = Witness::new(move |frame, turn| {
        assert_eq!(frame.content, expected.to_string().as_bytes(), "in order, each once");
        expected += 1;
        match expected {
            FRAMES => turn.reply(frame),
            // Far less than the thread's buffer holds: most of what is left over is more than half of it.
            _ if expected % 1000 == 0 => Flow::Pause,
            _ => Flow::Continue,
        }
    });
    let (mut peer, line) = line(witness, watched(), 256 * 1024);
    let burst: Vec<u8> = (0..FRAMES).flat_map(|i| frame(i.to_string().as_bytes())).collect();
    let connection = line.connection.clone();
    let resumes = async {
        loop {
            tokio::time::sleep(millis(1).to_std()).await;
            connection.resume();
        }
    };
    let last = frame((FRAMES - 1).to_string().as_bytes());
    tokio::select! {
        () = resumes => unreachable!(),
        answer = async { peer.send(&burst).await; peer.receive(last.len()).await } => assert_eq!(answer, last),
    }
}
