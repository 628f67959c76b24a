//! How exactly a server closes silent lines: the delay behind its limit, and the closes before it.
//!
//! The server's clock for a line starts when it reads the line's last bytes. We don't see that moment, but it lies
//! behind the clock that we read before the write. Hence two stamps for each last write:
//! - **early** is a close that we see sooner than the limit after the stamp *before* the write. Whatever happened
//!   between, the server waited for less than its limit: no doubt is left, and none of our own delays can cause it.
//! - **delay** runs from the stamp *after* the write plus the limit, so that our own stalls in the write do not count
//!   against the server. It is zero for a close between the two.

use std::time::{Duration, Instant};

use super::{
    Deadline, Error,
    frame::Exchange,
    load::{Happening, Load},
    open::{GENTLY, open},
    progress::Progress,
    server::Server,
    stats::Latencies,
};

/// How long after its limit a close is awaited.
const GRACE: Duration = Duration::from_secs(5);

/// What the closes were like.
#[derive(Debug)]
pub(crate) struct Evictions {
    /// From the limit to the close.
    pub(crate) delays: Latencies,
    /// Closes before the limit.
    pub(crate) early: u64,
    /// By how much the worst of them.
    pub(crate) earliest: Duration,
    /// Lines that were still open when the grace was over.
    pub(crate) unclosed: u64,
    /// Lines that were closed, not early, with their last PING unanswered.
    pub(crate) unanswered: u64,
}

/// The last write on a line.
#[derive(Clone, Copy, Debug)]
struct Sent {
    before: Instant,
    after: Instant,
}

/// When a close was seen, against the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Early(Duration),
    Late(Duration),
}

impl Sent {
    /// Whether a close after the write `last` can only be for the silence behind it. Had the silence before it come
    /// near the limit, a rightful close might have crossed `last`, and look early.
    fn leaves_no_doubt(&self, last: &Self, limit: Duration) -> bool {
        last.after.saturating_duration_since(self.before) <= limit * 3 / 4
    }

    fn judge(&self, closed: Instant, limit: Duration) -> Verdict {
        match (self.before + limit).checked_duration_since(closed) {
            Some(early) if !early.is_zero() => Verdict::Early(early),
            _ => Verdict::Late(closed.saturating_duration_since(self.after + limit)),
        }
    }
}

/// Opens `count` lines, sends a last PING on each, spread over a quarter of the `limit`, and waits for the closes.
///
/// # Errors
/// As [`open`]; [`Error::Failed`] also when opening took so long that the silence before a last PING came near the
/// limit.
pub(crate) fn evict(server: &Server, limit: Duration, count: usize, deadline: &Deadline) -> Result<Evictions, Error> {
    let exchange = Exchange::heartbeat();
    let mut load = Load::new(server.addr)?;
    let progress = Progress::new(&format!("{}: connecting", server.label), count as u64);
    let opened = open(&mut load, &exchange, count, GENTLY, deadline, &progress)?;
    let spread = limit / 4;
    let mut watch = Watch {
        limit,
        sent: opened.connected_at.into_iter().map(|at| Sent { before: at, after: at }).collect(),
        pinged: 0,
        closed: 0,
        found: Evictions { delays: Latencies::new(), early: 0, earliest: Duration::ZERO, unclosed: 0, unanswered: 0 },
    };
    let progress = Progress::new(&format!("{}: awaiting closes", server.label), count as u64);
    let start = Instant::now();
    let end = start + spread + limit + GRACE;
    loop {
        let wait = watch.ping_due(&mut load, &exchange, start, spread)?;
        let now = watch.turn(&mut load, &exchange, wait)?;
        deadline.check(now, "waiting for evictions")?;
        progress.at(watch.closed as u64);
        if watch.closed == count || now >= end {
            break;
        }
    }
    watch.found.unclosed = (count - watch.closed) as u64;
    Ok(watch.found)
}

/// The lines, their last writes, and the closes so far.
#[derive(Debug)]
struct Watch {
    limit: Duration,
    sent: Vec<Sent>,
    /// How many lines have their last PING: all below this number.
    pinged: usize,
    closed: usize,
    found: Evictions,
}

impl Watch {
    /// Sends the last PINGs that are due, and returns how long until the next.
    fn ping_due(
        &mut self,
        load: &mut Load,
        exchange: &Exchange,
        start: Instant,
        spread: Duration,
    ) -> Result<Duration, Error> {
        const LONGEST: Duration = Duration::from_millis(50);
        let count = self.sent.len();
        while self.pinged < count {
            let share = u32::try_from(self.pinged).unwrap_or(u32::MAX);
            let due = start + spread.mul_f64(f64::from(share) / f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
            let before = Instant::now();
            if before < due {
                return Ok((due - before).min(LONGEST));
            }
            // A line that was closed before its last PING keeps the stamp of its connect.
            if load.line(self.pinged).is_some() {
                load.send(exchange, self.pinged, 1)?;
                let sent = &mut self.sent[self.pinged];
                let last = Sent { before, after: Instant::now() };
                if !sent.leaves_no_doubt(&last, self.limit) {
                    return Err(too_slow(self.limit));
                }
                *sent = last;
            }
            self.pinged += 1;
        }
        Ok(LONGEST)
    }

    fn turn(&mut self, load: &mut Load, exchange: &Exchange, wait: Duration) -> Result<Instant, Error> {
        load.turn(exchange, wait, |line, happening, at| {
            if happening != Happening::Closed {
                return Ok(());
            }
            self.closed += 1;
            match self.sent[line.id].judge(at, self.limit) {
                Verdict::Early(by) => {
                    self.found.early += 1;
                    self.found.earliest = self.found.earliest.max(by);
                }
                // Its last PING never went out: a rightful close for the silence since the opening.
                Verdict::Late(_) if line.id >= self.pinged => return Err(too_slow(self.limit)),
                Verdict::Late(by) => {
                    self.found.delays.record(by);
                    self.found.unanswered += u64::from(line.under_way(exchange) > 0);
                }
            }
            Ok(())
        })
    }
}

fn too_slow(limit: Duration) -> Error {
    Error::Failed(format!(
        "lines could not be opened fast enough for a limit of {}: raise --evict-limit or ask for fewer --connections",
        humantime::format_duration(limit)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_is_judged_from_before_the_write_and_delay_from_after() {
        let limit = Duration::from_secs(10);
        let ms = Duration::from_millis;
        let before = Instant::now();
        // A write that took 5 ms.
        let sent = Sent { before, after: before + ms(5) };
        for (closed, want) in [
            (ms(9_000), Verdict::Early(ms(1_000))),
            (ms(9_999), Verdict::Early(ms(1))),
            (ms(10_000), Verdict::Late(ms(0))),
            (ms(10_005), Verdict::Late(ms(0))),
            (ms(10_105), Verdict::Late(ms(100))),
        ] {
            assert_eq!(sent.judge(before + closed, limit), want, "closed after {closed:?}");
        }
    }

    #[test]
    fn a_last_write_must_come_well_before_the_limit_of_the_one_before() {
        let limit = Duration::from_secs(4);
        let begin = Instant::now();
        let stamp = |ms| begin + Duration::from_millis(ms);
        let opened = Sent { before: begin, after: stamp(900) };
        for (before, after, safe) in [(1000, 3000, true), (2999, 3001, false), (5000, 5001, false)] {
            let last = Sent { before: stamp(before), after: stamp(after) };
            assert_eq!(opened.leaves_no_doubt(&last, limit), safe, "written from {before} to {after} ms");
        }
    }
}
