//! Limits: the feed's length, the longest record, and what is told when they are reached.

use bytes::Bytes;
use keepline_server::store::{Append, FEED, LARGEST, Outcome, StoreError};
use tokio::sync::broadcast::error::RecvError;

use super::engine::{Engine, append_all, log, message, seqs};

/// The feed tells each record once, each log's in order, and a repetition not at all.
pub(crate) async fn the_feed_tells_each_record_in_order(engine: &mut dyn Engine) {
    let store = engine.store();
    append_all(&*store, &log("m.all"), 1..=2).await;
    let mut feed = store.subscribe();
    let names = [log("m.all"), log("m.g.x")];
    let calls: Vec<_> = (3..=60).map(|number| store.append(message(&names[number as usize % 2], number))).collect();
    for call in calls {
        assert!(matches!(call.await, Ok(Outcome::Appended(_))));
    }
    assert_eq!(store.append(message(&names[1], 5)).await, Ok(Outcome::Duplicate(2)));
    let mut told = [2, 0];
    for _ in 3..=60 {
        let committed = feed.recv().await.unwrap();
        let which = usize::from(committed.log == names[1]);
        told[which] += 1;
        assert_eq!(committed.record.seq, told[which], "{}", committed.log);
        assert_eq!(committed.epoch, store.head(&names[which]).await.unwrap().epoch);
        let stored = store.read(&committed.log, committed.record.seq - 1, super::engine::ALL).await.unwrap();
        assert_eq!(stored.first(), Some(&committed.record), "what is told is stored, and the same");
    }
    assert!(feed.try_recv().is_err(), "a repetition is not told");
}

/// Who does not listen learns how many he missed, and finds them in the log.
pub(crate) async fn a_slow_listener_is_told_what_he_missed(engine: &mut dyn Engine) {
    let store = engine.store();
    let all = log("m.all");
    let mut feed = store.subscribe();
    let most = FEED as u64 + 100;
    let mut stored = 0;
    while stored < most {
        let calls: Vec<_> = (stored + 1..=most.min(stored + 1000)).map(|n| store.append(message(&all, n))).collect();
        for call in calls {
            assert!(matches!(call.await, Ok(Outcome::Appended(_))));
            stored += 1;
        }
    }
    let Err(RecvError::Lagged(missed)) = feed.recv().await else { panic!("nothing was missed") };
    assert_eq!(feed.recv().await.unwrap().record.seq, missed + 1);
    assert!(missed >= 100);
    assert_eq!(seqs(&*store, &all, 0).await.unwrap().len() as u64, most, "the log has them all");
}

/// The largest body is stored, a larger one refused, and nothing stored for it.
pub(crate) async fn a_body_over_the_limit_is_refused(engine: &mut dyn Engine) {
    let store = engine.store();
    let all = log("m.all");
    let with = |number, length| Append { body: Bytes::from(vec![b'x'; length]), ..message(&all, number) };
    let refused = Err(StoreError::TooLarge { length: LARGEST + 1, limit: LARGEST });
    assert_eq!(store.append(with(1, LARGEST + 1)).await, refused);
    assert_eq!(store.append(with(1, LARGEST)).await, Ok(Outcome::Appended(1)));
    assert_eq!(store.append(with(2, 0)).await, Ok(Outcome::Appended(2)), "an empty one is a record too");
    let records = store.read(&all, 0, super::engine::ALL).await.unwrap();
    assert_eq!(records.iter().map(|record| record.body.len()).collect::<Vec<_>>(), [LARGEST, 0]);
}

/// A closed store has written all that it took, and is closed again without harm.
pub(crate) async fn a_closed_store_has_written_everything(engine: &mut dyn Engine) {
    let store = engine.store();
    let all = log("m.all");
    let calls: Vec<_> = (1..=100).map(|number| store.append(message(&all, number))).collect();
    store.close().await;
    store.close().await;
    for (call, number) in calls.into_iter().zip(1..) {
        assert_eq!(call.await, Ok(Outcome::Appended(number)), "what was taken is written");
    }
    if engine.reopen().await {
        assert_eq!(seqs(&*engine.store(), &all, 0).await.unwrap(), (1..=100).collect::<Vec<_>>());
    }
}
