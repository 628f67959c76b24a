//! Users: the list of them, its pages, and who one is oneself.

use serde_json::{Value, json};

use crate::http::cim_line::CimLine;
use crate::http::fixture::Fixture;

/// The names of all pages of a query, each page with `limit` entries at most.
async fn names(server: &Fixture, token: &str, query: &str, limit: usize) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = server.v1("GET", &format!("/users?limit={limit}{query}{cursor}"), token, Value::Null).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let page = answer.json();
        let users = page["users"].as_array().expect("a list");
        assert!(users.len() <= limit, "{page}");
        names.extend(users.iter().map(|user| user["user"].as_str().expect("a name").to_owned()));
        let Some(next) = page["next"].as_str() else { return names };
        let next = format!("&cursor={next}");
        assert_ne!(next, cursor, "a page goes on where it began: {page}");
        cursor = next;
    }
}

#[tokio::test]
async fn users_are_found_by_what_their_names_begin_with() {
    let server = Fixture::new().await;
    let token = server.user("bob").await;
    for name in ["ann", "Ann", "an", "ann-2", "anna", "b"] {
        server.user(name).await;
    }
    let zhang = server.cim_user("张三").await;
    let ann = server.cim_user("ann").await;
    let (zhang, ann) = (format!("cim-{zhang}"), format!("cim-{ann}"));
    for (prefix, found) in [
        ("", vec!["Ann", "an", "ann", "ann-2", "anna", "b", "bob", &zhang, &ann]),
        ("ann", vec!["ann", "ann-2", "anna", &ann]),
        ("bob", vec!["bob"]),
        ("bobb", vec![]),
        ("A", vec!["Ann"]),
        ("cim-", vec![&zhang, &ann]),
        ("%E5%BC%A0", vec![&zhang]),
        // The first bytes of a character are no prefix of it.
        ("%C3%A9", vec![]),
        ("a.", vec![]),
    ] {
        for limit in [1, 2, 200] {
            assert_eq!(names(&server, &token, &format!("&prefix={prefix}"), limit).await, found, "{prefix} by {limit}");
        }
    }
    let cim = server.v1("GET", "/users?prefix=%E5%BC%A0", &token, Value::Null).await.json();
    assert_eq!(cim, json!({ "users": [{ "user": zhang, "cim_name": "张三", "online": false }], "next": null }));
}

#[tokio::test]
async fn an_answer_that_looked_at_enough_goes_on() {
    let server = Fixture::new().await;
    let token = server.user("ann").await;
    for number in 0..2_010 {
        server.cim_user(&format!("c{number}")).await;
    }
    let page = server.v1("GET", "/users?prefix=c2009", &token, Value::Null).await.json();
    assert!(page["users"] == json!([]) && page["next"].is_string(), "{page}");
    assert_eq!(names(&server, &token, "&prefix=c2009", 50).await.len(), 1);
    assert_eq!(names(&server, &token, "", 200).await.len(), 2_011);
    assert_eq!(names(&server, &token, "&online=true", 200).await, Vec::<String>::new());
    assert_eq!(names(&server, &token, "&online=false&prefix=a", 200).await, ["ann"]);
}

#[tokio::test]
async fn who_has_a_live_session_is_online() {
    let server = Fixture::new().await;
    let token = server.user("ann").await;
    let number = server.cim_user("zs").await;
    let line = CimLine::login(&server, number, "zs").await;
    let zs = format!("cim-{number}");
    assert_eq!(names(&server, &token, "&online=true", 1).await, [zs.as_str()]);
    assert_eq!(names(&server, &token, "&online=false", 1).await, ["ann"]);
    let page = server.v1("GET", "/users?prefix=cim", &token, Value::Null).await.json();
    assert_eq!(page["users"], json!([{ "user": zs, "cim_name": "zs", "online": true }]));
    drop(line);
}

#[tokio::test]
async fn what_is_no_query_is_refused() {
    let server = Fixture::new().await;
    let token = server.user("ann").await;
    let long = format!("?prefix={}", "x".repeat(257));
    for query in ["?limit=0", "?limit=201", "?cursor=x", "?online=maybe", "?prefx=a", &long] {
        let answer = server.v1("GET", &format!("/users{query}"), &token, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_request"), "{query}");
    }
}

#[tokio::test]
async fn a_token_says_whose_it_is() {
    let server = Fixture::new().await;
    let token = server.user("ann").await;
    let me = server.v1("GET", "/accounts/me", &token, Value::Null).await.json();
    assert_eq!((&me["user"], &me["device"]), (&json!("ann"), &json!("phone")));
    assert!(me["expires_ms"].as_u64().expect("a time") > 1_700_000_000_000, "{me}");
}
