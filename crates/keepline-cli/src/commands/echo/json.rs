//! Json: one object a line, for programs.

use std::net::SocketAddr;
use std::time::Duration as StdDuration;

use keepline::{Cause, Duration, Report};
use serde_json::{Value, json};

use super::entry::Entry;
use super::line::Line;

/// The line of an entry: an object with `event`, `at_ms` since the start, and what belongs to it.
pub(super) fn line(at: StdDuration, entry: &Entry<'_>) -> Line {
    let mut object = object(entry);
    object["at_ms"] = json!(millis(at.into()));
    Line::out(object.to_string())
}

fn object(entry: &Entry<'_>) -> Value {
    match *entry {
        Entry::Listening(address) => json!({ "event": "listening", "address": address.to_string() }),
        Entry::Begin { messages, gap, seed } => {
            json!({ "event": "begin", "messages": messages, "gap": gap.to_string(), "seed": seed })
        }
        Entry::Connecting { endpoint, attempt } => {
            json!({ "event": "connecting", "endpoint": endpoint, "attempt": attempt })
        }
        Entry::Failed { endpoint, error, next_try } => json!({
            "event": "failed", "endpoint": endpoint, "error": error.to_string(), "next_try_ms": millis(next_try),
        }),
        Entry::Up { endpoint, peer } => match endpoint {
            Some(endpoint) => json!({ "event": "up", "endpoint": endpoint, "peer": peer.to_string() }),
            None => json!({ "event": "up", "peer": peer.to_string() }),
        },
        Entry::PingSent { peer, count } => beat("ping", peer, Some(count)),
        Entry::PingReceived { peer } => beat("ping", peer, None),
        Entry::PongSent { peer, count } => beat("pong", peer, Some(count)),
        Entry::PongReceived { peer, round_trip } => {
            let mut object = beat("pong", peer, None);
            object["round_trip_us"] = json!(round_trip.map(micros));
            object
        }
        Entry::Message { peer, text } => json!({ "event": "message", "peer": peer.to_string(), "text": text }),
        Entry::Echo { peer, text } => json!({ "event": "echo", "peer": peer.to_string(), "text": text }),
        Entry::Unasked { peer, text } => json!({ "event": "unasked", "peer": peer.to_string(), "text": text }),
        Entry::Suspect { peer } => json!({ "event": "suspect", "peer": peer.to_string() }),
        Entry::TimedOut { peer } => json!({ "event": "timeout", "peer": peer.to_string() }),
        Entry::Skipped { peer, error } => {
            json!({ "event": "skipped", "peer": peer.to_string(), "error": error.to_string() })
        }
        Entry::Down { peer, report, next_try } => {
            let mut object = down(report);
            object["peer"] = json!(peer.to_string());
            object["next_try_ms"] = json!(next_try.map(millis));
            object
        }
        Entry::Missed(events) => json!({ "event": "missed", "events": events }),
        Entry::Closed { reason, counts } => {
            let mut object = json!({ "event": "closed", "reason": reason.map(|reason| reason.name()) });
            for (name, count) in counts {
                object[*name] = json!(count);
            }
            object
        }
    }
}

/// A heartbeat: sent ones are counted, so that `count` is null where it was received.
fn beat(event: &str, peer: SocketAddr, count: Option<u32>) -> Value {
    json!({ "event": event, "peer": peer.to_string(), "sent": count.is_some(), "count": count })
}

fn down(report: &Report) -> Value {
    let cause = report.cause.as_ref().map(|cause| match cause {
        Cause::Io(kind) => kind.to_string(),
        Cause::Wire(error) => error.to_string(),
        other => format!("{other:?}"),
    });
    json!({
        "event": "down",
        "reason": report.reason.name(),
        "code": report.reason.code(),
        "side": report.reason.side().name(),
        "cause": cause,
        "age_ms": millis(report.age),
        "last_in_ms": millis(report.last_in),
        "pings_unanswered": report.pings_unanswered,
        "rtt_us": report.rtt.map(micros),
    })
}

const fn millis(time: Duration) -> u64 {
    time.as_millis()
}

const fn micros(time: Duration) -> u64 {
    time.as_nanos() / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line_however_its_text_looks() {
        let entry = Entry::Echo { peer: "127.0.0.1:1".parse().unwrap(), text: "a\n\"b\" \u{fffd}" };
        let line = line(StdDuration::from_millis(7), &entry);
        assert_eq!(line.text, r#"{"at_ms":7,"event":"echo","peer":"127.0.0.1:1","text":"a\n\"b\" �"}"#);
    }
}
