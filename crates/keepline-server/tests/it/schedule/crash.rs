//! Crash: each step of sending fails, hangs, or is the last before the process ends; the message is there once.

use std::time::Duration;

use keepline_server::clock::Clock as _;
use keepline_server::schedule::ScheduleError;
use keepline_server::store::memory::Memory;
use tokio::time::{Instant, sleep};

use super::{Fate, Post, node, said, text};
use crate::support::cue::{Cue, Fate as Write};
use crate::support::id;
use crate::support::wall::Wall;

/// What becomes of the appends behind the first, which makes the delayed message; what of the deliveries; and within
/// how many seconds it is there all the same.
type Row = (&'static [Write], &'static [Fate], u64);

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_is_done_again_and_the_message_is_there_once() {
    use Write::{AnswerLost, Done, Hangs, Lost, Refused};
    let table: [Row; 15] = [
        (&[Done], &[], 0),
        // The claim.
        (&[Refused, Refused, Refused], &[], 4),
        (&[AnswerLost, AnswerLost], &[], 1),
        (&[Lost, Lost], &[], 1),
        (&[Lost; 6], &[], 2),
        (&[AnswerLost; 12], &[], 2),
        // The delivery.
        (&[], &[Fate::Later, Fate::Later, Fate::Later], 4),
        (&[], &[Fate::DoneThenLater, Fate::Done], 0),
        (&[], &[Fate::Hangs], 31),
        (&[], &[Fate::DoneThenHangs], 0),
        (&[], &[Fate::Panics, Fate::Panics], 2),
        // The end.
        (&[Done, Refused, Refused], &[], 0),
        (&[Done, AnswerLost], &[], 0),
        (&[Done, Lost, Lost, Lost, Lost, Lost, Lost], &[], 0),
        // Everything.
        (&[Lost, Done, Refused, AnswerLost], &[Fate::DoneThenLater, Fate::Panics, Fate::Later], 1),
    ];
    assert!(!table.iter().any(|(writes, ..)| writes.contains(&Hangs)));
    for (row, (writes, fates, within_s)) in table.into_iter().enumerate() {
        let (memory, wall) = (Memory::new(), Wall::new());
        let store = Cue::new(memory.clone(), "s.", &[&[Done], writes].concat());
        let post = Post::new(memory.clone(), &wall, fates);
        let schedules = node(store.clone(), &post, &wall).await;
        let sent = schedules.create(&id("ann"), text("once"), wall.now_ms() + 1_000).await.unwrap();
        let due = Instant::now() + Duration::from_secs(1);
        post.stored(1).await;
        assert!(
            due.elapsed() <= Duration::from_secs(within_s) + Duration::from_millis(1),
            "row {row}: {:?}",
            due.elapsed()
        );
        // Far longer than any wait: what would be sent again was.
        sleep(Duration::from_secs(600)).await;
        assert!(store.is_over(), "row {row}");
        assert_eq!(said(&memory).await, ["once"], "row {row}");
        assert_eq!(schedules.get(&id("ann"), &sent).await, Err(ScheduleError::AlreadySent), "row {row}");
        assert_eq!(schedules.list(&id("ann"), None, 10).await.unwrap().items, [], "row {row}");
        assert!(fates.len() <= *post.calls.borrow(), "row {row}");
    }
}

/// The process ends at each place where it can: before and after each append and each delivery.
#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_steps_loses_and_doubles_nothing() {
    use Write::{Done, Hangs};
    let table: [(&str, &[Write], &[Fate]); 6] = [
        ("before it was due", &[], &[]),
        ("the claim is stored, nobody knows", &[Hangs], &[]),
        ("claimed, and not delivered", &[], &[Fate::Hangs]),
        ("delivered, nobody knows", &[], &[Fate::DoneThenHangs]),
        ("the end is stored, nobody knows", &[Done, Hangs], &[]),
        ("done", &[Done, Done], &[]),
    ];
    for (name, writes, fates) in table {
        let (memory, wall) = (Memory::new(), Wall::new());
        let post = Post::new(memory.clone(), &wall, fates);
        let store = Cue::new(memory.clone(), "s.", &[&[Done], writes].concat());
        let before = node(store, &post, &wall).await;
        let sent = before.create(&id("ann"), text("once"), wall.now_ms() + 1_000).await.unwrap();
        sleep(Duration::from_millis(if name == "before it was due" { 999 } else { 1_010 })).await;
        drop(before);
        sleep(Duration::from_secs(1)).await;

        let began = Instant::now();
        let after = node(memory.clone(), &post, &wall).await;
        post.stored(1).await;
        assert!(began.elapsed() <= Duration::from_millis(1), "{name}: at once");
        sleep(Duration::from_secs(600)).await;
        assert_eq!(said(&memory).await, ["once"], "{name}");
        assert_eq!(after.get(&id("ann"), &sent).await, Err(ScheduleError::AlreadySent), "{name}");
    }
}

/// A node that began to send and fell is not waited for longer than a minute.
#[tokio::test(start_paused = true)]
async fn another_node_sends_what_a_fallen_one_began() {
    let (memory, wall, ahead) = (Memory::new(), Wall::new(), Wall::new());
    // By its clock it is due half a second earlier, so it is the first.
    ahead.jump(500);
    let hangs = Post::new(memory.clone(), &ahead, &[Fate::Hangs]);
    let works = Post::new(memory.clone(), &wall, &[]);
    let falls = node(memory.clone(), &hangs, &ahead).await;
    let _stays = node(memory.clone(), &works, &wall).await;
    let due_ms = wall.now_ms() + 1_000;
    falls.create(&id("ann"), text("once"), due_ms).await.unwrap();
    hangs.called(1).await;
    drop(falls);
    let stored = works.stored(1).await;
    assert!((due_ms + 60_000..=due_ms + 60_001).contains(&stored[0].at_ms), "{stored:?}");
    assert_eq!(said(&memory).await, ["once"]);
}
