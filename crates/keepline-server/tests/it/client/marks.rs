//! What an application is done with, over processes and over the server's own changes of mind.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use keepline::im::{Cursors, Event, InMemory, Mark};
use keepline_server::store::memory::Memory;

use super::house::*;

#[tokio::test(start_paused = true)]
async fn what_was_not_done_comes_again_in_the_next_process_and_the_rest_does_not() {
    let house = House::new().await;
    for number in 1..=10 {
        house.stage().say("ann", TALK, &number.to_string()).await.unwrap();
    }
    let (ben, mut events) = house.chat("ben", "desk").await;
    for seq in 1..=10 {
        let got = message(&mut events).await;
        assert_eq!(got.seq, seq);
        if seq == 7 {
            ben.done(&got.mark());
        }
    }
    ben.close().await;
    let (_ben, mut events) = house.chat("ben", "desk").await;
    for seq in 8..=10 {
        assert_eq!(message(&mut events).await.seq, seq);
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_was_set_back_gets_again_what_the_server_thinks_it_has() {
    let house = House::new().await;
    for number in 1..=5 {
        house.stage().say("ann", TALK, &number.to_string()).await.unwrap();
    }
    let cursors = Arc::new(InMemory::default());
    let mut options = house.options("ben", "desk").await;
    options.cursors = Some(Arc::clone(&cursors) as Arc<dyn Cursors>);
    let (ben, mut events) = house.chat_with(options.clone());
    let epoch = up(&mut events).await.epoch;
    let mut last = None;
    for _ in 1..=5 {
        last = Some(message(&mut events).await.mark());
    }
    ben.done(&last.unwrap());
    ben.close().await;
    assert_eq!(cursors.load().unwrap(), [mark(TALK, epoch, 5)]);
    cursors.save(&[mark(TALK, epoch, 2)]).unwrap();
    let (_ben, mut events) = house.chat_with(options);
    for seq in 3..=5 {
        assert_eq!(message(&mut events).await.seq, seq);
    }
}

#[tokio::test(start_paused = true)]
async fn another_numbering_is_told_as_a_reset_and_begins_anew() {
    let mut house = House::new().await;
    house.stage().say("ann", TALK, "old").await.unwrap();
    house.stage().say("ann", TALK, "old too").await.unwrap();
    let cursors = Arc::new(InMemory::default());
    let mut options = house.options("ben", "desk").await;
    options.cursors = Some(Arc::clone(&cursors) as Arc<dyn Cursors>);
    let (ben, mut events) = house.chat_with(options.clone());
    for _ in 0..2 {
        ben.done(&message(&mut events).await.mark());
    }
    ben.close().await;
    house.kill();
    house.start(Memory::new()).await;
    house.stage().say("ann", TALK, "new").await.unwrap();
    options.token = house.options("ben", "desk").await.token;
    let (_ben, mut events) = house.chat_with(options);
    let epoch = up(&mut events).await.epoch;
    let reset = next(&mut events, |event| if let Event::Reset(mark) = event { Some(mark.clone()) } else { None }).await;
    assert_eq!(reset, mark(TALK, epoch, 0));
    assert_eq!(&*message(&mut events).await.text(), "new");
    house.stage().say("ann", TALK, "newer").await.unwrap();
    assert_eq!(&*message(&mut events).await.text(), "newer");
}

#[tokio::test(start_paused = true)]
async fn what_the_person_has_read_is_told_also_if_he_read_it_while_the_line_was_down() {
    let mut house = House::new().await;
    for number in 1..=5 {
        house.stage().say("ann", TALK, &number.to_string()).await.unwrap();
    }
    let (ben, mut events) = house.chat("ben", "desk").await;
    let epoch = up(&mut events).await.epoch;
    for _ in 1..=5 {
        message(&mut events).await;
    }
    let store = house.kill();
    next(&mut events, |event| matches!(event, Event::Down { .. }).then_some(())).await;
    ben.read(mark(TALK, epoch, 2));
    ben.read(mark(TALK, epoch, 4));
    house.start(store).await;
    let read = || async { house.stage().store.marks("r.ben").await.unwrap() };
    let waiting = async {
        while !read().await.iter().any(|(log, seq)| log.as_str().ends_with(TALK) && *seq == 4) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(600), waiting).await.expect("the server has heard it");
}

/// Marks on a disk that is full for a while.
#[derive(Default)]
struct Full {
    is_full: AtomicBool,
    saved: Mutex<Vec<Mark>>,
}

impl Cursors for Full {
    fn load(&self) -> io::Result<Vec<Mark>> {
        Ok(Vec::new())
    }

    fn save(&self, marks: &[Mark]) -> io::Result<()> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.saved.lock().unwrap().extend_from_slice(marks);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_that_is_not_stored_and_storing_is_tried_again() {
    let house = House::new().await;
    house.stage().say("ann", TALK, "hello").await.unwrap();
    let cursors = Arc::new(Full::default());
    cursors.is_full.store(true, Ordering::Relaxed);
    let mut options = house.options("ben", "desk").await;
    options.cursors = Some(Arc::clone(&cursors) as Arc<dyn Cursors>);
    let (ben, mut events) = house.chat_with(options);
    let got = message(&mut events).await.mark();
    ben.done(&got);
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    assert!(house.stage().marks("ben", "desk").await.iter().all(|(_, seq)| *seq == 0));
    cursors.is_full.store(false, Ordering::Relaxed);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(*cursors.saved.lock().unwrap(), [got]);
    assert!(house.stage().marks("ben", "desk").await.iter().any(|(_, seq)| *seq == 1));
}
