//! The final reading of the store, over HTTP, as the checker wants it.

use keepline_check::MessageId;
use serde_json::Value;

use crate::account::Server;
use crate::history::History;
use crate::http::{HttpError, request};

impl Server {
    /// Reads a conversation from its first message to its last with a member's token, and notes what is there; and at
    /// the end whether it was read whole. Where it was not, that is an error too, and it may be read again: what was
    /// not read is unknown, and not lost. Messages that are no texts can't be read like this.
    ///
    /// # Errors
    ///
    /// No answer, a refusal, or an answer that is no page of messages.
    pub async fn read_back(&self, history: &History, token: &str, conv: &str) -> Result<(), HttpError> {
        let read = self.pages(history, token, conv).await;
        history.read(conv, read.is_ok());
        read
    }

    async fn pages(&self, history: &History, token: &str, conv: &str) -> Result<(), HttpError> {
        let mut place = "after=0".to_owned();
        loop {
            let path = format!("/v1/conversations/{conv}/messages?limit=200&{place}");
            let response = request(self.http, "GET", &path, Some(token), None).await?;
            let page = response.json();
            let messages = page.get("messages").and_then(Value::as_array).filter(|_| response.status == 200);
            for message in messages.ok_or(NO_PAGE)? {
                note(history, conv, message).ok_or(NO_PAGE)?;
            }
            match page.get("next").and_then(Value::as_str) {
                // A cursor is base64url: it stands in a query as it is.
                Some(next) => place = format!("cursor={next}"),
                None => return Ok(()),
            }
        }
    }
}

const NO_PAGE: HttpError = HttpError::NotHttp("not a page of messages");

fn note(history: &History, conv: &str, message: &Value) -> Option<()> {
    let text = |key: &str| message.get(key).and_then(Value::as_str);
    let seq = text("seq")?.parse().ok()?;
    let id = MessageId::try_from(text("id")?.to_owned()).ok()?;
    history.found(conv, seq, id, text("text")?.as_bytes());
    Some(())
}
