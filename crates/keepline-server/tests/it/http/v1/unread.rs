//! Unread: what is counted in the list of conversations, and where the count stops.

use keepline_server::conversation::Conversation;
use keepline_server::id::MessageId;
use keepline_server::message::{Kind, Message};
use keepline_server::store::{Append, Expected, Store};
use serde_json::{Value, json};

use crate::http::fixture::Fixture;

const TEAM: &str = "p.ann.bob";

async fn say(server: &Fixture, token: &str, text: &str) {
    let path = format!("/conversations/{TEAM}/messages");
    assert_eq!(server.v1("POST", &path, token, json!({ "text": text })).await.status, 201);
}

/// How many messages of the conversation are unread, and whether there are more, once its head is known to be this.
async fn unread(server: &Fixture, token: &str, head: u64) -> (String, bool) {
    let head = &head.to_string();
    loop {
        let listed = server.v1("GET", "/conversations", token, Value::Null).await.json();
        let of = |it: &&Value| it["conversation"] == TEAM && it["head"] == *head;
        if let Some(it) = listed["conversations"].as_array().unwrap().iter().find(of) {
            return (it["unread"].as_str().unwrap().to_owned(), it["unread_more"].as_bool().unwrap());
        }
        // The directory hears of a message after its sender does.
        tokio::task::yield_now().await;
    }
}

async fn mark(server: &Fixture, token: &str, seq: u64) {
    let path = format!("/conversations/{TEAM}/read");
    assert_eq!(server.v1("PUT", &path, token, json!({ "seq": seq.to_string() })).await.status, 204);
}

/// There is no end of users who might be, and each mark is a row of the store.
#[tokio::test]
async fn a_mark_at_nothing_leaves_none() {
    let server = Fixture::new().await;
    let ann = server.user("ann").await;
    let marked = server.v1("PUT", "/conversations/p.ann.nobody/read", &ann, json!({ "seq": "0" })).await;
    assert_eq!(marked.status, 204);
    assert_eq!(server.store.marks("r.ann").await.unwrap(), []);
}

#[tokio::test]
async fn only_what_others_said_and_can_still_be_read_is_unread() {
    let server = Fixture::new().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    for (number, token) in [&ann, &bob, &ann, &ann, &bob].into_iter().enumerate() {
        say(&server, token, &format!("message {number}")).await;
    }
    let both = async || (unread(&server, &ann, 5).await.0, unread(&server, &bob, 5).await.0);
    assert_eq!(both().await, ("2".into(), "3".into()));
    mark(&server, &bob, 1).await;
    assert_eq!(both().await, ("2".into(), "2".into()));
    // Retention drops the first three, of which each had some.
    let log = TEAM.parse::<Conversation>().unwrap().log();
    server.store.trim(&log, 3).await.unwrap();
    assert_eq!(both().await, ("1".into(), "1".into()));
    mark(&server, &ann, 5).await;
    server.store.trim(&log, 5).await.unwrap();
    assert_eq!(both().await, ("0".into(), "0".into()));
    assert!(!unread(&server, &bob, 5).await.1);
}

#[tokio::test]
async fn a_count_stops_at_a_thousand_messages_or_256_kib() {
    for (messages, bytes, of_bob, expected) in [
        (1000, 1, 0, ("1000", false)),
        (1001, 1, 0, ("1000", true)),
        (1001, 1, 400, ("600", true)),
        (4, 60_000, 0, ("4", false)),
        (6, 60_000, 0, ("4", true)),
    ] {
        let server = Fixture::new().await;
        let (_, bob) = (server.user("ann").await, server.user("bob").await);
        let log = TEAM.parse::<Conversation>().unwrap().log();
        for number in 0..messages {
            let sender = if number < of_bob { "bob" } else { "ann" };
            let sender = sender.parse().unwrap();
            let body = "x".repeat(bytes).into();
            // In the year 2109: too young for retention, whatever the clock says.
            let body = Message { sender, kind: Kind::Text, body, at_ms: 1 << 42 }.to_record();
            let id = MessageId::new(u128::try_from(number).unwrap().to_be_bytes());
            let append = Append { log: log.clone(), expected: Expected::Any, id, body };
            let _ = server.store.append(append).await.unwrap();
        }
        let (count, more) = unread(&server, &bob, u64::try_from(messages).unwrap()).await;
        assert_eq!((count.as_str(), more), expected, "{messages} of {bytes} bytes, {of_bob} of them bob's");
    }
}
