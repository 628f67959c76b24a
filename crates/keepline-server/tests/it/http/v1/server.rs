//! What anybody may know of the server.

use serde_json::{Value, json};

use crate::http::fixture::Fixture;

#[tokio::test]
async fn who_knows_the_address_learns_where_the_lines_come_in() {
    let server = Fixture::configured(false, |config| config.name = "east".to_owned()).await;
    let answer = server.v1("GET", "/server", "", Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut told = answer.json();
    let time = told["time_ms"].take().as_u64().unwrap();
    assert!(time > 1_767_225_600_000, "{time}");
    let expected = json!({
        "name": "east",
        "version": env!("CARGO_PKG_VERSION"),
        "time_ms": null,
        "lines": { "port": server.tcp().port(), "tls": false },
        "limits": { "message_bytes": 61_440, "frame_bytes": 65_536 },
    });
    assert_eq!(told, expected);
}
