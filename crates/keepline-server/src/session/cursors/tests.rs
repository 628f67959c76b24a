//! Tests of the cursors: one session by itself, message by message.

use super::*;

/// The weight of every message.
const BYTES: usize = 10;

fn all() -> Conversation {
    Conversation::Everyone
}

#[test]
fn the_live_push_goes_on_only_from_exactly_where_the_session_is() {
    let mut cursors = Cursors::default();
    assert_eq!(cursors.offer(&all(), 5, BYTES, 1), Offer::Push, "caught up: 4 was the last");
    assert_eq!(cursors.offer(&all(), 5, BYTES, 2), Offer::Leave, "told twice");
    assert_eq!(cursors.offer(&all(), 6, BYTES, 2), Offer::Push);
    assert_eq!(cursors.offer(&all(), 8, BYTES, 3), Offer::Leave, "a hole");
    assert_eq!(cursors.offer(&all(), 9, BYTES, 3), Offer::Leave, "and all that comes behind it");
    assert_eq!(cursors.next_read().map(|(_, after, _)| after), Some(6));
    for seq in 7..=9 {
        assert!(cursors.push(&all(), seq, BYTES, 3));
    }
    cursors.catch_up(&all(), 10);
    assert_eq!(cursors.offer(&all(), 10, BYTES, 4), Offer::Leave, "10 is known: it is read");
    assert!(cursors.push(&all(), 10, BYTES, 4));
    cursors.catch_up(&all(), 10);
    assert_eq!(cursors.offer(&all(), 11, BYTES, 5), Offer::Push);
    assert_eq!(cursors.position(&all()), Some((4, 11)));
}

#[test]
fn an_acknowledgement_frees_what_it_covers_and_never_more() {
    let mut cursors = Cursors::default();
    for seq in 1..=3 {
        assert_eq!(cursors.offer(&all(), seq, BYTES, seq), Offer::Push);
    }
    assert_eq!(cursors.ack(&all(), 4), Ack::Beyond);
    assert_eq!(cursors.ack(&all(), 2), Ack::Moved);
    assert_eq!(cursors.ack(&all(), 2), Ack::Old);
    assert_eq!((cursors.messages, cursors.bytes), (1, 10));
    assert_eq!(cursors.ack_pushes(2), [], "that push was acknowledged");
    assert_eq!(cursors.ack_pushes(9), [(all(), 3)]);
    cursors.settle(&all(), 2);
    assert!(!cursors.is_empty(), "3 is still to be offered to others, and perhaps again to this one");
    cursors.settle(&all(), 3);
    assert!(cursors.is_empty() && !cursors.is_waiting());
    assert_eq!((cursors.messages, cursors.bytes), (0, 0));
}

#[test]
fn a_full_window_leaves_the_rest_to_the_log() {
    let mut cursors = Cursors::default();
    for seq in 1..=WINDOW_MESSAGES as u64 {
        assert_eq!(cursors.offer(&all(), seq, BYTES, seq), Offer::Push);
    }
    let next = WINDOW_MESSAGES as u64 + 1;
    assert_eq!(cursors.offer(&all(), next, BYTES, next), Offer::Leave);
    assert!(!cursors.has_work() && cursors.next_read().is_none(), "no room");
    assert_eq!(cursors.ack(&all(), 6), Ack::Moved);
    let (_, after, page) = cursors.next_read().unwrap();
    assert_eq!((after, page.records), (next - 1, 6), "no more than there is room for");
}

#[test]
fn conversations_take_turns() {
    let mut cursors = Cursors::default();
    let names = ["all", "g.a", "g.b"].map(|name| name.parse::<Conversation>().unwrap());
    for name in &names {
        cursors.fall_behind(name, 7);
    }
    let read: Vec<_> = (0..6).filter_map(|_| cursors.next_read()).map(|(name, ..)| name.to_string()).collect();
    let mut sorted = names.map(|name| (name.clone(), name.to_string()));
    sorted.sort();
    let once = sorted.map(|(_, name)| name);
    assert_eq!(read, [once.clone(), once].concat());
}

#[test]
fn what_lies_before_its_beginning_is_not_for_a_session() {
    let known = Known { told: 3, offered: 2 };
    let mut cursors = Cursors::default();
    cursors.begin(&all(), 4, known);
    for (seq, offer) in [(3, Offer::Leave), (4, Offer::Leave), (5, Offer::Push)] {
        assert_eq!(cursors.offer(&all(), seq, BYTES, 1), offer, "{seq}");
    }
    let mut cursors = Cursors::default();
    cursors.begin(&all(), 2, known);
    assert_eq!(cursors.next_read().map(|(_, after, _)| after), Some(2));
    let mut cursors = Cursors::default();
    cursors.begin(&all(), 3, Known { told: 3, offered: 3 });
    assert!(cursors.is_empty(), "nothing to remember");
}

#[test]
fn where_a_device_says_it_is_it_goes_on() {
    let begin = || {
        let mut cursors = Cursors::default();
        for seq in 3..=6 {
            assert_eq!(cursors.offer(&all(), seq, BYTES, seq), Offer::Push);
        }
        assert_eq!(cursors.ack(&all(), 4), Ack::Moved);
        cursors
    };
    // Where it says it is: what is acknowledged and sent then, and what is still on the way.
    let table = [(1, (1, 1), 0), (4, (4, 6), 2), (5, (5, 6), 1), (6, (6, 6), 0), (9, (9, 9), 0)];
    for (seq, position, waiting) in table {
        let mut cursors = begin();
        let _ = cursors.place(&all(), seq);
        assert_eq!((cursors.position(&all()), cursors.messages), (Some(position), waiting), "{seq}");
    }
}
