//! When: a moment to come, as people write it.

use std::time::UNIX_EPOCH;

use clap::Args;
use keepline::Duration;

use crate::output::now_ms;
use crate::quantity::duration;

/// A moment to come.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct When {
    /// So long from now.
    #[arg(long = "in", value_parser = duration, value_name = "TIME", conflicts_with = "at")]
    after: Option<Duration>,
    /// At this moment, as 2026-01-31T18:00:00Z or 2026-01-31T18:00:00+01:00.
    #[arg(long, value_parser = moment, value_name = "MOMENT")]
    at: Option<u64>,
}

impl When {
    /// In milliseconds since 1970; `None` if nothing was said.
    pub(crate) fn due_ms(self) -> Option<u64> {
        self.at.or_else(|| self.after.map(|after| now_ms().saturating_add(after.as_millis())))
    }
}

/// Reads a moment (RFC 3339) as milliseconds since 1970.
fn moment(text: &str) -> Result<u64, String> {
    let wrong = || "write a date, a time and an offset, as 2026-01-31T18:00:00Z or ...+01:00".to_owned();
    let (local, offset_min) = split_offset(text).ok_or_else(wrong)?;
    let at = humantime::parse_rfc3339(&format!("{local}Z")).map_err(|_| wrong())?;
    let local_ms = at.duration_since(UNIX_EPOCH).map_err(|_| wrong())?.as_millis();
    let ms = i64::try_from(local_ms).map_err(|_| wrong())? - offset_min * 60_000;
    u64::try_from(ms).map_err(|_| wrong())
}

/// The local time, and how many minutes it is ahead of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return Some((local, 0));
    }
    let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<i64>().ok()).flatten();
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    match sign {
        "+" => Some((local, hours * 60 + minutes)),
        "-" => Some((local, -(hours * 60 + minutes))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_offset() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2023-11-14T22:13:20Z", 1_700_000_000_000),
            ("2023-11-14T23:13:20+01:00", 1_700_000_000_000),
            ("2023-11-14T16:43:20.500-05:30", 1_700_000_000_500),
        ] {
            assert_eq!(moment(text), Ok(ms), "{text}");
        }
        for bad in
            ["", "now", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20+1", "1969-01-01T00:00:00Z", "é+01:00"]
        {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
