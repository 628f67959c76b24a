//! `Report`: what was counted, and the verdict.

mod counter;
mod table;

pub use counter::Counter;

use counter::Kind;

/// How many examples of a counter are kept, for a person to begin with.
const EXAMPLES: usize = 5;

/// What a history must contain, beside promises kept. A run in which no fault hit says nothing of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expect {
    /// At least one connection was cut.
    pub cut: bool,
    /// At least one operation ended with an unknown outcome.
    pub info: bool,
    /// At least one message came to a device twice, before its application dropped it.
    pub redelivery: bool,
}

/// What a history says of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Every promise was kept, and everything that had to be seen was seen.
    Green,
    /// A promise was broken.
    Red,
    /// No promise was seen broken, but the run can't show that they were kept: here is why.
    Void(Vec<String>),
}

/// How large the history was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Records.
    pub records: u64,
    /// Processes that wrote records.
    pub processes: u64,
    /// Messages whose send began.
    pub sent: u64,
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages refused at each attempt.
    pub refused: u64,
    /// Messages whose sender never got an answer to some attempt, and no acknowledgement.
    pub unknown: u64,
    /// Messages taken by applications.
    pub delivered: u64,
    /// Files whose last line was cut short.
    pub truncated: u64,
    /// The longest time between two acknowledgements, in nanoseconds.
    pub stall_ns: u64,
}

/// The counters of a history, examples, and the verdict. Printed, it is a table.
#[derive(Clone, Debug, Default)]
pub struct Report {
    counts: [u64; Counter::ALL.len()],
    examples: [Vec<String>; Counter::ALL.len()],
    totals: Totals,
    expect: Expect,
}

impl Report {
    /// How often this was seen.
    #[must_use]
    pub fn count(&self, counter: Counter) -> u64 {
        self.counts[counter as usize]
    }

    /// Up to five examples, in words.
    #[must_use]
    pub fn examples(&self, counter: Counter) -> &[String] {
        &self.examples[counter as usize]
    }

    /// The broken promises: the counters that must be 0 and are not.
    #[must_use]
    pub fn red(&self) -> Vec<Counter> {
        let broken = |counter: &Counter| counter.kind() == Kind::Promise && self.count(*counter) > 0;
        Counter::ALL.into_iter().filter(broken).collect()
    }

    /// How large the history was.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The verdict. Red wins over void: a broken promise stays broken, whatever else was not seen.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if !self.red().is_empty() {
            return Verdict::Red;
        }
        let mut reasons = Vec::new();
        if self.totals.acked == 0 {
            reasons.push("no message was acknowledged".to_owned());
        }
        for counter in Counter::ALL.into_iter().filter(|c| c.kind() == Kind::Blind && self.count(*c) > 0) {
            reasons.push(format!("{} {}: {}", self.count(counter), counter.name(), counter.meaning()));
        }
        let expected = [
            (self.expect.cut, Counter::Cuts, "no connection was cut"),
            (self.expect.info, Counter::Infos, "no outcome was unknown"),
            (self.expect.redelivery, Counter::DupRaw, "no message was delivered again"),
        ];
        let absent = expected.into_iter().filter(|(asked, counter, _)| *asked && self.count(*counter) == 0);
        reasons.extend(absent.map(|(_, _, reason)| format!("{reason}: no such fault hit")));
        if reasons.is_empty() { Verdict::Green } else { Verdict::Void(reasons) }
    }

    pub(crate) fn add(&mut self, counter: Counter, example: impl FnOnce() -> String) {
        self.add_many(counter, 1, example);
    }

    pub(crate) fn add_many(&mut self, counter: Counter, count: u64, example: impl FnOnce() -> String) {
        let sum = &mut self.counts[counter as usize];
        *sum = sum.saturating_add(count);
        let examples = &mut self.examples[counter as usize];
        if examples.len() < EXAMPLES {
            examples.push(example());
        }
    }

    pub(crate) fn totals_mut(&mut self) -> &mut Totals {
        &mut self.totals
    }

    pub(crate) fn expect(&mut self, expect: Expect) {
        self.expect = expect;
    }
}
