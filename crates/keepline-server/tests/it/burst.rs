//! Burst: many messages at once, which go out to each member in one piece.

use std::ops::RangeInclusive;

use keepline::Reason;
use keepline_proto::wire::dialect::Dialect;
use keepline_server::delivery::Sender;
use keepline_server::line::LineSettings;

use crate::stage::*;

/// Says messages of 1,000 bytes before anybody is offered the first.
async fn burst(stage: &Stage, numbers: RangeInclusive<u64>) {
    let text = "x".repeat(1000);
    let say = |i: u64| {
        let sender = Sender { user: "u1".parse().unwrap(), session: None };
        stage.delivery.send(sender, draft("g.team", &format!("m{i}"), &text))
    };
    // Stored by the call, in memory: no task has had a turn when the last is.
    let said: Vec<_> = numbers.map(say).collect();
    for said in said {
        said.await.unwrap();
    }
}

/// The window is counted in messages and the outbox in bytes and age, however many messages one push has.
#[tokio::test(start_paused = true)]
async fn who_does_not_read_bursts_holds_a_window_and_is_closed_for_his_age() {
    let stage = Stage::new(&["u0", "u1"]).await;
    stage.group("team", &["u0", "u1"]).await;
    let (slow, slow_task) = stage.login_with("u0", "phone", 256).await;
    let mut other = stage.login("u1", "phone").await;
    let session = stage.hub.sessions_of(&"u0".parse().unwrap()).remove(0);
    for first in (1..=600).step_by(24) {
        burst(&stage, first..=first + 23).await;
        for i in first..first + 24 {
            let (conversation, seq, text) = other.delivery().await;
            assert_eq!((conversation.as_str(), seq, text.len()), ("g.team", i, 1000));
        }
        other.ack("g.team", first + 23).await;
        let (queued, sent) = (session.connection().queued(), (first + 23).min(192));
        // Some 60 bytes beside each text; 256 went into the pipe.
        let (least, most) = (sent as usize * 1000 - 256, sent as usize * 1100);
        assert!((least..most).contains(&queued.bytes), "{sent} messages: {queued:?}");
        assert_eq!(queued.messages, sent as usize, "each message of a piece is one");
    }
    assert_eq!(slow_task.await.unwrap().reason, Reason::SlowConsumer);
    drop(slow);
    let mut back = stage.login("u0", "phone").await;
    for i in 1..=600 {
        assert_eq!(back.delivery().await.1, i);
        back.ack("g.team", i).await;
    }
}

/// A window that is full in the middle of a burst: the rest comes from the log, none of it twice.
#[tokio::test(start_paused = true)]
async fn a_window_cuts_a_burst_and_the_log_has_the_rest() {
    let stage = Stage::new(&["u0", "u1"]).await;
    stage.group("team", &["u0", "u1"]).await;
    let mut peer = stage.login_with("u0", "phone", 1 << 20).await.0;
    for first in (1..=300).step_by(60) {
        burst(&stage, first..=first + 59).await;
    }
    for i in 1..=192 {
        assert_eq!(peer.delivery().await.1, i);
    }
    peer.hears_nothing().await;
    peer.ack("g.team", 186).await;
    for i in 193..=300 {
        assert_eq!(peer.delivery().await.1, i);
    }
    peer.ack("g.team", 300).await;
    until("he has all", || stage.is_quiet()).await;
}

/// What a user of cim says himself is not shown to him, and is no hole in what he is sent around it.
#[tokio::test]
async fn a_burst_to_cim_leaves_out_what_is_his_own_and_is_marked_as_a_whole() {
    let lines = LineSettings { cim: true, ..Setting::default().lines };
    let stage = Stage::set(Setting { lines, ..Setting::default() }, &["ann"]).await;
    let (zs, _) = stage.accounts.cim().register("zs").await.unwrap();
    let own = format!("cim-{zs}");
    let port = stage.listen();
    let mut peer = port.cim(Dialect::Cim21, zs, "zs").await;
    eventually("he is online and caught up", || stage.is_online(&own) && stage.is_quiet()).await;
    let say = |(i, user): (usize, &str)| {
        let sender = Sender { user: user.parse().unwrap(), session: None };
        stage.delivery.send(sender, draft("all", &format!("m{i}"), &format!("{user} {i}")))
    };
    let said: Vec<_> = [&*own, "ann", &*own, "ann", "ann", &*own].into_iter().enumerate().map(say).collect();
    for said in said {
        said.await.unwrap();
    }
    for i in [1, 3, 4] {
        assert_eq!(peer.next_of_cim().await.unwrap().text, format!("ann {i}"));
    }
    eventually("it is marked as delivered", || stage.is_quiet()).await;
    assert_eq!(stage.marks(&own, "cim").await, [("m.all".to_owned(), 6)]);
}
