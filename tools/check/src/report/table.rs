//! The report as a table, for a terminal.

use std::fmt;

use super::{Counter, Kind, Report, Verdict};

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Green => write!(f, "GREEN"),
            Self::Red => write!(f, "RED"),
            Self::Void(reasons) => write!(f, "VOID: {}", reasons.join("; ")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = self.totals();
        writeln!(f, "{} records of {} processes, {} cut short", totals.records, totals.processes, totals.truncated)?;
        writeln!(
            f,
            "{} messages sent: {} acknowledged, {} refused, {} unknown; {} taken by applications",
            totals.sent, totals.acked, totals.refused, totals.unknown, totals.delivered
        )?;
        let (seconds, millis) = (totals.stall_ns / 1_000_000_000, totals.stall_ns / 1_000_000 % 1000);
        writeln!(f, "longest time without an acknowledgement: {seconds}.{millis:03} s")?;
        writeln!(f)?;
        for counter in Counter::ALL {
            let count = self.count(counter);
            let mark = match counter.kind() {
                Kind::Figure => "",
                Kind::Promise if count > 0 => "RED",
                Kind::Blind if count > 0 => "VOID",
                Kind::Promise | Kind::Blind => "ok",
            };
            writeln!(f, "{:<12} {count:>10}  {mark:<4}  {}", counter.name(), counter.meaning())?;
            if matches!(mark, "RED" | "VOID") {
                for example in self.examples(counter) {
                    writeln!(f, "{:<12} {:>10}        {example}", "", "")?;
                }
            }
        }
        writeln!(f)?;
        writeln!(f, "verdict: {}", self.verdict())
    }
}
