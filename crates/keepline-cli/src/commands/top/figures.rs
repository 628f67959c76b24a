//! Figures: bytes, times and counts as short as a column of a terminal wants them.

use crate::output::moment;

/// Bytes in four signs or so, in powers of 1024.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 7] = ["B", "K", "M", "G", "T", "P", "E"];
    let (mut scaled, mut unit) = (count, 0);
    let mut tenths = 0;
    while scaled >= 1024 {
        tenths = scaled % 1024 * 10 / 1024;
        scaled /= 1024;
        unit += 1;
    }
    if unit > 0 && scaled < 10 {
        format!("{scaled}.{tenths}{}", UNITS[unit])
    } else {
        format!("{scaled}{}", UNITS[unit])
    }
}

/// A time that has passed: its two largest units.
pub(super) fn time(ms: u64) -> String {
    let secs = ms / 1000;
    match secs {
        0..60 => format!("{secs}s"),
        60..3_600 => format!("{}m{:02}s", secs / 60, secs % 60),
        3_600..86_400 => format!("{}h{:02}m", secs / 3_600, secs / 60 % 60),
        _ => format!("{}d{:02}h", secs / 86_400, secs / 3_600 % 24),
    }
}

/// The time of the day, in UTC.
pub(super) fn clock(ms: u64) -> String {
    let secs = ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}Z", secs / 3_600, secs / 60 % 60, secs % 60)
}

/// A moment to the minute, in UTC, without its year.
pub(super) fn minute(ms: u64) -> String {
    let moment = moment(ms);
    match (moment.get(5..10), moment.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time}"),
        // A year beyond 9999 has no form.
        _ => moment,
    }
}

/// A count with commas between its thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate: with a digit behind the point where it is small.
pub(super) fn rate(per_second: f64) -> String {
    // A rate is finite and not below zero.
    if per_second < 99.95 { format!("{per_second:.1}") } else { count(per_second.round() as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_whatever_they_are() {
        let table = [(0, "0B"), (1023, "1023B"), (1024, "1.0K"), (10_239, "9.9K"), (10_240, "10K"), (u64::MAX, "15E")];
        for (number, text) in table {
            assert_eq!(bytes(number), text);
        }
        let table = [(999, "0s"), (59_999, "59s"), (60_000, "1m00s"), (3_600_000, "1h00m"), (90_000_000, "1d01h")];
        for (ms, text) in table {
            assert_eq!(time(ms), text);
        }
        assert_eq!((clock(1_700_000_000_123).as_str(), clock(0).as_str()), ("22:13:20Z", "00:00:00Z"));
        assert_eq!((minute(1_700_000_000_123).as_str(), minute(0).as_str()), ("11-14 22:13", "01-01 00:00"));
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        for (number, text) in [(0.0, "0.0"), (0.04, "0.0"), (99.94, "99.9"), (99.96, "100"), (12_345.6, "12,346")] {
            assert_eq!(rate(number), text);
        }
    }
}
