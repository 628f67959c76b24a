//! Timeline: what is known of one session and of those of its device before it, in the order in which it happened.

use super::figures::time;
use super::picture::Closer;
use crate::api::{Close, LiveSession};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Milliseconds since 1970.
    pub(super) at_ms: u64,
    /// Not escaped.
    pub(super) text: String,
}

/// Everything, the earliest first.
pub(super) fn of(closer: &Closer) -> Vec<Entry> {
    let ends = closer.ends.iter().map(|end| Entry {
        at_ms: end.at_ms,
        text: format!(
            "{} {}",
            if end.session == closer.session { "ended:" } else { "an earlier session ended:" },
            how(end)
        ),
    });
    let mut entries: Vec<Entry> = ends.collect();
    if let Some(detail) = &closer.detail {
        let live = &detail.live;
        entries.push(Entry { at_ms: live.since_ms, text: opened(live) });
        let (ping, silence) = (time(detail.terms.ping_after_ms), time(detail.terms.silence_ms));
        let text = format!("terms: it pings after {ping}, and is cut off after {silence} without a sign of life");
        entries.push(Entry { at_ms: live.since_ms, text });
        entries.extend(detail.asked_ms.iter().map(|at_ms| Entry {
            at_ms: *at_ms,
            text: format!("missed its heartbeat: quiet for half of {silence}, and asked for a sign of life"),
        }));
    }
    // Of one moment, in this order.
    entries.sort_by_key(|entry| entry.at_ms);
    entries
}

/// An end in a few words.
pub(super) fn how(end: &Close) -> String {
    let mut text = format!("{} ({})", end.reason, end.side);
    if let Some(cause) = &end.cause {
        text.push_str(&format!(", {cause}"));
    }
    text.push_str(&format!(", after {}", time(end.at_ms.saturating_sub(end.since_ms))));
    text.push_str(&format!(", last byte in {} before", time(end.last_in_ms)));
    if end.pings_unanswered > 0 {
        text.push_str(&format!(", pings unanswered: {}", end.pings_unanswered));
    }
    text
}

fn opened(live: &LiveSession) -> String {
    let from = live.peer.as_ref().map_or_else(String::new, |peer| format!(" from {peer}"));
    format!("logged in{from}, {} over {}", live.dialect, live.transport)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{closer, end, live};
    use super::*;

    #[test]
    fn everything_stands_where_it_happened() {
        let mut seen = closer(live(7, "bob"));
        seen.ends = vec![end(6, "bob", 3_000, "reset", "client")];
        if let Some(detail) = &mut seen.detail {
            detail.asked_ms = vec![90_000, 60_000];
        }
        let told: Vec<_> = of(&seen).into_iter().map(|entry| (entry.at_ms, entry.text)).collect();
        let asked = "missed its heartbeat: quiet for half of 1m00s, and asked for a sign of life";
        let expected = [
            (3_000, "an earlier session ended: reset (client), after 2s, last byte in 1s before, pings unanswered: 1"),
            (5_000, "logged in from 127.0.0.1:4007, v1 over tcp"),
            (5_000, "terms: it pings after 25s, and is cut off after 1m00s without a sign of life"),
            (60_000, asked),
            (90_000, asked),
        ];
        assert_eq!(told, expected.map(|(at_ms, text)| (at_ms, text.to_owned())));
    }

    #[test]
    fn of_one_that_is_gone_its_end_is_left() {
        let mut ended = end(7, "bob", 9_000, "io_error", "network");
        ended.cause = Some("host unreachable".to_owned());
        let seen = Closer { session: ended.session, detail: None, ends: vec![ended] };
        let told = of(&seen);
        let text = "ended: io_error (network), host unreachable, after 8s, last byte in 1s before, pings unanswered: 1";
        assert_eq!(told, [Entry { at_ms: 9_000, text: text.to_owned() }]);
    }
}
