//! Time: when a delayed message goes, with a clock that runs and with one that is set.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keepline_server::clock::Clock;
use keepline_server::schedule::Schedules;
use keepline_server::store::memory::Memory;
use tokio::time::{Instant, sleep, timeout};

use super::{Fate, Post, node, text};
use crate::support::id;
use crate::support::wall::Wall;

#[tokio::test(start_paused = true)]
async fn each_goes_when_it_is_due() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let schedules = node(store, &post, &wall).await;
    let now = wall.now_ms();
    // Not in the order that they are due; the first one's time is over.
    let delays: [i64; 9] = [-5_000, 90_000, 1, 59_999, 60_000, 60_001, 0, 86_400_000, 1_500];
    for delay in delays {
        let due_ms = now.checked_add_signed(delay).unwrap();
        schedules.create(&id("ann"), text(&delay.to_string()), due_ms).await.unwrap();
    }
    let mut stored = post.stored(delays.len()).await;
    stored.sort_by_key(|stored| stored.text.parse::<i64>().unwrap());
    for one in stored {
        let due_ms = now + one.text.parse::<i64>().unwrap().max(0).unsigned_abs();
        // tokio's timers have the grain of a millisecond, and are late by up to one.
        assert!((due_ms..=due_ms + 1).contains(&one.at_ms), "{one:?} is due at {due_ms}");
        assert_eq!(one.sender, id("ann"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_sooner_one_does_not_wait_for_a_later_one() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let schedules = node(store, &post, &wall).await;
    let now = wall.now_ms();
    schedules.create(&id("ann"), text("later"), now + 50_000).await.unwrap();
    // The task sleeps for the later one by now.
    sleep(Duration::from_secs(1)).await;
    schedules.create(&id("ann"), text("sooner"), now + 2_000).await.unwrap();
    let first = post.stored(1).await.remove(0);
    assert_eq!(first.text, "sooner");
    assert!(first.at_ms - now <= 2_001, "{first:?}");
}

/// The wall's clock is what counts. One that is set on is noticed within a minute; one that is set back makes nothing
/// early.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_is_noticed_within_a_minute() {
    // Due in, set by, and how late it may go: by the time that it is due or that the clock is set, whichever is later.
    let table = [(3_600, 3_600, 60_000), (3_600, 1_800, 1), (3_600, -600, 1), (30, 86_400, 30_001), (0, -86_400, 1)];
    for (delay_s, jump_s, most_late_ms) in table {
        let (store, wall) = (Memory::new(), Wall::new());
        let post = Post::new(store.clone(), &wall, &[]);
        let schedules = node(store, &post, &wall).await;
        let due_ms = wall.now_ms() + delay_s * 1000 + 2;
        schedules.create(&id("ann"), text("x"), due_ms).await.unwrap();
        // The task sleeps by now, by the clock as it was.
        sleep(Duration::from_millis(1)).await;
        wall.jump(jump_s * 1000);
        let earliest_ms = due_ms.max(wall.now_ms());
        let stored = post.stored(1).await;
        let range = earliest_ms..=earliest_ms + most_late_ms;
        assert!(range.contains(&stored[0].at_ms), "{jump_s} s: {range:?} {stored:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_overdue_at_the_start_goes_at_once() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[]);
    let before = node(store.clone(), &post, &wall).await;
    for number in 0..100 {
        before.create(&id("ann"), text(&number.to_string()), wall.now_ms() + 10_000 + number).await.unwrap();
    }
    drop(before);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(post.texts().len(), 0);
    let _after = node(store, &post, &wall).await;
    let began = Instant::now();
    post.stored(100).await;
    assert!(began.elapsed() <= Duration::from_millis(1));
}

/// However many wait for a conversation that takes nothing now, others go on time.
#[tokio::test(start_paused = true)]
async fn those_that_fail_do_not_keep_others_waiting() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[Fate::Later; 300]);
    let schedules = node(store, &post, &wall).await;
    let now = wall.now_ms();
    for number in 0..300 {
        schedules.create(&id("ann"), text(&number.to_string()), now).await.unwrap();
    }
    schedules.create(&id("bob"), text("on time"), now + 100).await.unwrap();
    let first = post.stored(1).await.remove(0);
    assert_eq!(first.text, "on time");
    assert!(first.at_ms <= now + 101);
    assert_eq!(post.stored(301).await.len(), 301);
}

/// Half a second, one, two and so on up to a minute; and one attempt at a time, also when a minute is over, after which
/// one that another node had begun would be taken over.
#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_after_ever_longer_waits() {
    let (store, wall) = (Memory::new(), Wall::new());
    let post = Post::new(store.clone(), &wall, &[Fate::Later; 100]);
    let schedules = node(store, &post, &wall).await;
    let began = Instant::now();
    schedules.create(&id("ann"), text("x"), wall.now_ms()).await.unwrap();
    let mut waited = Duration::ZERO;
    for (tried, wait_ms) in [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000].into_iter().enumerate()
    {
        post.called(tried + 1).await;
        waited += Duration::from_millis(wait_ms);
        let late = began.elapsed().checked_sub(waited);
        assert!(late.is_some_and(|late| late < Duration::from_millis(50)), "{tried}: {:?}", began.elapsed());
    }
}

/// A clock that once says an hour more than it is.
struct Glitch {
    wall: Wall,
    armed: AtomicBool,
}

impl Clock for Glitch {
    fn now_ms(&self) -> u64 {
        self.wall.now_ms() + if self.armed.swap(false, Ordering::SeqCst) { 3_600_000 } else { 0 }
    }
}

/// The clock is set back just after it has said that a message is due: it goes when it is due again.
#[tokio::test(start_paused = true)]
async fn what_was_due_for_a_moment_only_goes_when_it_is_due() {
    let (store, wall) = (Memory::new(), Wall::new());
    let clock = Arc::new(Glitch { wall: wall.clone(), armed: AtomicBool::new(false) });
    let post = Post::new(store.clone(), &wall, &[]);
    let schedules = Schedules::load_at(store, post.clone(), clock.clone()).await.unwrap();
    let due_ms = wall.now_ms() + 1_800_000;
    schedules.create(&id("ann"), text("x"), due_ms).await.unwrap();
    // The task sleeps by now; the first thing that it does when it looks again is to ask the time.
    sleep(Duration::from_millis(1)).await;
    clock.armed.store(true, Ordering::SeqCst);
    let stored = timeout(Duration::from_secs(7_200), post.stored(1)).await.unwrap();
    assert!(!clock.armed.load(Ordering::SeqCst));
    assert!((due_ms..=due_ms + 1).contains(&stored[0].at_ms), "{stored:?}");
}
