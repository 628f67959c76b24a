//! Accounts of what has come: holes, repetitions, other numberings, and how the server is told.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use keepline::im::{Cursors, Event, InMemory, InboxLimits, Kind, Mark};
use keepline::wire::im::v1::{self, frame::Body};
use tokio::time::Instant;

use super::server::{Said, Server, chat, next, numbers, options};

fn mark(conversation: &str, epoch: u64, seq: u64) -> Mark {
    Mark { conversation: conversation.into(), epoch, seq }
}

fn resume(conversation: &str, epoch: u64, seq: u64) -> Said {
    Said::Body(Body::Resume(v1::Resume { conversation: conversation.to_owned(), epoch, seq }))
}

fn ack(conversation: &str, seq: u64) -> Said {
    Said::Body(Body::DeliverAck(v1::DeliverAck { conversation: conversation.to_owned(), seq }))
}

#[tokio::test(start_paused = true)]
async fn a_hole_is_asked_about_and_the_application_sees_none() {
    let (chat, mut events, mut net) = chat(options());
    let mut server = Server::welcome(&mut net, 5).await;
    server.deliver("all", 1).await;
    server.deliver("all", 4).await;
    server.deliver("all", 5).await;
    assert_eq!(numbers(&mut events, 1).await, [1]);
    assert_eq!(server.next().await, resume("all", 5, 0));
    for seq in 1..=5 {
        server.deliver("all", seq).await;
    }
    assert_eq!(numbers(&mut events, 4).await, [2, 3, 4, 5]);
    chat.done(&mark("all", 5, 5));
    assert_eq!(server.next().await, ack("all", 5));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_skips_for_good_is_told_as_a_gap() {
    let (_chat, mut events, mut net) = chat(options());
    let mut server = Server::welcome(&mut net, 5).await;
    server.deliver("g.team", 1).await;
    // Thrown out, and taken in again: what was said between is not the user's.
    server.deliver("g.team", 9).await;
    assert_eq!(server.next().await, resume("g.team", 5, 0));
    server.deliver("g.team", 1).await;
    server.deliver("g.team", 9).await;
    assert_eq!(numbers(&mut events, 1).await, [1]);
    let gap = |event: &Event| match event {
        Event::Gap(gap) => Some((gap.from, gap.to, gap.mark().seq)),
        Event::Message(message) => panic!("{message:?}"),
        _ => None,
    };
    assert_eq!(next(&mut events, gap).await, (2, 8, 8));
    assert_eq!(numbers(&mut events, 1).await, [9]);
}

#[tokio::test(start_paused = true)]
async fn a_line_of_another_epoch_gives_nothing_until_the_server_has_reset_the_account() {
    let (chat, mut events, mut net) = chat(options());
    let mut server = Server::welcome(&mut net, 5).await;
    server.deliver("all", 1).await;
    assert_eq!(numbers(&mut events, 1).await, [1]);
    chat.done(&mark("all", 5, 1));
    assert_eq!(server.next().await, ack("all", 1));
    drop(server);
    let mut server = Server::welcome(&mut net, 6).await;
    // It does not know yet that the account is another.
    server.deliver("all", 2).await;
    assert_eq!(server.next().await, resume("all", 5, 1));
    server.say(Body::Reset(v1::Reset { conversation: "all".into(), epoch: 6, seq: 0 })).await;
    server.deliver("all", 1).await;
    server.deliver("all", 2).await;
    let reset = |event: &Event| match event {
        Event::Reset(mark) => Some(mark.clone()),
        Event::Message(message) => panic!("{message:?}"),
        _ => None,
    };
    assert_eq!(next(&mut events, reset).await, mark("all", 6, 0));
    assert_eq!(numbers(&mut events, 2).await, [1, 2]);
    chat.done(&mark("all", 5, 1));
    chat.done(&mark("all", 6, 2));
    assert_eq!(server.next().await, ack("all", 2));
}

/// What one line has said and nobody has taken by the time when the next is up: its number means another message there.
#[tokio::test(start_paused = true)]
async fn what_an_older_line_has_said_is_not_taken_for_a_word_of_the_newer() {
    let mut options = options();
    options.inbox = InboxLimits::SMALLEST;
    let all: Vec<u64> = (1..).take(options.inbox.messages).collect();
    let (_chat, mut events, mut net) = chat(options);
    let mut server = Server::welcome(&mut net, 5).await;
    // These take all the room that there is.
    for seq in &all {
        server.deliver("all", *seq).await;
    }
    server.deliver("g.team", 7).await;
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    drop(server);
    let mut server = Server::welcome(&mut net, 6).await;
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    assert_eq!(numbers(&mut events, all.len()).await, all);
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    server.deliver("g.team", 8).await;
    assert_eq!(numbers(&mut events, 1).await, [8]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_accounts_do_not_hold_up_a_message() {
    const MARKS: usize = 300;
    let cursors = Arc::new(InMemory::default());
    let marks: Vec<Mark> = (0..MARKS).map(|number| mark(&format!("g.{number}"), 5, 1)).collect();
    cursors.save(&marks).unwrap();
    let mut options = options();
    options.cursors = Some(cursors);
    let (chat, _events, mut net) = chat(options);
    let _sending = chat.send("all", Kind::Text, "hello").unwrap();
    let mut server = Server::welcome(&mut net, 5).await;
    let (start, mut resumes, mut before) = (Instant::now(), 0, None);
    while resumes < MARKS {
        match server.next().await {
            Said::Body(Body::Resume(_)) => resumes += 1,
            Said::Body(Body::Send(_)) => before = Some(resumes),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(before, Some(50));
    let took = start.elapsed().as_secs();
    assert!((24..27).contains(&took), "{took} s for the other 250 at ten a second");
    assert!(server.hears_nothing_for(StdDuration::from_secs(3)).await);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_wait_is_read_no_further_than_there_is_room() {
    let mut options = options();
    options.inbox = InboxLimits::SMALLEST;
    let (chat, mut events, mut net) = chat(options);
    let mut server = Server::welcome(&mut net, 5).await;
    let writing = tokio::spawn(async move {
        for seq in 1..=100_000 {
            server.deliver("all", seq).await;
        }
        server
    });
    tokio::time::sleep(StdDuration::from_secs(5)).await;
    let held = chat.state().bytes_in;
    // 321 frames of 35 bytes or so, and what the line has read in one go.
    assert!(held < 128 << 10, "{held} bytes were read");
    assert!(!writing.is_finished(), "the rest waits with the server");
    assert_eq!(numbers(&mut events, 2000).await, (1..=2000).collect::<Vec<_>>());
    writing.abort();
}
