//! Friendly: short lines for a person, with the time since the start.

use std::fmt::Write as _;
use std::time::Duration as StdDuration;

use keepline::{Cause, Duration, Report};

use super::entry::{Entry, Role};
use super::line::Line;

/// The lines of an entry: the first word says what it is about, in colour on a terminal.
pub(super) fn lines(role: Role, at: StdDuration, colour: bool, entry: &Entry<'_>) -> Vec<Line> {
    let text = text(role, entry);
    if matches!(entry, Entry::Listening(_)) {
        let pid = std::process::id();
        return vec![Line::out(text), Line::out(format!("pid {pid}: freeze me with `kill -STOP {pid}`, then -CONT"))];
    }
    let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let (on, off) = if colour { (colour_of(entry), RESET) } else { ("", "") };
    vec![Line::out(format!("{:9.3}s {on}{word:<10}{off} {rest}", at.as_secs_f64()))]
}

/// The line of an entry without time and colour.
pub(super) fn text(role: Role, entry: &Entry<'_>) -> String {
    match *entry {
        Entry::Listening(address) => format!("listening on {address}"),
        Entry::Begin { messages: 0, .. } => "begin no messages, until Ctrl-C".into(),
        Entry::Begin { messages, gap, seed } => format!("begin {messages} messages, gaps {gap}, seed {seed}"),
        Entry::Connecting { endpoint, attempt } => format!("connecting to {endpoint}, attempt {attempt}"),
        Entry::Failed { endpoint, error, next_try } => {
            format!("failed to connect to {endpoint}: {error}; next try in {}", short(next_try))
        }
        Entry::Up { endpoint: Some(endpoint), .. } => format!("up {endpoint}"),
        Entry::Up { endpoint: None, peer } => format!("up {peer}"),
        Entry::PingSent { count, .. } => format!("ping {count} sent, the line was quiet"),
        Entry::PingReceived { peer } => format!("ping from {peer}"),
        Entry::PongSent { peer, count } => format!("pong {count} sent to {peer}"),
        Entry::PongReceived { peer, round_trip: None } => format!("pong from {peer}"),
        Entry::PongReceived { peer, round_trip: Some(time) } => format!("pong from {peer}, {} round trip", short(time)),
        Entry::Message { peer, text } if role == Role::Server => format!("message from {peer}: {}", tame(text)),
        Entry::Message { text, .. } => format!("message {}", tame(text)),
        Entry::Echo { peer, text } if role == Role::Server => format!("echo to {peer}: {}", tame(text)),
        Entry::Echo { text, .. } => format!("echo {}", tame(text)),
        Entry::Unasked { text, .. } => format!("unasked {}", tame(text)),
        Entry::Suspect { peer } => format!("suspect {peer}: half of the time for its pong is gone"),
        Entry::TimedOut { peer } => format!("timeout {peer} was silent for too long, closing it"),
        Entry::Skipped { peer, error } => format!("skipped bytes of {peer}: {error}"),
        Entry::Down { peer, report, next_try } => match next_try {
            Some(wait) => format!("down {peer}: {}; next try in {}", end(report), short(wait)),
            None => format!("down {peer}: {}", end(report)),
        },
        Entry::Missed(events) => format!("missed {events} events: the output was not read in time"),
        Entry::Closed { counts, .. } => {
            let mut text = String::from("closed");
            for (position, (name, count)) in counts.iter().enumerate() {
                let _ = write!(text, "{} {name} {count}", if position == 0 { ":" } else { "," });
            }
            text
        }
    }
}

const RESET: &str = "\x1b[0m";

const fn colour_of(entry: &Entry<'_>) -> &'static str {
    match entry {
        Entry::Up { .. } => "\x1b[32m",
        Entry::Suspect { .. } | Entry::Missed(_) | Entry::Skipped { .. } | Entry::Unasked { .. } => "\x1b[33m",
        Entry::Down { .. } | Entry::Failed { .. } | Entry::TimedOut { .. } => "\x1b[31m",
        Entry::PingSent { .. } | Entry::PongReceived { .. } | Entry::PingReceived { .. } | Entry::PongSent { .. } => {
            "\x1b[36m"
        }
        _ => "\x1b[1m",
    }
}

/// How a line ended, for the eye.
fn end(report: &Report) -> String {
    let mut text = format!("{} ({} side", report.reason, report.reason.side());
    match &report.cause {
        Some(Cause::Io(kind)) => _ = write!(text, ": {kind}"),
        Some(Cause::Wire(error)) => _ = write!(text, ": {error}"),
        _ => {}
    }
    let _ = write!(text, "), open {}, last byte {} ago", short(report.age), short(report.last_in));
    text
}

/// A time for the eye: whole milliseconds, or whole microseconds below ten of them.
fn short(time: Duration) -> Duration {
    let unit = if time < Duration::from_millis(10) { 1_000 } else { 1_000_000 };
    Duration::from_nanos(time.as_nanos() / unit * unit)
}

/// A peer's text, unable to drive the terminal.
fn tame(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_text_cannot_drive_the_terminal() {
        let peer = "127.0.0.1:1".parse().unwrap();
        let entry = Entry::Message { peer, text: "a\x1b[2Jb\nc\u{9b}d é" };
        assert_eq!(text(Role::Client, &entry), r"message a\u{1b}[2Jb\nc\u{9b}d é");
    }

    #[test]
    fn colour_is_only_there_when_asked_for() {
        let entry = Entry::Up { endpoint: Some("localhost:1"), peer: "127.0.0.1:1".parse().unwrap() };
        let [plain, bright] =
            [false, true].map(|colour| lines(Role::Client, StdDuration::from_millis(1500), colour, &entry));
        assert_eq!(plain, [Line::out("    1.500s up         localhost:1")]);
        assert_eq!(bright, [Line::out("    1.500s \x1b[32mup        \x1b[0m localhost:1")]);
    }
}
