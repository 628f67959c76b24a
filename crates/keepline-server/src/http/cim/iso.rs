//! The time as Spring writes it.

use crate::clock::date_time;

/// ISO 8601 in UTC with milliseconds, as Spring writes the `timestamp` of an error.
pub(super) fn iso(at_ms: u64) -> String {
    format!("{}+00:00", date_time(at_ms))
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
