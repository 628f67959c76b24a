//! Limit: how the text of a limit is read: a number, a rate, failures and their ban, bytes; or off.

use std::str::FromStr;
use std::time::Duration;

use keepline::serve::Rate;
use keepline_server::guard::{ByteRate, StrikeLimit};

use crate::quantity;

/// A limit, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit<T>(pub(crate) Option<T>);

/// As `read` reads it, or off.
pub(super) fn limit<T>(text: &str, read: impl FnOnce(&str) -> Option<T>, form: &str) -> Result<Limit<T>, String> {
    if text == "off" {
        return Ok(Limit(None));
    }
    read(text).map(|limit| Limit(Some(limit))).ok_or_else(|| format!("write as {form}, or off"))
}

/// A number above 0.
pub(super) fn count(text: &str) -> Result<Limit<usize>, String> {
    limit(text, above_zero, "64")
}

/// A number above 0 that has to be one.
pub(super) fn some(text: &str) -> Result<usize, String> {
    above_zero(text).ok_or_else(|| "write a whole number above 0, as 8".to_owned())
}

/// So often a second, and so many at once after a rest.
pub(super) fn rate(text: &str) -> Result<Limit<Rate>, String> {
    let read = |text: &str| {
        let [each, "burst", burst] = words(text)?[..] else { return None };
        Some(Rate { per_second: above_zero(each.strip_suffix("/s")?)?, burst: above_zero(burst)? })
    };
    limit(text, read, "20/s burst 50")
}

/// So many failures within a time, and the ban that follows.
pub(super) fn strikes(text: &str) -> Result<Limit<StrikeLimit>, String> {
    let read = |text: &str| {
        let [failures, "in", within, "ban", ban] = words(text)?[..] else { return None };
        Some(StrikeLimit { failures: above_zero(failures)?, within: time(within)?, ban: time(ban)? })
    };
    limit(text, read, "5 in 1m ban 5m")
}

/// So many bytes a second, so many at once after a rest, and for how long more may come.
pub(super) fn byte_rate(text: &str) -> Result<Limit<ByteRate>, String> {
    let read = |text: &str| {
        let [each, "burst", burst, "for", over_for] = words(text)?[..] else { return None };
        let (per_second, burst) = (size(each.strip_suffix("/s")?)?, size(burst)?);
        Some(ByteRate { per_second, burst, over_for: time(over_for)? })
    };
    limit(text, read, "256KiB/s burst 512KiB for 30s")
}

/// Of a hundred.
pub(super) fn percent(text: &str) -> Result<u8, String> {
    above_zero(text).filter(|percent| *percent <= 100).ok_or_else(|| "write a whole number from 1 to 100".to_owned())
}

/// No form has more.
fn words(text: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = text.split_ascii_whitespace().take(6).collect();
    (!words.is_empty()).then_some(words)
}

fn above_zero<T: FromStr + PartialOrd + Default>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number| *number > T::default())
}

fn time(text: &str) -> Option<Duration> {
    quantity::duration(text).ok().map(|time| time.to_std()).filter(|time| !time.is_zero())
}

fn size(text: &str) -> Option<u32> {
    quantity::bytes(text).ok().and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read_and_nothing_like_it() {
        let (minute, five) = (Duration::from_secs(60), Duration::from_secs(300));
        assert_eq!(count("64"), Ok(Limit(Some(64))));
        assert_eq!(rate("20/s burst 50"), Ok(Limit(Some(Rate { per_second: 20, burst: 50 }))));
        let limit = StrikeLimit { failures: 5, within: minute, ban: five };
        assert_eq!(strikes(" 5 in  1m ban 300s"), Ok(Limit(Some(limit))));
        let limit = ByteRate { per_second: 256 << 10, burst: 512 << 10, over_for: minute / 2 };
        assert_eq!(byte_rate("256KiB/s burst 512KiB for 30s"), Ok(Limit(Some(limit))));
        let read = |text: &str| {
            let said = [count(text).err(), rate(text).err(), strikes(text).err(), byte_rate(text).err()];
            said.into_iter().flatten().count()
        };
        assert_eq!(read("off"), 0);
        let wrong = [
            "",
            "0",
            "-1",
            "no",
            "0/s burst 1",
            "1/s burst 0",
            "1 burst 1",
            "1/s",
            "1/s burst 1 1",
            "1/s for 1",
            "0 in 1m ban 5m",
            "5 in 0s ban 5m",
            "5 in 1m ban 0s",
            "5 in 1m",
            "5 in 1m ban 5m off",
            "5 in a ban 5m",
            "0B/s burst 1KiB for 1s",
            "1KiB/s burst 8GiB for 1s",
            "1KiB/s burst 1KiB for 0s",
            "1KiB/s burst 1KiB",
        ];
        for text in wrong {
            assert_eq!(read(text), 4, "{text:?}");
        }
        assert_eq!(rate("20").unwrap_err(), "write as 20/s burst 50, or off");
        assert_eq!((percent("1"), percent("100")), (Ok(1), Ok(100)));
        assert!(percent("0").is_err() && percent("101").is_err() && percent("off").is_err());
    }
}
