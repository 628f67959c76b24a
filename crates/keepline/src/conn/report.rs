//! Report: how a line ended, and its last signs of life.

use std::fmt;
use std::io;

use keepline_proto::wire::WireError;
use keepline_proto::{Duration, Instant, Reason};

use super::line_id::LineId;

/// How a line ended. The same values stand in logs, metrics and client events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The line's number in its server or client.
    pub id: LineId,
    /// The row of the one table of reasons.
    pub reason: Reason,
    /// What lay behind the reason, where there was more to say.
    pub cause: Option<Cause>,
    /// How long the line was open.
    pub age: Duration,
    /// How long before the end the last byte was read, to a hundredth of a second: up to that much more than it was.
    pub last_in: Duration,
    /// How long before the end the last byte was written.
    pub last_out: Duration,
    /// Pings that no pong had answered.
    pub pings_unanswered: u8,
    /// The smoothed round trip, if pings were answered.
    pub rtt: Option<Duration>,
}

/// What lay behind a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The socket's error.
    Io(io::ErrorKind),
    /// The bytes that were no frame.
    Wire(WireError),
}

impl Report {
    pub(crate) const fn new(id: LineId, reason: Reason, opened: Instant, now: Instant) -> Self {
        let age = now.since(opened);
        Self { id, reason, cause: None, age, last_in: age, last_out: age, pings_unanswered: 0, rtt: None }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} side", self.reason, self.reason.side())?;
        match &self.cause {
            Some(Cause::Io(kind)) => write!(f, ": {kind}")?,
            Some(Cause::Wire(error)) => write!(f, ": {error}")?,
            None => {}
        }
        let [age, last_in, last_out] = [self.age, self.last_in, self.last_out].map(in_brief);
        write!(f, "), open {age}, last byte in {last_in} ago, out {last_out} ago")?;
        if self.pings_unanswered > 0 {
            write!(f, ", {} pings unanswered", self.pings_unanswered)?;
        }
        if let Some(rtt) = self.rtt {
            write!(f, ", round trip {}", in_brief(rtt))?;
        }
        Ok(())
    }
}

/// To the millisecond, and below it to the microsecond: nobody reads more of it.
fn in_brief(time: Duration) -> Duration {
    let step = if time < Duration::from_millis(1) { 1_000 } else { 1_000_000 };
    Duration::from_nanos(time.as_nanos() / step * step)
}

/// The reason for an error of the socket: the kernel's own time-out is silence too.
pub(crate) fn reason_of(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Reason::Silent,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => Reason::Reset,
        io::ErrorKind::UnexpectedEof => Reason::PeerClosed,
        io::ErrorKind::InvalidData => Reason::TlsError,
        _ => Reason::IoError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_all_it_knows_in_one_line() {
        let at = |secs| Instant::START + Duration::from_secs(secs);
        let mut report = Report::new(LineId(7), Reason::Silent, at(1), at(61));
        report.last_in = Duration::from_nanos(10_050_999_999);
        report.last_out = Duration::from_secs(5);
        let silent = "open 60s, last byte in 10.05s ago, out 5s ago";
        assert!(report.to_string().ends_with(&format!("), {silent}")), "{report}");
        report.pings_unanswered = 2;
        for (nanos, shown) in [(3_000_000, "3ms"), (999_999, "999µs"), (1_999, "1µs"), (999, "0ns")] {
            report.rtt = Some(Duration::from_nanos(nanos));
            let end = format!("), {silent}, 2 pings unanswered, round trip {shown}");
            assert!(report.to_string().ends_with(&end), "{report}");
        }
    }
}
