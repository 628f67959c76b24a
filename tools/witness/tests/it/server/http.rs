//! Accounts and tokens: a user may be made once, and a password must be there. And pages of messages, two to a page.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Shared, Stored};

/// One connection at a time is enough.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut users = HashSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let Some((path, body)) = read(&mut stream).await else { continue };
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (status, answer) = match path.as_str() {
            "/v1/accounts" if users.insert(text("user")) => ("201 Created", json!({})),
            "/v1/accounts" => ("409 Conflict", json!({ "code": "user_exists" })),
            "/v1/tokens" if users.contains(&text("user")) && !text("password").is_empty() => {
                ("200 OK", json!({ "token": format!("{}/{}", text("user"), text("device")) }))
            }
            path if path.starts_with("/v1/conversations/") => page(path, &shared),
            _ => ("401 Unauthorized", json!({ "code": "auth_failed" })),
        };
        let answer = answer.to_string();
        let length = answer.len();
        let response = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}");
        let _ = stream.write_all(response.as_bytes()).await;
    }
}

fn page(path: &str, shared: &Shared) -> (&'static str, Value) {
    let conv = path.split('/').nth(3).unwrap_or_default();
    // The cursor of a page is the number behind which it begins.
    let after: usize = path.rsplit('=').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let state = shared.state();
    let Some(log) = state.logs.get(conv) else { return ("403 Forbidden", json!({ "code": "not_member" })) };
    let view = |Stored { message, .. }: &Stored| {
        let id: String = message.message_id.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "seq": message.seq.to_string(), "id": id, "text": String::from_utf8_lossy(&message.body) })
    };
    let messages: Vec<Value> = log.iter().skip(after).take(2).map(view).collect();
    let next = (after + 2 < log.len()).then(|| (after + 2).to_string());
    ("200 OK", json!({ "messages": messages, "next": next }))
}

async fn read(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.ok().filter(|read| *read > 0)?;
        let text = str::from_utf8(&bytes).ok()?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        if body.len() == length.parse::<usize>().ok()? {
            let path = head.split(' ').nth(1)?.to_owned();
            return Some((path, serde_json::from_str(body).unwrap_or_default()));
        }
    }
}
