//! Times as a person reads them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since 1970, as RFC 3339 in UTC.
pub(crate) fn moment(ms: u64) -> String {
    match UNIX_EPOCH.checked_add(Duration::from_millis(ms)) {
        // Years beyond 9999 have no form.
        Some(at) if ms < 253_402_300_800_000 => humantime::format_rfc3339_seconds(at).to_string(),
        _ => format!("{ms} ms"),
    }
}

/// A time that has passed, to the second.
pub(crate) fn span(ms: u64) -> String {
    humantime::format_duration(Duration::from_secs(ms / 1000)).to_string()
}

/// A round trip, in microseconds, as milliseconds with two digits that say something.
pub(crate) fn round_trip(us: u64) -> String {
    match us {
        0..1_000 => format!("0.{:02}ms", us / 10),
        1_000..10_000 => format!("{}.{}ms", us / 1_000, us / 100 % 10),
        10_000..10_000_000 => format!("{}ms", us / 1_000),
        _ => format!("{}s", us / 1_000_000),
    }
}

/// Now, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_too_large() {
        assert_eq!(moment(1_700_000_000_123), "2023-11-14T22:13:20Z");
        assert_eq!(moment(253_402_300_799_999), "9999-12-31T23:59:59Z");
        assert_eq!(moment(u64::MAX), "18446744073709551615 ms");
        let trips = [0, 9, 40, 999, 1_000, 9_999, 10_000, 9_999_999, 10_000_000, u64::MAX].map(round_trip);
        let read =
            ["0.00ms", "0.00ms", "0.04ms", "0.99ms", "1.0ms", "9.9ms", "10ms", "9999ms", "10s", "18446744073709s"];
        assert_eq!(trips, read);
        assert_eq!((span(61_999).as_str(), span(0).as_str()), ("1m 1s", "0s"));
    }
}
