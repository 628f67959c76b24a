//! Messages, conversations, read marks, presence and sessions.

use serde_json::{Value, json};

use crate::http::cim_line::{CimLine, shows};
use crate::http::fixture::Fixture;

#[tokio::test]
async fn a_message_sent_again_with_its_id_is_stored_once() {
    let server = Fixture::new().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let path = "/conversations/p.ann.bob/messages";
    let id = "00112233445566778899aabbccddeeff";
    let hi = json!({ "id": id, "text": "hi" });
    let first = server.v1("POST", path, &ann, hi.clone()).await;
    assert_eq!(first.status, 201);
    let mut expected = first.json();
    assert_eq!((&expected["id"], &expected["seq"]), (&json!(id), &json!("1")));
    let again = server.v1("POST", path, &ann, hi).await;
    expected["duplicate"] = json!(true);
    assert_eq!((again.status.as_u16(), again.json()), (200, expected));
    let other = server.v1("POST", path, &ann, json!({ "id": id, "text": "other" })).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (409, "id_reused"));
    let stolen = server.v1("POST", path, &bob, json!({ "id": id, "text": "hi" })).await;
    assert_eq!((stolen.status.as_u16(), stolen.code().as_str()), (409, "id_reused"), "the sender is part of it");
    for seq in ["2", "3"] {
        let answer = server.v1("POST", path, &bob, json!({ "text": "no id, no duplicate" })).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["seq"]), (201, &json!(seq)));
    }
}

#[tokio::test]
async fn conversations_say_how_far_they_are_and_how_far_one_has_read() {
    let server = Fixture::new().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    for path in ["/conversations/p.ann.bob/messages", "/conversations/all/messages"] {
        for text in ["one", "two"] {
            assert_eq!(server.v1("POST", path, &ann, json!({ "text": text })).await.status, 201);
        }
    }
    let entry = |conversation: &str, head: &str, read: &str, unread: &str| json!({ "conversation": conversation, "head": head, "delivered": "0", "read": read, "unread": unread, "unread_more": false });
    let list = async |token: &str| {
        let wanted = json!([entry("p.ann.bob", "2", "0", "2"), entry("all", "2", "0", "2")]);
        let listed = async {
            loop {
                let answer = server.v1("GET", "/conversations", token, Value::Null).await.json();
                // The directory hears of a message after its sender does.
                if answer["conversations"].as_array().map(Vec::len) == Some(2) || answer == wanted {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), listed).await.unwrap()
    };
    assert_eq!(
        list(&bob).await["conversations"],
        json!([entry("p.ann.bob", "2", "0", "2"), entry("all", "2", "0", "2")])
    );
    let read = "/conversations/p.ann.bob/read";
    for (seq, status) in [("1", 204), ("0", 204), ("3", 422)] {
        let answer = server.v1("PUT", read, &bob, json!({ "seq": seq })).await;
        assert_eq!(answer.status.as_u16(), status, "{seq}: {}", answer.text);
    }
    let marked = list(&bob).await;
    assert_eq!(marked["conversations"][0], entry("p.ann.bob", "2", "1", "1"), "a mark never goes back");
    assert_eq!(list(&ann).await["conversations"][0]["read"], "0", "it is bob's mark");
    let first = server.v1("GET", "/conversations?limit=1", &bob, Value::Null).await.json();
    assert_eq!(first["conversations"], json!([entry("p.ann.bob", "2", "1", "1")]));
    let next = format!("/conversations?limit=1&cursor={}", first["next"].as_str().unwrap());
    let second = server.v1("GET", &next, &bob, Value::Null).await.json();
    assert_eq!(second, json!({ "conversations": [entry("all", "2", "0", "2")], "next": null }));
}

#[tokio::test]
async fn d6_nobody_writes_or_marks_what_is_not_his() {
    let server = Fixture::new().await;
    server.user("ann").await;
    server.user("bob").await;
    let eve = server.user("eve").await;
    for (method, path, body) in [
        ("POST", "/conversations/p.ann.bob/messages", json!({ "text": "forged" })),
        ("PUT", "/conversations/p.ann.bob/read", json!({ "seq": "0" })),
        ("POST", "/schedules", json!({ "conversation": "p.ann.bob", "due_ms": 0, "text": "forged" })),
    ] {
        let answer = server.v1(method, path, &eve, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "not_member"), "{method} {path}");
    }
}

#[tokio::test]
async fn presence_and_sessions_show_who_is_there() {
    let server = Fixture::new().await;
    let ann = server.user("ann").await;
    let id = server.cim_user("zs").await;
    let asked = format!("/presence?users=ann,cim-{id},nobody");
    let presence = async || server.v1("GET", &asked, &ann, Value::Null).await.json();
    let away = |user: &str| json!({ "user": user, "online": false });
    assert_eq!(presence().await, json!([away("ann"), away(&format!("cim-{id}")), away("nobody")]));
    let line = CimLine::login(&server, id, "zs").await;
    assert_eq!(presence().await[1]["online"], true);
    let sessions = server.admin("GET", "/sessions").await.json();
    let number = sessions["sessions"][0]["session"].as_str().unwrap();
    let answer = server.v1("DELETE", &format!("/sessions/{number}"), &ann, Value::Null).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"), "it is another's");
    assert_eq!(presence().await[1]["online"], true);
    assert_eq!(server.v1("GET", "/sessions", &ann, Value::Null).await.json(), json!([]));
    drop(line);
    shows(&server, id, false).await;
    assert_eq!(presence().await[1]["online"], false);
    let many = format!("/presence?users={}", vec!["a"; 101].join(","));
    assert_eq!(server.v1("GET", &many, &ann, Value::Null).await.status, 400);
}
