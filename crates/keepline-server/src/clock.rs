//! Clock: what time the wall says. A seam, because wall clocks jump and tests must make them.

use std::time::{SystemTime, UNIX_EPOCH};

/// What time it is, by a clock that may jump either way.
///
/// Only what is written down for later is measured by it: when a token expires, when a delayed message is due. How
/// long something takes is tokio's to measure, which never goes back.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970, UTC, without leap seconds.
    fn now_ms(&self) -> u64;
}

/// This machine's clock.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has no parts")]
pub struct System;

impl Clock for System {
    /// Zero on a machine whose clock stands before 1970.
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// ISO 8601 in UTC with milliseconds, as RFC 3339 has it.
pub(crate) fn utc(at_ms: u64) -> String {
    date_time(at_ms) + "Z"
}

/// As [`utc`], without its zone.
pub(crate) fn date_time(at_ms: u64) -> String {
    let (days, in_day) = (at_ms / 86_400_000, at_ms % 86_400_000);
    let (year, month, day) = civil(days);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, millis) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// The date of a day counted from 1970, in the Gregorian calendar. Years begin in March here, so that the leap day is
/// the last of its year.
const fn civil(days: u64) -> (u64, u64, u64) {
    // Day 0 is then 0000-03-01; 400 years have 146,097 days.
    let day = days + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}
