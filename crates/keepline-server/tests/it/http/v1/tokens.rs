//! Accounts and tokens.

use serde_json::{Value, json};

use crate::http::fixture::{Fixture, PASSWORD};

#[tokio::test]
async fn an_account_is_made_once_and_entered_with_its_password() {
    let server = Fixture::new().await;
    let account = |user: &str, password: &str| json!({ "user": user, "password": password });
    let table = [
        (account("ann", PASSWORD), 201, ""),
        (account("ann", PASSWORD), 409, "taken"),
        (account("cim-5", PASSWORD), 409, "reserved"),
        (account("a.b", PASSWORD), 400, "bad_request"),
        (account("", PASSWORD), 400, "bad_request"),
        (account("bob", "short"), 422, "weak_password"),
    ];
    for (request, status, code) in table {
        let answer = server.v1("POST", "/accounts", "", request.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{request}: {}", answer.text);
        assert!(code.is_empty() || answer.code() == code, "{request}: {}", answer.text);
    }
    let credentials = |user: &str, password: &str| json!({ "user": user, "password": password, "device": "phone" });
    for (request, status, code) in [
        (credentials("ann", "wrong"), 401, "bad_credentials"),
        (credentials("nobody", PASSWORD), 401, "bad_credentials"),
        (json!({ "user": "ann", "password": PASSWORD, "device": "a b" }), 400, "bad_request"),
        (json!({ "user": "ann", "password": PASSWORD }), 422, "bad_fields"),
    ] {
        let answer = server.v1("POST", "/tokens", "", request.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{request}");
    }
    let token = server.token("ann", "phone").await;
    assert_eq!(server.v1("GET", "/conversations", &token, Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_token_called_back_is_none() {
    let server = Fixture::new().await;
    let phone = server.user("ann").await;
    let laptop = server.token("ann", "laptop").await;
    let status = async |token: &str| server.v1("GET", "/sessions", token, Value::Null).await.status.as_u16();
    assert_eq!(server.v1("DELETE", "/tokens/current", &phone, Value::Null).await.status, 204);
    assert_eq!((status(&phone).await, status(&laptop).await), (401, 200));
    let phone = server.token("ann", "phone").await;
    assert_eq!(server.v1("DELETE", "/tokens", &laptop, Value::Null).await.status, 204);
    assert_eq!((status(&phone).await, status(&laptop).await), (401, 401));
    let laptop = server.token("ann", "laptop").await;
    let change = json!({ "old": PASSWORD, "new": "another horse battery" });
    assert_eq!(server.v1("PUT", "/accounts/me/password", &laptop, change.clone()).await.status, 204);
    assert_eq!(status(&laptop).await, 401);
    let credentials = json!({ "user": "ann", "password": "another horse battery", "device": "laptop" });
    let laptop = server.v1("POST", "/tokens", "", credentials).await.json()["token"].clone();
    let answer = server.v1("PUT", "/accounts/me/password", laptop.as_str().unwrap(), change).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "bad_credentials"));
}

#[tokio::test]
async fn a_token_is_a_bearers() {
    let server = Fixture::new().await;
    let token = server.user("ann").await;
    for (value, status) in [
        (format!("Bearer {token}"), 200),
        (format!("bearer  {token} "), 200),
        (format!("Basic {token}"), 401),
        (token.clone(), 401),
        (format!("Bearer {token}x"), 401),
        (format!("Bearer {}", token.to_uppercase()), 401),
        ("Bearer ".to_owned(), 401),
        ("Bearer é".to_owned(), 401),
    ] {
        let request = axum::http::Request::get("/v1/sessions").header("authorization", value.as_bytes());
        let request = request.body(axum::body::Body::empty()).unwrap();
        let answer = server.send(crate::http::fixture::Listener::Public, request).await;
        assert_eq!(answer.status.as_u16(), status, "{value}: {}", answer.text);
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
    }
}
