//! Races: a message is cancelled or edited in the moment that it goes, and by several nodes.

use std::sync::Arc;

use bytes::Bytes;
use keepline_server::clock::Clock as _;
use keepline_server::message::Kind;
use keepline_server::schedule::{Edit, ScheduleError};
use keepline_server::store::memory::Memory;

use super::{Post, node, said, text};
use crate::support::cue::Cue;
use crate::support::id;
use crate::support::wall::Wall;

/// Whoever is told that it was cancelled never sees it, and whoever is told that it is too late sees it once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_in_the_moment_of_sending_is_one_or_the_other() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    // One node makes and sends, the other sends as well and cancels.
    let nodes = [node(store.clone(), &post, &wall).await, node(store.clone(), &post, &wall).await];
    let (ann, mut expected, mut cancelled) = (id("ann"), 0, 0);
    for round in 0..300_u32 {
        let sent = nodes[0].create(&ann, text("once"), wall.now_ms()).await.unwrap();
        for _ in 0..round % 8 {
            tokio::task::yield_now().await;
        }
        match nodes[1].cancel(&ann, &sent).await {
            Ok(()) => cancelled += 1,
            Err(ScheduleError::AlreadySent) => expected += 1,
            Err(error) => panic!("round {round}: {error}"),
        }
    }
    post.stored(expected).await;
    drop(nodes);
    println!("{cancelled} cancelled, {expected} sent");
    assert_eq!((said(&store).await.len(), post.texts().len()), (expected, expected));
}

/// What is said is what the last edit that was taken says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_in_the_moment_of_sending_is_one_or_the_other() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let schedules = Arc::new(node(store.clone(), &post, &wall).await);
    let ann = id("ann");
    let mut expected = Vec::new();
    for round in 0..300_u32 {
        let sent = schedules.create(&ann, text(&format!("{round} before")), wall.now_ms()).await.unwrap();
        for _ in 0..round % 8 {
            tokio::task::yield_now().await;
        }
        let message = Some((Kind::Text, Bytes::from(format!("{round} after"))));
        match schedules.edit(&ann, &sent, Edit { message, due_ms: None }).await {
            Ok(()) => expected.push(format!("{round} after")),
            Err(ScheduleError::AlreadySent) => expected.push(format!("{round} before")),
            Err(error) => panic!("round {round}: {error}"),
        }
    }
    post.stored(300).await;
    let mut said = said(&store).await;
    said.sort();
    expected.sort();
    assert_eq!(said, expected);
}

/// Put off in the moment that it was due: it does not go then, and goes when it is due.
#[tokio::test(start_paused = true)]
async fn what_is_put_off_again_and_again_goes_once_at_the_last_time() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let nodes = [node(store.clone(), &post, &wall).await, node(store.clone(), &post, &wall).await];
    let ann = id("ann");
    let mut due_ms = wall.now_ms() + 1_000;
    let sent = nodes[0].create(&ann, text("once"), due_ms).await.unwrap();
    for round in 0..50 {
        let left = due_ms - wall.now_ms();
        tokio::time::sleep(std::time::Duration::from_millis(left - 1)).await;
        due_ms += 1_000;
        nodes[round % 2].edit(&ann, &sent, Edit { message: None, due_ms: Some(due_ms) }).await.unwrap();
    }
    let stored = post.stored(1).await;
    assert!((due_ms..=due_ms + 1).contains(&stored[0].at_ms));
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    assert_eq!(said(&store).await, ["once"]);
}

/// A node that the feed told nothing looks at the old time, sees that it was put off, and sends at the new one.
#[tokio::test(start_paused = true)]
async fn what_another_node_put_off_does_not_go_at_the_old_time() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let sends = node(Cue::silent(store.clone()), &post, &wall).await;
    let (ann, now) = (id("ann"), wall.now_ms());
    let sent = sends.create(&ann, text("once"), now + 1_000).await.unwrap();
    let edits = node(store.clone(), &post, &wall).await;
    edits.edit(&ann, &sent, Edit { message: None, due_ms: Some(now + 10_000) }).await.unwrap();
    drop(edits);
    let stored = post.stored(1).await;
    assert!((now + 10_000..=now + 10_001).contains(&stored[0].at_ms), "{stored:?}");
}
