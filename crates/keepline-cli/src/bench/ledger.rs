//! The books of a talk: which messages are due, under way and answered, line by line. No socket and no clock.

use std::{collections::VecDeque, time::Instant};

use super::{schedule::Schedule, stats::Latencies};

/// Counts and stamps of all messages of a talk.
#[derive(Debug)]
pub(super) struct Ledger {
    depth: u64,
    window: (Instant, Instant),
    /// `None` for a closed loop.
    schedule: Option<Schedule>,
    /// By line, for each message under way: when it was sent or due.
    stamps: Vec<VecDeque<Instant>>,
    /// By line: how many were sent.
    asked: Vec<u64>,
    /// Open loop: how many of all messages are due so far.
    due: u64,
    answered: u64,
    latencies: Latencies,
}

impl Ledger {
    /// Empty books for `lines` lines: at most `depth` messages under way on each, and latencies of those that are sent
    /// or due in `window`.
    pub(super) fn new(lines: usize, depth: u64, window: (Instant, Instant), schedule: Option<Schedule>) -> Self {
        Self {
            depth,
            window,
            schedule,
            stamps: vec![VecDeque::new(); lines],
            asked: vec![0; lines],
            due: 0,
            answered: 0,
            latencies: Latencies::new(),
        }
    }

    /// How many answers there are.
    pub(super) const fn answered(&self) -> u64 {
        self.answered
    }

    /// When the next message of an open loop is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.schedule.map(|schedule| schedule.at(self.due))
    }

    /// The lines that may have something to send by `now` for another reason than an answer: all at the begin of a
    /// closed loop, those with newly due messages in an open one. None becomes due after the window.
    ///
    /// A line that has no room then is served by [`Ledger::ask`] at its next answer.
    pub(super) fn call(&mut self, now: Instant) -> impl Iterator<Item = usize> + use<> {
        let lines = self.stamps.len();
        let first = self.due;
        let newly = self.schedule.map_or(lines, |schedule| {
            self.due = schedule.due(now.min(self.window.1));
            usize::try_from(self.due - first).unwrap_or(lines).min(lines)
        });
        let schedule = self.schedule;
        (first..).take(newly).map(move |number| match schedule {
            Some(schedule) => schedule.line_of(number),
            None => usize::try_from(number).unwrap_or(usize::MAX),
        })
    }

    /// How many messages to send on a line now; they are entered as sent.
    pub(super) fn ask(&mut self, id: usize, now: Instant) -> u64 {
        let room = self.depth - self.stamps[id].len() as u64;
        let count = match self.schedule {
            None if now < self.window.1 => room,
            None => 0,
            Some(schedule) => room.min(schedule.share(self.due, id) - self.asked[id]),
        };
        for index in self.asked[id]..self.asked[id] + count {
            self.stamps[id].push_back(self.schedule.map_or(now, |schedule| schedule.intended(id, index)));
        }
        self.asked[id] += count;
        count
    }

    /// Enters `count` answers on a line.
    pub(super) fn answer(&mut self, id: usize, count: u64, at: Instant) {
        for _ in 0..count {
            let Some(stamp) = self.stamps[id].pop_front() else { return };
            self.answered += 1;
            self.record(stamp, at);
        }
    }

    /// Whether all that was sent, or is due, is answered.
    pub(super) fn is_settled(&self) -> bool {
        let wanted = if self.schedule.is_some() { self.due } else { self.asked.iter().sum() };
        self.answered == wanted
    }

    /// Closes the books: the latencies, and how many messages have no answer. Their waiting so far is entered as their
    /// latency: left out, it would flatter the server.
    pub(super) fn close(mut self, now: Instant) -> (Latencies, u64) {
        let mut unanswered = 0;
        for id in 0..self.stamps.len() {
            let mut waiting: Vec<Instant> = self.stamps[id].drain(..).collect();
            if let Some(schedule) = self.schedule {
                let unsent = self.asked[id]..schedule.share(self.due, id);
                waiting.extend(unsent.map(|index| schedule.intended(id, index)));
            }
            unanswered += waiting.len() as u64;
            for stamp in waiting {
                self.record(stamp, now);
            }
        }
        (self.latencies, unanswered)
    }

    fn record(&mut self, stamp: Instant, at: Instant) {
        if stamp >= self.window.0 && stamp < self.window.1 {
            self.latencies.record(at - stamp);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// One second of warm-up, two of window.
    fn ledger(begin: Instant, lines: usize, depth: u64, rate: Option<f64>) -> Ledger {
        let schedule = rate.map(|rate| Schedule::new(begin, rate, lines));
        Ledger::new(lines, depth, (begin + SECOND, begin + 3 * SECOND), schedule)
    }

    #[test]
    fn a_closed_loop_keeps_depth_messages_under_way_until_the_end() {
        let begin = Instant::now();
        let mut ledger = ledger(begin, 2, 16, None);
        assert_eq!(ledger.call(begin).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(ledger.ask(1, begin), 16);
        assert_eq!(ledger.ask(1, begin), 0, "no room");
        ledger.answer(1, 3, begin + Duration::from_millis(1));
        assert_eq!(ledger.latencies.count(), 0, "the warm-up does not count");
        assert_eq!(ledger.ask(1, begin + 2 * SECOND), 3);
        ledger.answer(1, 16, begin + Duration::from_millis(2005));
        assert_eq!(ledger.latencies.count(), 3, "only those that were sent in the window");
        assert!(ledger.is_settled());
        assert_eq!(ledger.ask(1, begin + 3 * SECOND), 0, "the window is over");
    }

    #[test]
    fn an_open_loop_calls_the_lines_whose_messages_are_due() {
        let begin = Instant::now();
        let mut ledger = ledger(begin, 3, 1, Some(10.0));
        for (ms, lines) in [(0, vec![0]), (99, vec![]), (201, vec![1, 2]), (9_999, vec![0, 1, 2])] {
            let called: Vec<usize> = ledger.call(begin + Duration::from_millis(ms)).collect();
            assert_eq!(called, lines, "at {ms} ms");
        }
        assert_eq!(ledger.due, 31, "none becomes due after the window");
    }

    #[test]
    fn an_open_loop_counts_the_time_that_a_message_waits_for_room() {
        let begin = Instant::now();
        let mut ledger = ledger(begin, 1, 1, Some(100.0));
        let now = begin + 2 * SECOND;
        assert_eq!(ledger.call(now).count(), 1);
        assert_eq!(ledger.ask(0, now), 1, "201 are due, one fits");
        for _ in 0..200 {
            ledger.answer(0, 1, now);
            assert_eq!(ledger.ask(0, now), 1);
        }
        assert!(!ledger.is_settled());
        ledger.answer(0, 1, now);
        assert!(ledger.is_settled());
        // Those due in the window, 1 s to 2 s ago, waited up to a second though each was answered at once.
        assert_eq!(ledger.latencies.count(), 101);
        assert!(ledger.latencies.quantile(0.5) > Duration::from_millis(490));
    }

    #[test]
    fn what_is_never_answered_counts_with_its_waiting() {
        let begin = Instant::now();
        let mut ledger = ledger(begin, 1, 1, Some(10.0));
        let end = begin + 3 * SECOND;
        assert_eq!(ledger.call(end).count(), 1);
        assert_eq!(ledger.ask(0, end), 1);
        let (latencies, unanswered) = ledger.close(end);
        assert_eq!(unanswered, 31, "one sent, thirty due");
        assert_eq!(latencies.count(), 20);
        assert!(latencies.max() >= Duration::from_millis(1990));
    }
}
