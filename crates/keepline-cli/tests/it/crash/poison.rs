//! Poison: row B10: messages whose delivery panics for one receiver: what they cost him, and that they cost nobody else.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use keepline_check::{Counter, Expect};
use keepline_server::store::memory::Memory;

use super::crowd::{Crowd, seed};
use super::inside::Inside;
use super::serving::Place;

/// Panics that the run is about.
const PANICS: u64 = 100;
/// Deliveries of one message, each of which ends a line.
const DELIVERIES: u64 = 3;

/// Of the messages to the victim, which is in a private conversation and in a group: about one of 40.
fn is_poison(body: &[u8]) -> bool {
    body.iter().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into())).is_multiple_of(40)
}

#[test]
fn b10_poison_ends_three_lines_of_its_receiver_and_nothing_of_others() {
    let (place, sprung) = (Place::new(), Arc::new(AtomicU64::new(0)));
    let counts = Arc::clone(&sprung);
    let server = Inside::start_trapped(place, Memory::new(), move |user, body| {
        if user.as_str() == "c0" && is_poison(body) && counts.fetch_add(1, Relaxed) < PANICS * 2 {
            // Without the hook, which would print each.
            resume_unwind(Box::new("poison"));
        }
    });
    let mut crowd = Crowd::gather(place.server);
    crowd.send(Duration::from_millis(1), seed());
    crowd.wait("panics", || sprung.load(Relaxed) >= PANICS);
    let (panics, aside) =
        (|| server.metric("keepline_deliveries_panicked_total"), || server.metric("keepline_messages_put_aside_total"));
    // What was sent is delivered, or put aside: the panics end.
    let report = crowd.judge(Expect::default());
    println!("{report}\n{} panics, {} messages put aside", panics(), aside());
    assert!(panics() >= PANICS && aside() * DELIVERIES <= panics(), "{} and {}", panics(), aside());
    assert!(aside() > 0);
    assert_eq!(report.red(), [Counter::FalseGap], "{report}");
    assert_eq!(report.count(Counter::FalseGap), aside(), "each is told as gone, and nothing else: {report}");
    server.stop();
}
