//! Past: what lately became of sessions: how they ended, and when they had to be asked for a sign of life.
//!
//! Rings of the whole server, so that a session pays nothing for its history. Only sessions are in them: who knocks
//! without logging in can't push out what they hold.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keepline::{LineId, Report};
use keepline_proto::wire::im::v1;
use scc::HashMap;

use super::{Session, Speaks, now_ms};
use crate::id::{DeviceId, SessionId, UserId};

/// Entries of each ring: some 200 bytes an end, 16 a question.
const KEPT: usize = 256;

/// What lately became of the sessions of one server.
#[derive(Default)]
pub struct Past {
    ends: Mutex<VecDeque<End>>,
    asked: Mutex<VecDeque<Asked>>,
    /// Of lines that live under other terms than the server's own.
    terms: HashMap<LineId, v1::Terms>,
}

/// How a session ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct End {
    /// When: milliseconds since 1970.
    pub at_ms: u64,
    /// The number of the login.
    pub session: SessionId,
    /// Who.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// What was spoken on the line.
    pub speaks: Speaks,
    /// From where.
    pub peer: Option<SocketAddr>,
    /// Since when it was logged in: milliseconds since 1970.
    pub since_ms: u64,
    /// Why, and the line's last signs of life.
    pub report: Report,
}

/// A ping to a session of which nothing was heard for half of the agreed silence, within which it should have pinged
/// itself.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at_ms: u64,
    session: SessionId,
}

impl Past {
    /// A session's line has ended.
    pub(crate) fn ended(&self, session: &Session, report: &Report) {
        let end = End {
            at_ms: now_ms(),
            session: session.id,
            user: session.user.clone(),
            device: session.device.clone(),
            speaks: session.speaks,
            peer: session.peer,
            since_ms: session.since_ms,
            report: report.clone(),
        };
        push(&mut lock(&self.ends), end);
    }

    /// A session is asked for a sign of life.
    pub(crate) fn note_asked(&self, session: SessionId) {
        push(&mut lock(&self.asked), Asked { at_ms: now_ms(), session });
    }

    /// A line lives under these terms; `None` for the server's own, and once it has ended.
    pub(crate) fn agreed(&self, line: LineId, terms: Option<v1::Terms>) {
        match terms {
            Some(terms) => drop(self.terms.upsert_sync(line, terms)),
            None => drop(self.terms.remove_sync(&line)),
        }
    }

    /// The terms of a line that wished for others than the server's own.
    #[must_use]
    pub fn terms(&self, line: LineId) -> Option<v1::Terms> {
        self.terms.read_sync(&line, |_, terms| *terms)
    }

    /// Up to so many of the ends that fit, the latest first.
    #[must_use]
    pub fn ends(&self, limit: usize, fits: impl Fn(&End) -> bool) -> Vec<End> {
        lock(&self.ends).iter().rev().filter(|end| fits(end)).take(limit).cloned().collect()
    }

    /// When a session had to be asked for a sign of life, as far as that is kept, the latest first: milliseconds since
    /// 1970.
    #[must_use]
    pub fn asked(&self, session: SessionId) -> Vec<u64> {
        let asked = lock(&self.asked);
        asked.iter().rev().filter(|asked| asked.session == session).map(|asked| asked.at_ms).collect()
    }
}

fn push<T>(ring: &mut VecDeque<T>, entry: T) {
    if ring.len() == KEPT {
        ring.pop_front();
    }
    ring.push_back(entry);
}

fn lock<T>(ring: &Mutex<VecDeque<T>>) -> MutexGuard<'_, VecDeque<T>> {
    // Between two calls every ring is whole.
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Past").field("ends", &lock(&self.ends).len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_keeps_the_latest_and_no_more() {
        let mut ring = VecDeque::new();
        for number in 0..KEPT + 3 {
            push(&mut ring, number);
        }
        assert_eq!((ring.len(), ring.front(), ring.back()), (KEPT, Some(&3), Some(&(KEPT + 2))));
    }

    #[test]
    fn questions_are_told_by_session() {
        let past = Past::default();
        for session in [1, 2, 1] {
            past.note_asked(SessionId(session));
        }
        let told = [1, 2, 3].map(|session| past.asked(SessionId(session)).len());
        assert_eq!(told, [2, 1, 0]);
    }
}
