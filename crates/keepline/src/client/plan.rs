//! Plan: which endpoint a client tries next, and when. A state machine without a clock or a socket.

use keepline_proto::{Backoff, BackoffSettings, Duration, Instant, Reason, Reconnect, RetryHint};

/// The reconnect rule of one client; it outlives every connection.
///
/// ```text
///               connected                          line ended
///   Trying ───────────────────▶ Up(endpoint) ─────────────────────┐
///     ▲ │ failed: next in the list, or a wait after the last      │
///     │ └───────────────▶ Waiting ◀───────────────────────────────┤ full jitter, hint obeyed
///     └─────────────────────┘ time is over                        └──▶ Over (the reason says: do not come back;
///                                                                           or no endpoint speaks the protocol)
/// ```
///
/// The list is in order of preference. An endpoint that fails gives way to the next one at once; after the last one
/// the backoff waits and the list begins anew. A line that was stable and ended in order is tried again from the front
/// of the list; one that fell silent, or never became stable, is followed by the next endpoint, so that a server which
/// accepts and then closes can't hold its clients.
///
/// A line that was never let in is one that never became stable.
///
/// A line whose bytes could not be read says something about that endpoint only: the next one is tried after a wait.
/// When lines to all of the list have ended so in a row, the fault is not one endpoint's, and the client gives up.
#[derive(Debug)]
pub(super) struct Plan {
    backoff: Backoff,
    stable: Duration,
    /// Since when the line is up, if it is.
    up: Option<Instant>,
    endpoints: usize,
    next: usize,
    /// Endpoints that failed since the last wait or line.
    failed: usize,
    /// Lines in a row, each to another endpoint, whose bytes could not be read.
    garbled: usize,
    /// Attempts since the last stable line.
    attempts: u32,
}

/// What the client does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Try the next endpoint after this wait, which may be zero.
    Try(Duration),
    /// Do not come back.
    Over,
}

impl Plan {
    /// At least one endpoint.
    pub(super) const fn new(endpoints: usize, settings: BackoffSettings, seed: u64) -> Self {
        let backoff = Backoff::new(settings, seed);
        Self { backoff, stable: settings.stable(), up: None, endpoints, next: 0, failed: 0, garbled: 0, attempts: 0 }
    }

    /// The endpoint to try now, and the number of the attempt, from 1.
    pub(super) const fn begin(&mut self) -> (usize, u32) {
        self.attempts = self.attempts.saturating_add(1);
        (self.next, self.attempts)
    }

    /// The endpoint did not answer or refused.
    pub(super) fn on_failed(&mut self, now: Instant) -> Step {
        self.advance();
        self.garbled = 0;
        self.failed += 1;
        if self.failed < self.endpoints {
            return Step::Try(Duration::ZERO);
        }
        self.failed = 0;
        Step::Try(self.backoff.on_down(now, None))
    }

    /// The line was up from here on. Told at its end, just before that is.
    pub(super) const fn on_up(&mut self, now: Instant) {
        self.up = Some(now);
        self.backoff.on_up(now);
    }

    /// The line has ended, for any reason but the one of [`on_garbled`](Self::on_garbled).
    pub(super) fn on_ended(&mut self, now: Instant, reason: Reason, hint: Option<RetryHint>) -> Step {
        let stable = self.end_line(now);
        self.garbled = 0;
        let hint = match reason.reconnect() {
            Reconnect::No => return Step::Over,
            Reconnect::After(after) => hint.or(Some(RetryHint { after, spread: Duration::ZERO })),
            Reconnect::Yes => hint,
        };
        if stable && reason != Reason::Silent {
            self.next = 0;
        } else {
            self.advance();
        }
        Step::Try(self.backoff.on_down(now, hint))
    }

    /// We ended the line as its bytes were not the protocol's.
    pub(super) fn on_garbled(&mut self, now: Instant) -> Step {
        self.end_line(now);
        self.garbled += 1;
        if self.garbled >= self.endpoints {
            return Step::Over;
        }
        self.advance();
        Step::Try(self.backoff.on_down(now, None))
    }

    /// Whether the line was stable. Not to be read off the backoff: the first failure ever looks there like the first
    /// after a stable line.
    fn end_line(&mut self, now: Instant) -> bool {
        self.failed = 0;
        let stable = self.up.take().is_some_and(|since| now.since(since) >= self.stable);
        if stable {
            self.attempts = 0;
        }
        stable
    }

    const fn advance(&mut self) {
        self.next = (self.next + 1) % self.endpoints;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(endpoints: usize) -> Plan {
        let ms = Duration::from_millis;
        let settings = BackoffSettings::new(ms(100), ms(1000), Duration::from_secs(30)).unwrap();
        Plan::new(endpoints, settings, 7)
    }

    fn at(secs: u64) -> Instant {
        Instant::START + Duration::from_secs(secs)
    }

    #[test]
    fn a_round_over_the_list_comes_before_any_wait() {
        let mut plan = plan(3);
        for round in 0..3 {
            for endpoint in 0..3 {
                assert_eq!(plan.begin(), (endpoint, 1 + round * 3 + endpoint as u32));
                let step = plan.on_failed(at(1));
                if endpoint < 2 {
                    assert_eq!(step, Step::Try(Duration::ZERO));
                } else {
                    let Step::Try(wait) = step else { panic!("{step:?}") };
                    assert!(wait <= Duration::from_millis(100 << round), "{wait}");
                }
            }
        }
    }

    #[test]
    fn a_stable_line_that_ended_in_order_begins_at_the_front_again() {
        let mut plan = plan(3);
        plan.begin();
        plan.on_failed(at(0));
        assert_eq!(plan.begin().0, 1);
        plan.on_up(at(0));
        assert!(matches!(plan.on_ended(at(100), Reason::PeerClosed, None), Step::Try(_)));
        assert_eq!(plan.begin(), (0, 1));
    }

    #[test]
    fn a_silent_line_or_an_unstable_one_gives_way_to_the_next() {
        for (reason, lived) in [(Reason::Silent, 100), (Reason::PeerClosed, 1)] {
            let mut plan = plan(2);
            plan.begin();
            plan.on_up(at(0));
            assert!(matches!(plan.on_ended(at(lived), reason, None), Step::Try(_)));
            assert_eq!(plan.begin().0, 1, "{reason}");
        }
    }

    #[test]
    fn a_line_that_is_not_let_in_begins_the_round_anew_after_its_wait() {
        let mut plan = plan(2);
        for _ in 0..3 {
            plan.begin();
            assert_eq!(plan.on_failed(at(0)), Step::Try(Duration::ZERO));
            assert_eq!(plan.begin().0, 1);
            let Step::Try(wait) = plan.on_ended(at(0), Reason::HandshakeTimeout, None) else { panic!() };
            assert_ne!(wait, Duration::ZERO);
        }
        assert_eq!(plan.begin(), (0, 7));
    }

    #[test]
    fn the_reason_and_the_server_decide_whether_and_when() {
        let mut plan = plan(1);
        plan.on_up(at(0));
        assert_eq!(plan.on_ended(at(1), Reason::Kicked, None), Step::Over);
        let Step::Try(wait) = plan.on_ended(at(1), Reason::ServerFull, None) else { panic!() };
        assert!(wait >= Duration::from_secs(5), "{wait}");
        let hint = RetryHint { after: Duration::from_secs(60), spread: Duration::ZERO };
        let Step::Try(wait) = plan.on_ended(at(1), Reason::Draining, Some(hint)) else { panic!() };
        assert!(wait >= Duration::from_secs(60), "{wait}");
    }

    /// A line to the next endpoint, which ends with bytes that can't be read.
    fn garble(plan: &mut Plan, secs: u64) -> Step {
        plan.on_up(at(secs));
        plan.on_garbled(at(secs + 1))
    }

    #[test]
    fn unreadable_bytes_lead_to_the_next_endpoint_until_all_of_the_list_sent_them() {
        for endpoints in 1..4 {
            let mut plan = plan(endpoints);
            for endpoint in 0..endpoints - 1 {
                assert_eq!(plan.begin().0, endpoint);
                let Step::Try(wait) = garble(&mut plan, 0) else { panic!("{endpoint} of {endpoints}") };
                assert!(wait <= Duration::from_millis(100 << endpoint), "{wait}");
            }
            assert_eq!(plan.begin().0, endpoints - 1);
            assert_eq!(garble(&mut plan, 0), Step::Over, "{endpoints}");
        }
    }

    #[test]
    fn an_endpoint_that_failed_or_ended_otherwise_begins_the_row_anew() {
        let between: [fn(&mut Plan); 2] = [
            |plan| {
                plan.on_failed(at(2));
            },
            |plan| {
                plan.on_up(at(2));
                plan.on_ended(at(3), Reason::PeerClosed, None);
            },
        ];
        for other in between {
            let mut plan = plan(2);
            for round in 0..3 {
                assert_ne!(garble(&mut plan, 0), Step::Over, "round {round}");
                other(&mut plan);
            }
        }
    }

    #[test]
    fn a_goodbye_that_forbids_to_come_back_counts_for_the_whole_list() {
        let mut plan = plan(3);
        plan.on_up(at(0));
        assert_eq!(plan.on_ended(at(1), Reason::ProtocolError, None), Step::Over);
    }
}
