//! Quantities: how a flag or a setting writes a time, a size or a count, and how a time is told to a person.

use std::str::FromStr;

use keepline::Duration;

/// Reads a time with its unit, as `500ms` or `1m 30s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map(Duration::from)
        .map_err(|error| format!("{error}; write a number and its unit, as 500ms, 10s or 2m"))
}

/// Reads a number of bytes, with a unit or without, as `64KiB`, `256MiB` or `1GiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        "TiB" => Some(1_u64 << 40),
        _ => None,
    };
    let number = digits.trim_end().parse::<u64>().ok();
    number
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .ok_or_else(|| "write a whole number of bytes, KiB, MiB, GiB or TiB, as 256MiB".to_owned())
}

/// Reads a whole number.
pub(crate) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "write a whole number from zero up, as 10".to_owned())
}

/// A time for a person: to the tenth of a second below a minute, else to the second.
pub(crate) fn brief(time: Duration) -> String {
    let time = time.to_std();
    if time.as_secs() < 60 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    humantime::format_duration(std::time::Duration::from_secs(time.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_as_exact_as_it_matters() {
        for (ms, text) in [(0, "0.0 s"), (1_234, "1.2 s"), (59_999, "60.0 s"), (61_900, "1m 1s"), (3_600_000, "1h")] {
            assert_eq!(brief(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn a_size_has_a_unit_or_is_bytes() {
        for (text, read) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("12B", Some(12)),
            ("64KiB", Some(64 << 10)),
            ("256 MiB", Some(256 << 20)),
            ("3GiB", Some(3 << 30)),
            ("1TiB", Some(1 << 40)),
            ("16777216TiB", None),
            ("MiB", None),
            ("-1", None),
            ("1.5GiB", None),
            ("1GB", None),
            ("1mib", None),
            ("", None),
        ] {
            assert_eq!(bytes(text).ok(), read, "{text:?}");
        }
    }
}
