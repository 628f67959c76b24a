//! What waits for the application, and what is only counted.

use std::sync::Arc;

use keepline_proto::Duration;

use super::super::message::{Kind, Mark, Message, MessageId};
use super::*;

fn message(seq: u64, bytes: usize) -> Event {
    Event::Message(Message {
        conversation: "all".into(),
        epoch: 1,
        seq,
        sender: "ann".to_owned(),
        id: MessageId::from_bytes([0; 16]),
        kind: Kind::Text,
        body: vec![b'a'; bytes].into(),
        at_ms: 0,
    })
}

fn rtt(ms: u64) -> Event {
    Event::Rtt(Duration::from_millis(ms))
}

fn take(inbox: &mut Inbox) -> Option<String> {
    inbox.take(Waker::noop()).map(|event| match event {
        Event::Message(message) => format!("m{}", message.seq),
        Event::Rtt(rtt) => rtt.to_string(),
        other => format!("{other:?}"),
    })
}

#[test]
fn it_is_full_by_messages_or_by_bytes_and_has_room_when_they_are_taken() {
    for (limits, bytes) in
        [(InboxLimits { messages: 3, bytes: 1 << 20 }, 1), (InboxLimits { messages: 100, bytes: 3000 }, 1000)]
    {
        let mut inbox = Inbox::new(limits);
        for seq in 1..=3 {
            assert!(inbox.has_room(), "{limits:?} {seq}");
            inbox.put(message(seq, bytes));
        }
        assert!(!inbox.has_room());
        assert_eq!(take(&mut inbox).as_deref(), Some("m1"));
        assert!(inbox.has_room());
        while take(&mut inbox).is_some() {}
        assert_eq!((inbox.messages, inbox.bytes, inbox.others), (0, 0, 0));
    }
}

#[test]
fn messages_are_never_missed_and_the_rest_is_counted_in_its_place() {
    let mut inbox = Inbox::new(InboxLimits { messages: 1000, bytes: 1 << 20 });
    for ms in 1..=70 {
        inbox.put(rtt(ms));
    }
    inbox.put(message(1, 1));
    inbox.put(Event::Reset(Mark { conversation: Arc::from("all"), epoch: 2, seq: 0 }));
    inbox.put(rtt(71));
    inbox.put_last(Event::Closed);
    let told: Vec<_> = std::iter::from_fn(|| take(&mut inbox)).collect();
    assert_eq!((told.len(), told[63].as_str()), (64 + 5, "64ms"));
    assert_eq!(told[64..66], ["Missed(6)", "m1"]);
    assert!(told[66].starts_with("Reset"));
    assert_eq!(told[67..], ["Missed(1)", "Closed"]);
}

#[test]
fn without_a_reader_nothing_is_kept() {
    let mut inbox = Inbox::new(InboxLimits { messages: 1, bytes: 1 });
    inbox.put(message(1, 1));
    assert!(!inbox.has_room());
    inbox.abandon();
    inbox.put(message(2, 1));
    inbox.put_last(Event::Closed);
    assert!(inbox.has_room() && !inbox.is_read() && inbox.queue.is_empty());
}
