//! Fixture: sessions, ends and pictures for the tests of this folder.

use super::picture::{Closer, Picture};
use crate::api::{AgreedTerms, Close, Counters, LiveSession, LiveSessions, Queue, Seq, SessionDetail};

/// A session on a phone, since 5 s after 1970 began.
pub(super) fn live(number: u64, user: &str) -> LiveSession {
    LiveSession {
        session: Seq(number),
        user: user.to_owned(),
        device: "phone".to_owned(),
        dialect: "v1".to_owned(),
        transport: "tcp".to_owned(),
        peer: Some(format!("127.0.0.1:{}", 4000 + number)),
        since_ms: 5_000,
        silent_ms: number * 1_000,
        queue: Queue { messages: number % 3, bytes: 0, oldest_ms: 0 },
        caught_up: number.is_multiple_of(3),
        rtt_us: Some(40),
        bytes_in: Some(100 * number),
        bytes_out: Some(4_000 * number),
    }
}

pub(super) fn closer(live: LiveSession) -> Closer {
    let terms = AgreedTerms { ping_after_ms: 25_000, silence_ms: 60_000 };
    Closer { session: live.session, detail: Some(SessionDetail { live, terms, asked_ms: vec![] }), ends: vec![] }
}

/// An end of a session on a phone that was logged in 1 s after 1970 began.
pub(super) fn end(number: u64, user: &str, at_ms: u64, reason: &str, side: &str) -> Close {
    Close {
        at_ms,
        session: Seq(number),
        user: user.to_owned(),
        device: "phone".to_owned(),
        since_ms: 1_000,
        reason: reason.to_owned(),
        side: side.to_owned(),
        cause: None,
        last_in_ms: 1_000,
        pings_unanswered: 1,
    }
}

/// The page of a server with so many sessions, of users `u0` and so on; it begins at `offset` and has `limit` rows.
pub(super) fn picture(total: u64, offset: u64, limit: u64) -> Picture {
    let page = (offset..total.min(offset + limit)).map(|number| live(number, &format!("u{number}"))).collect();
    let counters = Counters {
        version: "0.1.0".to_owned(),
        store_up: Some(true),
        connections: total,
        sessions: [("v1".to_owned(), total)].into(),
        ..Counters::default()
    };
    let page = LiveSessions { sessions: page, total: total.try_into().unwrap() };
    Picture { offset: offset.try_into().unwrap(), page, counters, ends: vec![], one: None }
}
