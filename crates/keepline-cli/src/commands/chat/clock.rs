//! Clock: moments as a person here reads them, in this machine's time zone.

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Local, SecondsFormat, Utc};

/// A moment of this machine's time zone.
pub(super) type Moment = DateTime<Local>;

/// Now.
pub(super) fn now() -> Moment {
    Local::now()
}

/// A moment in milliseconds since 1970; those that no calendar has are its begin.
pub(super) fn of_ms(ms: u64) -> Moment {
    let at = i64::try_from(ms).ok().and_then(DateTime::<Utc>::from_timestamp_millis);
    at.unwrap_or_default().with_timezone(&Local)
}

/// A moment of the system's clock.
pub(super) fn of_system(at: SystemTime) -> Moment {
    of_ms(at.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)))
}

/// The time, with the day in front if it is not that of `now`.
pub(super) fn short(at: Moment, now: Moment) -> String {
    let form = if at.date_naive() == now.date_naive() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    at.format(form).to_string()
}

/// RFC 3339 to the second, with the offset.
pub(super) fn long(at: Moment) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// The day, padded, so that days are in order by their names.
pub(super) fn day(at: Moment) -> String {
    at.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_said_where_it_is_another() {
        let at = of_ms(1_700_000_000_000);
        assert_eq!(short(at, at).len(), "22:13:20".len());
        assert_eq!(short(at, of_ms(1_700_000_000_000 + 86_400_000)).len(), "2023-11-14 22:13:20".len());
        assert_eq!(DateTime::parse_from_rfc3339(&long(at)).unwrap(), at);
        assert_eq!(day(at).len(), 10);
    }

    #[test]
    fn no_number_panics() {
        for ms in [0, 1, u64::MAX, i64::MAX as u64, 8_210_266_876_799_999] {
            let _ = (long(of_ms(ms)), day(of_ms(ms)));
        }
    }
}
