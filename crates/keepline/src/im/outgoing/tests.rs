//! What is sent, when, and again.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const LIMITS: SendLimits = SendLimits { messages: 100, bytes: 1 << 20 };

fn id(number: u8) -> MessageId {
    MessageId::from_bytes([number; 16])
}

fn at(ms: u64) -> Instant {
    Instant::START + Duration::from_millis(ms)
}

fn push(outgoing: &mut Outgoing, number: u8, conversation: &str, bytes: usize) -> Sending {
    outgoing.push(id(number), conversation.into(), Kind::Custom, vec![0; bytes].into()).unwrap()
}

/// Sends all that goes; the numbers of the messages.
fn go(outgoing: &mut Outgoing, now: Instant) -> Vec<u8> {
    let mut sent = Vec::new();
    while let Some(send) = outgoing.next(now) {
        sent.push(send.message_id[0]);
        outgoing.sent(&send.message_id);
    }
    sent
}

fn ack(number: u8, seq: u64) -> v1::SendAck {
    v1::SendAck { message_id: id(number).to_bytes().to_vec().into(), seq, duplicate: false, at_ms: 5 }
}

fn refusal(number: u8, code: &str, retry: bool) -> v1::SendRefused {
    let message_id = id(number).to_bytes().to_vec().into();
    v1::SendRefused { message_id, code: code.to_owned(), detail: "why".to_owned(), retry }
}

#[test]
fn what_was_not_answered_goes_again_in_order_with_its_id() {
    let mut outgoing = Outgoing::new(LIMITS);
    let sendings: Vec<_> = (1..=4).map(|number| push(&mut outgoing, number, "all", 1)).collect();
    assert!(sendings.iter().all(|sending| sending.state() == SendState::Waiting));
    assert_eq!(go(&mut outgoing, at(0)), [1, 2, 3, 4]);
    outgoing.on_ack(&ack(2, 7));
    assert!(matches!(sendings[1].state(), SendState::Acknowledged(Receipt { seq: 7, at_ms: 5, .. })));
    assert_eq!(sendings[0].state(), SendState::OnItsWay);
    outgoing.on_down();
    assert_eq!(sendings[0].state(), SendState::Waiting);
    let _younger = push(&mut outgoing, 5, "all", 1);
    assert_eq!(go(&mut outgoing, at(0)), [1, 3, 4, 5]);
    // The answer of the line that ended, and a second one, are as good as any.
    outgoing.on_down();
    for number in [3, 3, 2, 1, 4, 5] {
        outgoing.on_ack(&ack(number, 1));
    }
    assert!(outgoing.is_empty());
    assert_eq!((outgoing.waiting(), outgoing.on_its_way, outgoing.bytes_on_their_way), ((0, 0), 0, 0));
}

#[test]
fn what_the_limits_or_the_server_would_refuse_is_refused_at_once() {
    let mut outgoing = Outgoing::new(SendLimits { messages: 2, bytes: 100 });
    let long = "x".repeat(257);
    let table: [(&str, Kind, &[u8], &str); 6] = [
        ("", Kind::Text, b"a", "the name of a conversation has 1 to 256 bytes"),
        (&long, Kind::Text, b"a", "the name of a conversation has 1 to 256 bytes"),
        ("all", Kind::Text, b"\xff", "a text must be UTF-8"),
        ("all", Kind::File, &[0; 61_441], "a body of 61441 bytes is over the limit of 61440"),
        (
            "all",
            Kind::File,
            &[0; 101],
            "0 messages with 0 bytes wait for the server already: send again when some have gone",
        ),
        ("all", Kind::Text, &[b'a'; 60], ""),
    ];
    for (row, (conversation, kind, body, said)) in table.into_iter().enumerate() {
        let result = outgoing.push(id(1), conversation.into(), kind, Bytes::copy_from_slice(body));
        assert_eq!(result.err().map(|error| error.to_string()).unwrap_or_default(), said, "row {row}");
    }
    assert_eq!(
        outgoing.push(id(2), "all".into(), Kind::File, vec![0; 41].into()).err(),
        Some(SendError::Full { messages: 1, bytes: 60 })
    );
    let _second = push(&mut outgoing, 2, "all", 0);
    let full = outgoing.push(id(3), "all".into(), Kind::File, Bytes::new()).err();
    assert_eq!(full, Some(SendError::Full { messages: 2, bytes: 60 }));
    go(&mut outgoing, at(0));
    outgoing.on_ack(&ack(1, 1));
    let _third = push(&mut outgoing, 3, "all", 100);
}

#[test]
fn a_window_of_messages_and_of_bytes_is_on_its_way() {
    let mut outgoing = Outgoing::new(SendLimits { messages: 100, bytes: 8 << 20 });
    let _small: Vec<_> = (0..40).map(|number| push(&mut outgoing, number, "all", 1)).collect();
    assert_eq!(go(&mut outgoing, at(0)).len(), WINDOW);
    outgoing.on_ack(&ack(5, 1));
    assert_eq!(go(&mut outgoing, at(0)), [32]);

    let mut outgoing = Outgoing::new(SendLimits { messages: 100, bytes: 8 << 20 });
    let _large: Vec<_> = (0..20).map(|number| push(&mut outgoing, number, "all", 60_000)).collect();
    assert_eq!(go(&mut outgoing, at(0)).len(), WINDOW_BYTES / 60_000);
}

#[test]
fn a_message_that_is_put_off_holds_its_conversation_back_and_no_other() {
    let mut outgoing = Outgoing::new(LIMITS);
    let first = push(&mut outgoing, 1, "g.a", 1);
    assert_eq!(go(&mut outgoing, at(0)), [1]);
    outgoing.on_refused(refusal(1, "storage_full", true), at(1000));
    assert!(matches!(first.state(), SendState::PutOff(Refusal { code, .. }) if code == "storage_full"));
    let _same = push(&mut outgoing, 2, "g.a", 1);
    let _other = push(&mut outgoing, 3, "g.b", 1);
    assert_eq!(go(&mut outgoing, at(1199)), [3]);
    assert_eq!(outgoing.due(at(1199)), Some(at(1200)));
    assert_eq!(outgoing.due(at(1200)), None);
    assert_eq!(go(&mut outgoing, at(1200)), [1, 2]);
    // Its waits grow, up to a bound.
    let mut now = 1200;
    for wait in [400, 800, 1600, 3200, 6400, 10_000, 10_000] {
        outgoing.on_refused(refusal(1, "rate_limited", true), at(now));
        assert_eq!(outgoing.due(at(now)), Some(at(now + wait)));
        now += wait;
        assert_eq!(go(&mut outgoing, at(now)), [1]);
    }
    outgoing.on_refused(refusal(1, "not_member", false), at(now));
    assert!(matches!(first.state(), SendState::Refused(Refusal { code, .. }) if code == "not_member"));
}

#[tokio::test]
async fn at_the_end_each_message_has_its_last_word() {
    let mut outgoing = Outgoing::new(LIMITS);
    let stored = push(&mut outgoing, 1, "all", 1);
    let refused = push(&mut outgoing, 2, "all", 1);
    let mut maybe = push(&mut outgoing, 3, "all", 1);
    go(&mut outgoing, at(0));
    outgoing.on_down();
    let never = push(&mut outgoing, 4, "all", 1);
    outgoing.on_ack(&ack(1, 9));
    outgoing.on_refused(refusal(2, "too_large", false), at(0));
    outgoing.end();
    assert_eq!(stored.await.unwrap().seq, 9);
    assert_eq!(refused.await.unwrap_err().to_string(), "too_large: why");
    assert_eq!(maybe.next_state().await, Some(SendState::Ended(Unsent::MaybeSent)));
    assert_eq!(maybe.next_state().await, None);
    assert_eq!(maybe.await, Err(NotStored::Ended(Unsent::MaybeSent)));
    assert_eq!(never.await, Err(NotStored::Ended(Unsent::NotSent)));
    assert!(outgoing.is_empty());
}

/// What may happen to the messages.
#[derive(Clone, Debug)]
enum Step {
    Push {
        conversation: u8,
    },
    Go,
    /// The server answers the oldest message that it has, so: stored, stored and the answer lost, put off.
    Answer(Answer),
    Down,
    Later,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Stored,
    Lost,
    PutOff,
}

fn step() -> impl Strategy<Value = Step> {
    let answer = prop_oneof![4 => Just(Answer::Stored), 1 => Just(Answer::Lost), 1 => Just(Answer::PutOff)];
    prop_oneof![
        4 => (0_u8..3).prop_map(|conversation| Step::Push { conversation }),
        4 => Just(Step::Go),
        6 => answer.prop_map(Step::Answer),
        1 => Just(Step::Down),
        2 => Just(Step::Later),
    ]
}

proptest! {
    #[test]
    fn however_lines_end_each_message_is_stored_once_and_answered(steps in vec(step(), 1..200)) {
        let mut outgoing = Outgoing::new(LIMITS);
        let (mut now, mut count) = (at(0), 0_u8);
        let mut sendings = Vec::new();
        // What the line carries to the server, and what the server has stored, each once.
        let mut wire: VecDeque<u8> = VecDeque::new();
        let mut stored: Vec<u8> = Vec::new();
        let finish = [Step::Down, Step::Later, Step::Go].into_iter().chain((0..100).map(|_| Step::Answer(Answer::Stored)));
        let rounds = finish.cycle().take(103 * 4);
        for step in steps.into_iter().chain(rounds) {
            match step {
                Step::Push { conversation } if count < 100 => {
                    count += 1;
                    sendings.push(push(&mut outgoing, count, &conversation.to_string(), 10));
                }
                Step::Push { .. } => {}
                Step::Go => wire.extend(go(&mut outgoing, now)),
                Step::Answer(answer) => {
                    let Some(number) = wire.pop_front() else { continue };
                    if matches!(answer, Answer::PutOff) && !stored.contains(&number) {
                        outgoing.on_refused(refusal(number, "unavailable", true), now);
                        continue;
                    }
                    if !stored.contains(&number) {
                        stored.push(number);
                    }
                    if matches!(answer, Answer::Lost) {
                        // Answers are lost with their line only.
                        wire.clear();
                        outgoing.on_down();
                    } else {
                        outgoing.on_ack(&ack(number, 1));
                    }
                }
                Step::Down => {
                    wire.clear();
                    outgoing.on_down();
                }
                Step::Later => now = now + Duration::from_secs(20),
            }
            prop_assert!(outgoing.on_its_way <= WINDOW);
            prop_assert_eq!(outgoing.waiting(), (outgoing.list().len(), outgoing.list().len() * 10));
        }
        prop_assert!(outgoing.is_empty(), "{:?}", outgoing.list());
        prop_assert_eq!(stored.len(), sendings.len());
        for sending in &sendings {
            prop_assert!(matches!(sending.state(), SendState::Acknowledged(_)), "{:?}", sending.state());
        }
    }
}
