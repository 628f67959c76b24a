//! What is given to the application, what is saved, and what the server is told.

use super::*;

mod model;

fn mark(conversation: &str, epoch: u64, seq: u64) -> Mark {
    Mark { conversation: conversation.into(), epoch, seq }
}

fn all() -> Arc<str> {
    "all".into()
}

const NEW: Arrival = Arrival::New { gone: None };

/// A line in epoch 1, on which everything up to `seq` of "all" has come.
fn up_to(seq: u64) -> Positions {
    let mut positions = Positions::default();
    positions.on_up(1);
    for seq in 1..=seq {
        assert_eq!(positions.on_deliver(&all(), seq), NEW);
    }
    positions
}

/// Saves everything and acknowledges it; what was acknowledged.
fn settle(positions: &mut Positions) -> Vec<u64> {
    for mark in positions.unsaved().collect::<Vec<_>>() {
        positions.saved(&mark);
    }
    let mut acks = Vec::new();
    while let Some(mark) = positions.next_ack() {
        positions.acked(&mark);
        acks.push(mark.seq);
    }
    acks
}

#[test]
fn one_acknowledgement_stands_for_all_that_is_done_and_waits_until_it_is_saved() {
    let mut positions = up_to(5);
    assert_eq!(positions.unsaved().next(), None);
    assert_eq!(positions.next_ack(), None);
    positions.done(&mark("all", 1, 2));
    positions.done(&mark("all", 1, 4));
    positions.done(&mark("all", 1, 3));
    assert_eq!(positions.unsaved().next(), Some(mark("all", 1, 4)));
    assert_eq!(positions.next_ack(), None, "not saved");
    assert!(!positions.is_settled());
    assert_eq!(settle(&mut positions), [4]);
    assert!(positions.is_settled());
    assert_eq!(settle(&mut positions), []);
}

#[test]
fn a_mark_that_can_not_be_is_none() {
    let mut positions = up_to(5);
    for wrong in [mark("all", 1, 6), mark("all", 2, 3), mark("g.x", 1, 1), mark("all", 1, 0)] {
        positions.done(&wrong);
        assert_eq!(positions.unsaved().next(), None, "{wrong:?}");
    }
}

#[test]
fn what_comes_again_is_dropped_and_acknowledged_again_as_far_as_it_came() {
    let mut positions = up_to(5);
    positions.done(&mark("all", 1, 4));
    assert_eq!(settle(&mut positions), [4]);
    positions.on_up(1);
    // The acknowledgement was lost, and the server sends from the start, before it reads the resume.
    assert_eq!(positions.next_resume(), Some(mark("all", 1, 4)));
    assert_eq!(positions.on_deliver(&all(), 1), Arrival::Dropped);
    assert_eq!(positions.on_deliver(&all(), 2), Arrival::Dropped);
    assert_eq!(settle(&mut positions), [2], "never more than it has sent on this line");
    positions.resumed(&mark("all", 1, 4));
    assert_eq!(positions.next_resume(), None);
    assert_eq!(positions.on_deliver(&all(), 5), Arrival::Dropped, "the application has it");
    assert_eq!(settle(&mut positions), []);
    assert_eq!(positions.on_deliver(&all(), 6), NEW);
    positions.done(&mark("all", 1, 6));
    assert_eq!(settle(&mut positions), [6]);
}

#[test]
fn a_hole_is_asked_about_and_what_the_server_does_not_have_is_told_as_gone() {
    let mut positions = up_to(2);
    // It believes that we have more: as after our own data was set back.
    assert_eq!(positions.on_deliver(&all(), 10), Arrival::Dropped);
    assert_eq!(positions.next_resume(), Some(mark("all", 1, 0)));
    assert_eq!(positions.on_deliver(&all(), 11), Arrival::Dropped);
    positions.resumed(&mark("all", 1, 0));
    assert_eq!(positions.on_deliver(&all(), 12), Arrival::Dropped, "was on its way already");
    assert_eq!(positions.on_deliver(&all(), 1), Arrival::Dropped);
    assert_eq!(positions.on_deliver(&all(), 3), NEW);
    // The next hole stays one: the user was not in the conversation.
    assert_eq!(positions.on_deliver(&all(), 20), Arrival::Dropped);
    positions.resumed(&mark("all", 1, 0));
    assert_eq!(positions.on_deliver(&all(), 20), Arrival::New { gone: Some((4, 19)) });
    assert_eq!(positions.on_deliver(&all(), 21), NEW);
}

#[test]
fn a_gap_counts_as_received_and_is_told_as_far_as_it_is_news() {
    let table = [(1, 5, Some((3, 5))), (3, 3, Some((3, 3))), (1, 2, None), (5, 6, None), (4, 3, None)];
    for (from, to, told) in table {
        let mut positions = up_to(2);
        assert_eq!(positions.on_gap(&all(), from, to), told, "{from} to {to}");
        let Some((_, to)) = told else { continue };
        positions.done(&mark("all", 1, to));
        assert_eq!(settle(&mut positions), [to]);
        assert_eq!(positions.on_deliver(&all(), to + 1), NEW);
    }
    let mut positions = up_to(0);
    assert_eq!(positions.on_gap(&"g.new".into(), 1, 4), Some((1, 4)), "the first word of a conversation");
    // A hole in front of a gap is part of it.
    let mut positions = up_to(2);
    assert_eq!(positions.on_gap(&all(), 5, 6), None);
    positions.resumed(&mark("all", 1, 0));
    assert_eq!(positions.on_gap(&all(), 5, 6), Some((3, 6)));
}

#[test]
fn numbers_at_the_ends_of_the_range_are_numbers() {
    let mut positions = up_to(2);
    assert_eq!(positions.on_deliver(&all(), 0), Arrival::Dropped);
    assert_eq!(positions.on_gap(&all(), 0, u64::MAX), Some((3, u64::MAX)));
    for seq in [1, u64::MAX - 1, u64::MAX] {
        assert_eq!(positions.on_deliver(&all(), seq), Arrival::Dropped);
    }
    assert_eq!(positions.on_gap(&all(), u64::MAX, u64::MAX), None);
    positions.done(&mark("all", 1, u64::MAX));
    assert_eq!(settle(&mut positions), [u64::MAX]);
    assert_eq!(positions.on_deliver(&"g.x".into(), 0), Arrival::Dropped);
    assert_eq!(positions.on_deliver(&"g.y".into(), u64::MAX), NEW);
}

#[test]
fn an_account_of_another_epoch_is_void_once_the_server_says_so() {
    let mut positions = up_to(9);
    positions.done(&mark("all", 1, 9));
    settle(&mut positions);
    positions.on_up(2);
    assert_eq!(positions.next_resume(), Some(mark("all", 1, 9)));
    // Number 10 of the other numbering: nobody knows what lies before it.
    assert_eq!(positions.on_deliver(&all(), 10), Arrival::Dropped);
    positions.resumed(&mark("all", 1, 9));
    assert_eq!(positions.on_deliver(&all(), 11), Arrival::Dropped);
    assert_eq!(settle(&mut positions), []);
    positions.on_reset(&all(), 2, 7);
    assert_eq!(positions.unsaved().next(), Some(mark("all", 2, 7)), "a new start begins here too");
    assert_eq!(settle(&mut positions), []);
    positions.done(&mark("all", 1, 9));
    assert_eq!(positions.on_deliver(&all(), 8), NEW);
    positions.done(&mark("all", 2, 8));
    assert_eq!(settle(&mut positions), [8]);
}

#[test]
fn stored_marks_are_told_on_the_first_line_and_again_only_if_they_are_in_doubt() {
    let mut positions = Positions::load([mark("all", 1, 4), mark("g.x", 1, 2)]);
    positions.on_up(1);
    for expected in [mark("all", 1, 4), mark("g.x", 1, 2)] {
        assert_eq!(positions.next_resume(), Some(expected.clone()));
        positions.resumed(&expected);
    }
    assert!(!positions.has_resumes());
    assert_eq!(positions.on_deliver(&all(), 5), NEW);
    positions.done(&mark("all", 1, 5));
    assert_eq!(settle(&mut positions), [5]);
    positions.on_up(1);
    assert_eq!(positions.next_resume(), Some(mark("all", 1, 5)));
    positions.resumed(&mark("all", 1, 5));
    assert!(!positions.has_resumes());
}

#[test]
fn a_server_can_not_fill_the_memory_with_conversations() {
    let mut positions = up_to(1);
    for number in 0..MOST + 100 {
        let _ = positions.on_deliver(&format!("g.{number}").into(), 1);
    }
    assert_eq!(positions.by_conversation.len(), MOST, "none of them is done, so none is dropped");
    let mut positions = up_to(1);
    for number in 0..MOST + 100 {
        let conversation: Arc<str> = format!("g.{number}").into();
        assert_eq!(positions.on_deliver(&conversation, 1), NEW);
        positions.done(&Mark { conversation, epoch: 1, seq: 1 });
        settle(&mut positions);
    }
    assert!(positions.by_conversation.len() <= MOST);
    assert!(positions.by_conversation.contains_key("all"), "what is not done is kept");
}
