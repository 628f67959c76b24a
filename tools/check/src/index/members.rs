//! `Members`: who was in a conversation, and when we can be sure of it.

use std::collections::HashMap;

use crate::names::Name;
use crate::record::Phase;

/// A user comes and goes between the beginning and the answer of an operation, so there are two kinds of membership:
/// **possible**, from the beginning of a join to the answer of a leave (a delivery outside of it is a leak), and
/// **certain**, from the answer of a join to the beginning of a leave (a message missing in it is missing).
#[derive(Debug, Default)]
pub(crate) struct Members {
    convs: HashMap<Name, HashMap<Name, Membership>>,
}

#[derive(Debug, Default)]
struct Membership {
    /// Possible memberships, in their order; the last may be open.
    possible: Vec<Window>,
    /// Since when certainly.
    certain: Option<u64>,
}

#[derive(Debug)]
struct Window {
    from: u64,
    to: Option<u64>,
    /// A join in it was answered.
    confirmed: bool,
    /// Joins in it that were not refused: while there are any, it may be a membership.
    chances: u32,
}

impl Members {
    pub(crate) fn join(&mut self, conv: Name, user: Name, phase: Phase, at: u64) {
        let membership = self.convs.entry(conv).or_default().entry(user).or_default();
        if matches!(phase, Phase::Invoke | Phase::Ok) && membership.open().is_none() {
            membership.possible.push(Window { from: at, to: None, confirmed: false, chances: 0 });
        }
        if phase == Phase::Ok {
            membership.certain.get_or_insert(at);
        }
        let Some(window) = membership.open() else { return };
        match phase {
            Phase::Invoke => window.chances += 1,
            Phase::Ok => window.confirmed = true,
            // Also "is a member already", which must not end the membership.
            Phase::Fail => window.chances = window.chances.saturating_sub(1),
            Phase::Info => {}
        }
        if !window.confirmed && window.chances == 0 {
            membership.possible.pop();
        }
    }

    pub(crate) fn leave(&mut self, conv: Name, user: Name, phase: Phase, at: u64) {
        let membership = self.convs.entry(conv).or_default().entry(user).or_default();
        membership.certain = None;
        if phase == Phase::Ok
            && let Some(window) = membership.open()
        {
            window.to = Some(at);
        }
    }

    /// Whether anybody is known to have joined. Of other conversations we don't know the members.
    pub(crate) fn known(&self, conv: Name) -> bool {
        self.convs.contains_key(&conv)
    }

    /// Whether the user may have been a member at any time from `from` to `to`.
    pub(crate) fn possible(&self, conv: Name, user: Name, from: u64, to: u64) -> bool {
        let Some(membership) = self.convs.get(&conv).and_then(|users| users.get(&user)) else { return false };
        membership.possible.iter().any(|window| window.from <= to && window.to.is_none_or(|end| end >= from))
    }

    /// Since when the user is a member for certain, up to now.
    pub(crate) fn certain_since(&self, conv: Name, user: Name) -> Option<u64> {
        self.convs.get(&conv)?.get(&user)?.certain
    }
}

impl Membership {
    fn open(&mut self) -> Option<&mut Window> {
        self.possible.last_mut().filter(|window| window.to.is_none())
    }
}
