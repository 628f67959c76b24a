//! Value: how the text of a setting is read, the same wherever it stands.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use keepline::Duration;
use keepline_server::CimMode;
use keepline_server::guard::{BadNetwork, LoginLimit, Network};
use keepline_server::line::PaceLimit;
use tracing_subscriber::EnvFilter;

use crate::limits::Limits;
use crate::log::Rate;
use crate::quantity::duration;
use crate::secret::Secret;

/// After a rest, a user may send what is the pace in so many seconds.
const AT_REST: u32 = 5;

/// Longer than any line is silent, slow or let go.
const LONGEST_TERM: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// A secret of fewer bytes can be guessed.
const SHORTEST_SECRET: usize = 32;

/// How fast a user may send; `None` for as fast as he can.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace(pub(crate) Option<PaceLimit>);

/// Logins of one device within a minute; `None` for any number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logins(pub(crate) Option<LoginLimit>);

/// Where it is noted who did what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum AuditFile {
    /// With the data, where that is kept on a disk.
    #[default]
    WithData,
    At(PathBuf),
    Off,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port, as 127.0.0.1:8083".to_owned())
}

pub(super) fn address_or_off(text: &str) -> Result<Option<SocketAddr>, String> {
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "write an IP address and a port, as 127.0.0.1:8081, or off".to_owned())
}

/// As `read` reads it; nothing is `None`.
pub(super) fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

pub(super) fn ip(text: &str) -> Result<std::net::IpAddr, String> {
    text.parse().map_err(|_| "write an IP address, as 203.0.113.7".to_owned())
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

pub(super) fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("write a folder, as keepline-data".to_owned()) } else { path(text) }
}

pub(super) fn audit(text: &str) -> Result<AuditFile, String> {
    Ok(match text {
        "" => AuditFile::WithData,
        "off" => AuditFile::Off,
        path => AuditFile::At(PathBuf::from(path)),
    })
}

/// A time in the life of a line. With a longer one it is not watched at all, and the kernel's own clocks can't hold it.
pub(super) fn term(text: &str) -> Result<Duration, String> {
    duration(text)
        .and_then(|time| if time.to_std() > LONGEST_TERM { Err("write at most 1d".to_owned()) } else { Ok(time) })
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "write true or false".to_owned())
}

pub(super) fn pace(text: &str) -> Result<Pace, String> {
    if text == "off" {
        return Ok(Pace(None));
    }
    let limit = |per_second: u32| PaceLimit { per_second, burst: per_second.saturating_mul(AT_REST) };
    text.parse()
        .map(|per_second| Pace(Some(limit(per_second))))
        .map_err(|_| "write a whole number of messages a second, as 20, or off".to_owned())
}

pub(super) fn logins(text: &str) -> Result<Logins, String> {
    if text == "off" {
        return Ok(Logins(None));
    }
    let logins = text.parse().ok().filter(|logins| *logins > 0);
    let limit = logins.map(|logins| LoginLimit { logins, within: std::time::Duration::from_secs(60) });
    limit.map(|limit| Logins(Some(limit))).ok_or_else(|| "write a whole number above 0, as 15, or off".to_owned())
}

pub(super) fn networks(text: &str) -> Result<Vec<Network>, String> {
    let each = text.split(',').map(str::trim).filter(|one| !one.is_empty());
    each.map(|one| one.parse().map_err(|error: BadNetwork| error.to_string())).collect()
}

pub(super) fn cim(text: &str) -> Result<CimMode, String> {
    match text {
        "auto" => Ok(CimMode::Auto),
        "on" => Ok(CimMode::On),
        "off" => Ok(CimMode::Off),
        _ => Err("write auto, on or off".to_owned()),
    }
}

pub(super) fn limits(text: &str) -> Result<Limits, String> {
    Limits::from_str(text, false).map_err(|_| "write default, proxied or bench".to_owned())
}

pub(super) fn workers(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (1..=1024).contains(number));
    number.ok_or_else(|| "write a number of threads from 1 to 1024".to_owned())
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("write text or json".to_owned()),
    }
}

pub(super) fn filter(text: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    // To the filter it would be the name of a module, and all others were silent.
    if let Some((word, level)) = words.iter().find_map(|word| Some((word, level_meant(word)?))) {
        return Err(format!("there is no level {word}; did you mean {level}?"));
    }
    // Which takes no space behind a comma.
    let text = words.join(",");
    EnvFilter::try_new(&text).map_err(|error| format!("{error}; write levels, as info or warn,keepline=debug"))?;
    Ok(text)
}

/// The level that was meant by a word that is none, and nearly.
fn level_meant(word: &str) -> Option<&'static str> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let lower = word.to_ascii_lowercase();
    if lower.is_empty() || LEVELS.contains(&lower.as_str()) || lower.parse::<u8>().is_ok() {
        return None;
    }
    let near = |level: &&&str| lower.starts_with(**level) || strsim::damerau_levenshtein(level, &lower) <= 2;
    LEVELS.iter().find(near).copied()
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    if text == "off" {
        return Ok(Rate(None));
    }
    let most = text.parse().ok().filter(|&most| most > 0);
    most.map(|most| Rate(Some(most))).ok_or_else(|| "write a whole number of lines a second, as 10, or off".to_owned())
}

pub(super) fn secret(text: &str) -> Result<Secret, String> {
    // What a header can carry, so that it can be shown.
    if text.len() < SHORTEST_SECRET || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "write at least {SHORTEST_SECRET} characters of ASCII without spaces, from a random source"
        ));
    }
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_that_there_is_not_is_no_silent_log() {
        for (text, said) in [
            ("inof", Some("there is no level inof; did you mean info?")),
            ("warning", Some("there is no level warning; did you mean warn?")),
            ("info,keepline=debug,wran", Some("there is no level wran; did you mean warn?")),
            ("WARN", None),
            ("warn, keepline_server=debug", None),
            ("hyper", None),
            ("2", None),
            ("", None),
        ] {
            assert_eq!(filter(text).err().as_deref(), said, "{text:?}");
        }
        assert!(filter("warn,keepline=loud").is_err(), "and what the filter itself does not know");
    }
}
