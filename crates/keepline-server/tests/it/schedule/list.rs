//! List: what an owner sees of his delayed messages, and how he changes them.

use std::sync::Arc;

use bytes::Bytes;
use keepline_server::clock::Clock as _;
use keepline_server::id::{ScheduleId, UserId};
use keepline_server::message::{Kind, LARGEST_BODY};
use keepline_server::schedule::{Cursor, Edit, LONGEST_DELAY_MS, MOST, Progress, ScheduleError, Schedules};
use keepline_server::store::Store;
use keepline_server::store::memory::Memory;

use super::{Fate, Post, node, text};
use crate::support::cue::{Cue, Fate as Write};
use crate::support::id;
use crate::support::wall::Wall;

const HOUR: u64 = 3_600_000;

/// The texts of all pages of a list.
async fn texts(schedules: &Schedules, owner: &UserId, limit: usize) -> Vec<String> {
    let (mut texts, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let page = schedules.list(owner, after.as_ref(), limit).await.unwrap();
        assert!(page.items.len() <= limit);
        assert!(after.is_none() || !page.items.is_empty(), "a page behind the end");
        texts.extend(page.items.iter().map(|item| String::from_utf8(item.message.body.to_vec()).unwrap()));
        match page.next {
            // As it would come back from a client.
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => return texts,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_sees_his_own_by_the_time_they_are_due() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let schedules = node(store.clone(), &post, &wall).await;
    let due = |hours| wall.now_ms() + hours * HOUR;
    for (owner, hours) in [("ann", 5), ("bob", 1), ("ann", 2), ("ann", 9), ("ann", 7), ("ann", 2)] {
        schedules.create(&id(owner), text(&hours.to_string()), due(hours)).await.unwrap();
    }
    for limit in 1..7 {
        assert_eq!(texts(&schedules, &id("ann"), limit).await, ["2", "2", "5", "7", "9"], "by {limit}");
    }
    assert_eq!(texts(&schedules, &id("bob"), 10).await, ["1"]);
    assert_eq!(schedules.list(&id("carl"), None, 10).await.unwrap().items, []);

    let item = schedules.list(&id("bob"), None, 10).await.unwrap().items.remove(0);
    assert_eq!(item, schedules.get(&id("bob"), &item.id).await.unwrap());
    assert_eq!((item.due_ms, item.created_ms, item.state), (due(1), wall.now_ms(), Progress::Waiting));
    // After a restart as well, and nobody else's eyes.
    let again = node(store, &post, &wall).await;
    assert_eq!(texts(&again, &id("ann"), 2).await, ["2", "2", "5", "7", "9"]);
    assert_eq!(again.get(&id("ann"), &item.id).await, Err(ScheduleError::NotFound));
    assert_eq!(again.cancel(&id("ann"), &item.id).await, Err(ScheduleError::NotFound));
    assert_eq!(again.edit(&id("ann"), &item.id, Edit::default()).await, Err(ScheduleError::NotFound));
    assert_eq!(again.cancel(&id("bob"), &id("nothing")).await, Err(ScheduleError::NotFound));
}

#[test]
fn a_cursor_is_what_a_list_gave() {
    for bad in ["", ".", "7", "7.", ".x", "x.y", "-1.x", "7.a.b", "99999999999999999999.x", "7.a b"] {
        assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
    }
    assert_eq!("7.x".parse::<Cursor>().unwrap().to_string(), "7.x");
}

#[tokio::test(start_paused = true)]
async fn text_and_time_can_be_edited_until_it_goes() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let schedules = node(store, &post, &wall).await;
    let (ann, now) = (id("ann"), wall.now_ms());
    let words = |text: &'static str| Some((Kind::Text, Bytes::from_static(text.as_bytes())));
    let make = async |text_: &str| schedules.create(&ann, text(text_), now + HOUR).await.unwrap();
    let [said, sooner, later, gone] =
        [make("said").await, make("sooner").await, make("later").await, make("gone").await];
    schedules.edit(&ann, &said, Edit { message: words("said otherwise"), due_ms: None }).await.unwrap();
    schedules.edit(&ann, &sooner, Edit { message: None, due_ms: Some(now + 1_000) }).await.unwrap();
    schedules.edit(&ann, &later, Edit { message: words("much later"), due_ms: Some(now + 9 * HOUR) }).await.unwrap();
    schedules.cancel(&ann, &gone).await.unwrap();
    schedules.cancel(&ann, &gone).await.unwrap();
    assert_eq!(schedules.edit(&ann, &gone, Edit::default()).await, Err(ScheduleError::Cancelled));
    assert_eq!(schedules.get(&ann, &gone).await, Err(ScheduleError::Cancelled));
    assert_eq!(texts(&schedules, &ann, 10).await, ["sooner", "said otherwise", "much later"]);

    let stored = post.stored(3).await;
    let went: Vec<_> = stored.iter().map(|one| (one.text.as_str(), (one.at_ms - now) / 1000)).collect();
    assert_eq!(went, [("sooner", 1), ("said otherwise", 3_600), ("much later", 9 * 3_600)]);
    for over in [said, sooner, later] {
        assert_eq!(schedules.cancel(&ann, &over).await, Err(ScheduleError::AlreadySent));
        assert_eq!(schedules.edit(&ann, &over, Edit::default()).await, Err(ScheduleError::AlreadySent));
    }
    assert_eq!(texts(&schedules, &ann, 10).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_for_good_is_listed_until_it_is_cancelled() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[Fate::Refused]);
    let schedules = node(store.clone(), &post, &wall).await;
    let ann = id("ann");
    let mut feed = store.subscribe();
    let failed = schedules.create(&ann, text("x"), wall.now_ms()).await.unwrap();
    // Made, begun, refused.
    for _ in 0..3 {
        feed.recv().await.unwrap();
    }
    let after_restart = node(store.clone(), &post, &wall).await;
    for schedules in [&schedules, &after_restart] {
        let item = schedules.list(&ann, None, 10).await.unwrap().items.remove(0);
        assert_eq!((item.id, item.state), (failed.clone(), Progress::Failed { code: "not_member".to_owned() }));
    }
    assert_eq!(schedules.edit(&ann, &failed, Edit::default()).await, Err(ScheduleError::AlreadySent));
    schedules.cancel(&ann, &failed).await.unwrap();
    assert_eq!(schedules.list(&ann, None, 10).await.unwrap().items, []);
    assert_eq!(post.texts(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn there_are_limits() {
    let (memory, wall) = (Memory::new(), Wall::new());
    let post = Post::new(memory.clone(), &wall, &[]);
    // Each answer is lost once: there is time for others between the look at the limit and what is stored.
    let store = Cue::new(memory, "s.", &[Write::AnswerLost, Write::Done].repeat(MOST + 9));
    let schedules = Arc::new(node(store, &post, &wall).await);
    let (ann, now): (UserId, _) = (id("ann"), wall.now_ms());
    let late = ScheduleError::TooLate { limit_ms: LONGEST_DELAY_MS };
    assert_eq!(schedules.create(&ann, text("x"), now + LONGEST_DELAY_MS + 1).await, Err(late.clone()));
    let large = text(&"x".repeat(LARGEST_BODY + 1));
    assert_eq!(schedules.create(&ann, large.clone(), now).await.unwrap_err().code(), "too_large");
    let first = schedules.create(&ann, text(&"x".repeat(LARGEST_BODY)), now + LONGEST_DELAY_MS).await.unwrap();
    let edit = Edit { message: None, due_ms: Some(wall.now_ms() + LONGEST_DELAY_MS + 1) };
    assert_eq!(schedules.edit(&ann, &first, edit).await, Err(late));
    let edit = Edit { message: Some((Kind::Text, large.body)), due_ms: None };
    assert_eq!(schedules.edit(&ann, &first, edit).await.unwrap_err().code(), "too_large");

    // All at once, and a few too many.
    let tries: Vec<_> = (0..MOST + 9)
        .map(|_| {
            let (schedules, ann) = (schedules.clone(), ann.clone());
            tokio::spawn(async move { schedules.create(&ann, text("x"), now + HOUR).await })
        })
        .collect();
    let mut refused = 0;
    for attempt in tries {
        if let Err(error) = attempt.await.unwrap() {
            assert_eq!(error, ScheduleError::TooMany { limit: MOST });
            refused += 1;
        }
    }
    assert_eq!(refused, 10);
    schedules.create(&id("bob"), text("x"), now + HOUR).await.unwrap();
    schedules.cancel(&ann, &first).await.unwrap();
    schedules.create(&ann, text("x"), now + HOUR).await.unwrap();
}

/// A page of large bodies ends before it is too large for an answer.
#[tokio::test(start_paused = true)]
async fn a_page_ends_behind_a_mebibyte() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let schedules = node(store, &post, &wall).await;
    let body = "x".repeat(LARGEST_BODY);
    for _ in 0..40 {
        schedules.create(&id("ann"), text(&body), wall.now_ms() + HOUR).await.unwrap();
    }
    let page = schedules.list(&id("ann"), None, 100).await.unwrap();
    assert_eq!(page.items.len(), (1 << 20) / LARGEST_BODY + 1);
    assert_eq!(texts(&schedules, &id("ann"), 100).await.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_drops_what_is_over_since_a_day() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let schedules = node(store.clone(), &post, &wall).await;
    let (ann, now) = (id("ann"), wall.now_ms());
    let mut feed = store.subscribe();
    let sent = schedules.create(&ann, text("sent"), now).await.unwrap();
    let past = schedules.create(&ann, text("past"), 0).await.unwrap();
    let gone = schedules.create(&ann, text("gone"), now + 48 * HOUR).await.unwrap();
    let kept = schedules.create(&ann, text("kept"), now + 48 * HOUR).await.unwrap();
    schedules.cancel(&ann, &gone).await.unwrap();
    // Four made, one cancelled, two begun, said and done.
    for _ in 0..11 {
        feed.recv().await.unwrap();
    }
    let bytes = async |id: &ScheduleId| {
        let log = keepline_server::store::LogName::new(&format!("s.{id}"));
        store.head(&log).await.unwrap().bytes
    };
    assert!(bytes(&sent).await < 50 && bytes(&gone).await < 50, "what they said is not kept");
    for (later_ms, swept) in [(0, 0), (24 * 3_600_000, 0), (1, 3), (1, 0)] {
        wall.jump(later_ms);
        assert_eq!(schedules.sweep().await.unwrap(), swept);
        if swept == 0 && later_ms != 1 {
            assert_eq!(schedules.cancel(&ann, &gone).await, Ok(()), "cancelled again");
            assert_eq!(schedules.cancel(&ann, &sent).await, Err(ScheduleError::AlreadySent));
            assert_eq!(schedules.cancel(&ann, &past).await, Err(ScheduleError::AlreadySent));
        }
    }
    let left = store.logs("s.", None, 9).await.unwrap();
    assert_eq!(left.iter().map(|(log, _)| log.to_string()).collect::<Vec<_>>(), [format!("s.{kept}")]);
    assert_eq!(schedules.get(&ann, &kept).await.unwrap().message, text("kept"));
    for id in [&sent, &gone, &past] {
        assert_eq!(schedules.get(&ann, id).await, Err(ScheduleError::NotFound));
    }
}
