//! What was said before: pages and search.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::fixture::Fixture;

/// The numbers of the messages of an answer.
fn seqs(answer: &Value) -> Vec<u64> {
    let messages = answer["messages"].as_array().unwrap_or_else(|| panic!("{answer}"));
    messages.iter().map(|message| message["seq"].as_str().unwrap().parse().unwrap()).collect()
}

/// Ann's five messages to bob, and what bob's token is.
async fn five(server: &Fixture) -> (String, String) {
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    for text in ["one", "Two", "three", "TWO again", "five"] {
        let answer = server.v1("POST", "/conversations/p.ann.bob/messages", &ann, json!({ "text": text })).await;
        assert_eq!(answer.status, 201);
    }
    (ann, bob)
}

#[tokio::test]
async fn pages_go_both_ways_and_end() {
    let server = Fixture::new().await;
    let (_, bob) = five(&server).await;
    let path = "/conversations/p.ann.bob/messages?limit=2";
    let ways: [(&str, [&[u64]; 3]); 4] = [
        ("", [&[5, 4], &[3, 2], &[1]]),
        ("&before=6", [&[5, 4], &[3, 2], &[1]]),
        ("&after=0", [&[1, 2], &[3, 4], &[5]]),
        ("&before=2", [&[1], &[], &[]]),
    ];
    for (way, pages) in ways {
        let mut asked = format!("{path}{way}");
        for (i, page) in pages.iter().enumerate().filter(|(_, page)| !page.is_empty()) {
            let answer = server.v1("GET", &asked, &bob, Value::Null).await.json();
            assert_eq!(seqs(&answer), *page, "{way} {i}");
            let more = pages.get(i + 1).is_some_and(|page| !page.is_empty());
            assert_eq!(answer["next"].is_string(), more, "{way} {i}: {answer}");
            asked = format!("{path}&cursor={}", answer["next"].as_str().unwrap_or_default());
        }
    }
    for bad in ["&before=1&after=1", "&before=x", "&before=", "&cursor=x", "&limit=201", "&sender=ann"] {
        let answer = server.v1("GET", &format!("{path}{bad}"), &bob, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_request"), "{bad}");
    }
}

#[tokio::test]
async fn a_message_comes_back_as_it_was_sent() {
    let server = Fixture::new().await;
    let ann = server.user("ann").await;
    let path = "/conversations/p.ann.ann/messages";
    let sent = [
        json!({ "text": "ä 😀 \u{0}" }),
        json!({ "kind": "image", "data": "AP8=" }),
        json!({ "kind": "custom", "data": "" }),
    ];
    for (i, message) in sent.iter().enumerate() {
        let answer = server.v1("POST", path, &ann, message.clone()).await.json();
        let page = server.v1("GET", &format!("{path}?after={i}"), &ann, Value::Null).await.json();
        let mut expected = json!({ "conversation": "p.ann.ann", "sender": "ann", "kind": "text", "seq": answer["seq"],
            "id": answer["id"], "at_ms": answer["at_ms"] });
        for (key, value) in message.as_object().unwrap() {
            expected[key] = value.clone();
        }
        assert_eq!(page["messages"], json!([expected]));
    }
}

#[tokio::test]
async fn a_search_finds_texts_of_ones_own_conversations_only() {
    let server = Fixture::new().await;
    let (ann, bob) = five(&server).await;
    let eve = server.user("eve").await;
    let everyone = json!({ "text": "two for everyone" });
    assert_eq!(server.v1("POST", "/conversations/all/messages", &ann, everyone).await.status, 201);
    for (token, asked, found) in [
        (&bob, "query=two", &["TWO again", "Two", "two for everyone"][..]),
        (&eve, "query=two", &["two for everyone"]),
        (&bob, "query=two&conversation=p.ann.bob", &["TWO again", "Two"]),
        (&bob, "query=nothing", &[]),
        (&bob, "query=TW%4F%20AGAIN", &["TWO again"]),
    ] {
        let search = async {
            loop {
                let answer = server.v1("GET", &format!("/search?{asked}"), token, Value::Null).await.json();
                let texts = answer["messages"].as_array().unwrap().iter().map(|message| message["text"].clone());
                // A private conversation is found once the directory has heard of its first message.
                if texts.collect::<Vec<_>>() == found {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), search).await.unwrap_or_else(|_| panic!("{asked}"));
    }
    let mut asked = "/search?query=two&limit=1".to_owned();
    let mut found = BTreeMap::new();
    while found.len() < 10 {
        let answer = server.v1("GET", &asked, &bob, Value::Null).await.json();
        for message in answer["messages"].as_array().unwrap() {
            let place = (message["conversation"].to_string(), message["seq"].to_string());
            assert!(found.insert(place, message["text"].clone()).is_none(), "found twice: {message}");
        }
        let Some(next) = answer["next"].as_str() else { break };
        asked = format!("/search?query=two&limit=1&cursor={next}");
    }
    assert_eq!(found.len(), 3, "{found:?}");
    for (token, asked, status, code) in [
        (&bob, "query=", 400, "bad_query"),
        (&bob, "", 400, "bad_request"),
        (&bob, "query=x&cursor=x", 400, "bad_request"),
        (&eve, "query=two&conversation=p.ann.bob", 403, "not_member"),
    ] {
        let answer = server.v1("GET", &format!("/search?{asked}"), token, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{asked}");
    }
}
