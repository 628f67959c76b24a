//! Idle events on request: Netty's detector on a line, beside the verdict of the heartbeat.

use keepline::liveness::IdleSettings;
use keepline::{Flow, Reason, Settings};

use crate::support::*;

fn asking(events: IdleSettings) -> Settings {
    let mut settings = unwatched();
    settings.idle_events = Some(events);
    settings
}

#[tokio::test(start_paused = true)]
async fn each_kind_comes_after_its_own_period_and_again() {
    let events = IdleSettings::new().reader(secs(3)).writer(secs(4)).all(secs(5));
    let (_peer, line) = line(Witness::mirror(), asking(events), 4096);
    tokio::time::sleep(millis(8_300).to_std()).await;
    assert_eq!(
        line.seen.of("idle"),
        [
            "IdleStateEvent(READER_IDLE, first)",
            "IdleStateEvent(WRITER_IDLE, first)",
            "IdleStateEvent(ALL_IDLE, first)",
            "IdleStateEvent(READER_IDLE)",
            "IdleStateEvent(WRITER_IDLE)",
        ]
    );
    assert!(!line.task.is_finished(), "the default goes on");
}

#[tokio::test(start_paused = true)]
async fn a_read_and_a_write_put_their_own_kinds_off() {
    let events = IdleSettings::new().reader(secs(3)).writer(secs(3));
    let (mut peer, line) = line(Witness::new(|_, _| Flow::Continue), asking(events), 4096);
    for _ in 0..5 {
        tokio::time::sleep(secs(2).to_std()).await;
        peer.send(&frame(b"in")).await;
    }
    assert_eq!(line.seen.of("idle").len(), 3, "{:?}: only the writer was idle", line.seen.of("idle"));
    assert!(line.seen.of("idle").iter().all(|event| event.contains("WRITER")));
    for _ in 0..5 {
        line.connection.send(frame(b"out").into()).unwrap();
        tokio::time::sleep(secs(2).to_std()).await;
    }
    let after = line.seen.of("idle").split_off(3);
    assert_eq!(after[0], "IdleStateEvent(READER_IDLE, first)");
    assert!(after.iter().all(|event| event.contains("READER")), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_write_counts_when_its_last_byte_is_out() {
    let (mut peer, line) = line(Witness::mirror(), asking(IdleSettings::new().writer(secs(3))), 64);
    tokio::time::sleep(secs(1).to_std()).await;
    line.connection.send(frame(&[1; 195]).into()).unwrap();
    tokio::time::sleep(millis(2_200).to_std()).await;
    assert_eq!(line.seen.of("idle").len(), 1, "a part of a message is none");
    peer.receive(200).await;
    tokio::time::sleep(millis(2_900).to_std()).await;
    assert_eq!(line.seen.of("idle").len(), 1, "it left at 3.2 s");
    tokio::time::sleep(millis(300).to_std()).await;
    assert_eq!(line.seen.of("idle")[1..], ["IdleStateEvent(WRITER_IDLE, first)"]);
}

#[tokio::test(start_paused = true)]
async fn output_that_moves_holds_later_events_back_if_asked() {
    for (observed, expected) in [(false, 4), (true, 2)] {
        let events = IdleSettings::new().writer(secs(2));
        let events = if observed { events.observe_output() } else { events };
        let (mut peer, line) = line(Witness::mirror(), asking(events), 64);
        line.connection.send(frame(&[1; 995]).into()).unwrap();
        tokio::time::sleep(secs(1).to_std()).await;
        // Events at 2, 4, 6 and 8 s and up to a slot a period more. Something moves before those at 4 and 6: the first is never held back.
        for second in [3, 5] {
            tokio::time::sleep_until(line.opened + secs(second).to_std()).await;
            peer.receive(50).await;
        }
        tokio::time::sleep_until(line.opened + millis(8_450).to_std()).await;
        assert_eq!(line.seen.of("idle").len(), expected, "observed: {observed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_that_we_paused_is_not_idle() {
    let events = IdleSettings::new().reader(secs(3)).all(secs(3));
    let (mut peer, line) = line(Witness::new(|_, _| Flow::Pause), asking(events), 4096);
    tokio::time::sleep(secs(2).to_std()).await;
    peer.send(&frame(b"pause")).await;
    tokio::time::sleep(secs(60).to_std()).await;
    assert_eq!(line.seen.of("idle").len(), 0);
    line.connection.resume();
    tokio::time::sleep(millis(2_900).to_std()).await;
    assert_eq!(line.seen.of("idle").len(), 0, "a full period from the resume");
    tokio::time::sleep(millis(300).to_std()).await;
    assert_eq!(line.seen.of("idle").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_handler_may_close_and_the_verdict_is_a_matter_of_its_own() {
    let mut settings = watched();
    settings.idle_events = Some(IdleSettings::new().reader(secs(4)));
    let (_peer, both) = line(Witness::mirror(), settings.clone(), 4096);
    let seen = both.seen.clone();
    let (report, took) = both.end().await;
    assert_eq!(report.reason, Reason::Silent);
    assert!(is_on_time(took, secs(10)), "after {took}");
    assert_eq!(seen.of("idle").len(), 3, "at 4, 8 and the verdict's own at 10");

    let mut witness = Witness::mirror();
    witness.on_idle = Some(Flow::Close(Reason::Idle));
    let (mut peer, closed) = line(witness, settings, 4096);
    peer.rest().await;
    let took = closed.opened.elapsed().into();
    assert!(is_on_time(took, secs(4)), "after {took}");
}
