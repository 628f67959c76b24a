//! The admin listener as a program that watches uses it: pages of sessions, one in detail, and how some ended.

use serde_json::{Value, json};

use super::cim_line::{CimLine, shows};
use super::fixture::Fixture;

/// A server with these users of cim's logged in, in this order.
async fn with(names: &[&str]) -> (Fixture, Vec<(i64, CimLine)>) {
    let server = Fixture::new().await;
    let mut lines = Vec::new();
    for name in names {
        let id = server.cim_user(name).await;
        lines.push((id, CimLine::login(&server, id, name).await));
    }
    (server, lines)
}

async fn users(server: &Fixture, query: &str) -> Vec<String> {
    let listed = server.admin("GET", &format!("/sessions?{query}")).await.json();
    let sessions = listed["sessions"].as_array().unwrap_or_else(|| panic!("{query}: {listed}"));
    sessions.iter().map(|session| session["user"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn a_page_is_sorted_filtered_and_cut_by_the_server() {
    let (server, lines) = with(&["zs", "ls", "ww"]).await;
    let user = |at: usize| format!("cim-{}", lines[at].0);
    let logged_in = [user(0), user(1), user(2)];
    let mut by_name = logged_in.clone();
    by_name.sort();
    let reversed: Vec<_> = by_name.iter().rev().cloned().collect();
    for (query, expected) in [
        ("sort=session", &logged_in[..]),
        ("sort=session&order=desc&limit=1", &logged_in[2..]),
        ("sort=session&offset=1&limit=1", &logged_in[1..2]),
        ("sort=session&offset=9", &[]),
        ("sort=user", &by_name[..]),
        ("sort=user&order=desc", &reversed[..]),
        ("sort=queue&limit=0", &[]),
        (&format!("like={}", user(1).to_uppercase()), &logged_in[1..2]),
        ("like=CIM&sort=session&offset=2", &logged_in[2..]),
        ("like=nobody", &[]),
    ] {
        assert_eq!(users(&server, query).await, expected, "{query}");
    }
    for column in ["silent", "since", "rtt", "bytes_in", "bytes_out", "device", "dialect", "peer"] {
        assert_eq!(users(&server, &format!("sort={column}")).await.len(), 3, "{column}");
    }
    let page = server.admin("GET", "/sessions?sort=session&limit=1").await.json();
    assert_eq!(page["total"], 3, "{page}");
    for wrong in ["sort=colour", "order=up", "limit=-1", "offset=x", "colour=red"] {
        assert_eq!(server.admin("GET", &format!("/sessions?{wrong}")).await.code(), "bad_request", "{wrong}");
    }
}

#[tokio::test]
async fn one_session_is_told_with_its_bytes_and_its_terms() {
    let (server, mut lines) = with(&["zs"]).await;
    let (id, line) = &mut lines[0];
    let number = server.admin("GET", "/sessions").await.json()["sessions"][0]["session"].clone();
    let path = format!("/sessions/{}", number.as_str().expect("a text"));
    let ann = server.cim_user("ann").await;
    let say = json!({ "userId": ann, "receiveUserId": *id, "msg": "x".repeat(1000) }).to_string();
    assert_eq!(server.cim("/p2pRoute", &say).await.code(), "9000");
    assert_eq!(line.texts(1).await.len(), 1);
    let told = server.admin("GET", &path).await.json();
    assert_eq!((&told["session"], &told["transport"], &told["dialect"]), (&number, &json!("tcp"), &json!("cim")));
    assert_eq!(told["terms"], json!({ "ping_after_ms": 10_000, "silence_ms": 33_000 }));
    assert_eq!(told["asked_ms"], json!([]));
    let bytes = |name: &str| told[name].as_u64().unwrap_or_else(|| panic!("no {name} in {told}"));
    assert!(
        (1001..10_000).contains(&bytes("bytes_out")) && bytes("bytes_in") > 0 && bytes("bytes_in") < 1000,
        "{told}"
    );
    assert!(bytes("rtt_us") > 0, "{told}");
    assert_eq!(server.admin("GET", "/sessions/1").await.code(), "not_found");
}

#[tokio::test]
async fn how_sessions_ended_is_told_the_latest_first() {
    let (server, lines) = with(&["zs", "ls"]).await;
    let [(zs, mut kicked), (ls, gone)] = <[_; 2]>::try_from(lines).unwrap_or_else(|_| panic!("two lines"));
    let closes = async |query: &str| server.admin("GET", &format!("/closes{query}")).await.json()["closes"].clone();
    assert_eq!(closes("").await, json!([]));
    let listed = server.admin("GET", &format!("/sessions?user=cim-{zs}")).await.json();
    let number = listed["sessions"][0]["session"].as_str().expect("a text").to_owned();
    assert_eq!(server.admin("DELETE", &format!("/sessions/{number}")).await.status, 204);
    assert!(kicked.next().await.is_none());
    // Told of at the end of its line, which comes behind the end of its session.
    let ended = async |count: usize| {
        let by = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        while closes("").await.as_array().map_or(0, Vec::len) < count {
            assert!(tokio::time::Instant::now() < by, "no {count} ends");
            tokio::task::yield_now().await;
        }
    };
    drop(kicked);
    ended(1).await;
    drop(gone);
    shows(&server, ls, false).await;
    ended(2).await;
    let all = closes("").await;
    let told = |at: usize| -> Vec<&Value> { ["user", "reason", "side", "dialect"].map(|name| &all[at][name]).into() };
    assert_eq!(told(1), [&json!(format!("cim-{zs}")), &json!("kicked"), &json!("server"), &json!("cim")], "{all}");
    assert_eq!(told(0)[..2], [&json!(format!("cim-{ls}")), &json!("peer_closed")], "{all}");
    assert_eq!((&all[1]["session"], &all[1]["code"]), (&json!(number), &json!(1206)), "{all}");
    for (query, count) in
        [("?limit=1", 1), ("?limit=0", 0), (&format!("?user=cim-{zs}"), 1), ("?device=cim", 2), ("?device=phone", 0)]
    {
        assert_eq!(closes(query).await.as_array().map(Vec::len), Some(count), "{query}");
    }
}
