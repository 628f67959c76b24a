//! The time as Spring writes it.

/// ISO 8601 in UTC with milliseconds, as Spring writes the `timestamp` of an error.
pub(super) fn iso(at_ms: u64) -> String {
    let (days, in_day) = (at_ms / 86_400_000, at_ms % 86_400_000);
    let (year, month, day) = civil(days);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, millis) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}+00:00")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_spring_does() {
        for (at_ms, text) in [
            (0, "1970-01-01T00:00:00.000+00:00"),
            (951_782_400_000, "2000-02-29T00:00:00.000+00:00"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999+00:00"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000+00:00"),
            (1_790_000_000_123, "2026-09-21T14:13:20.123+00:00"),
            (4_102_444_800_000, "2100-01-01T00:00:00.000+00:00"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000+00:00"),
        ] {
            assert_eq!(iso(at_ms), text);
        }
    }
}
