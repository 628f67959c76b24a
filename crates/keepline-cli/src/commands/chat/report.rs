//! Report: what `:info` and `:why` say of the line.

use keepline::Duration;
use keepline::im::{Done, LineState, Occurrence, State, Terms, What};
use keepline_server::id::UserId;

use super::clock::{self, Moment};
use super::pauses::{Pause, Pauses};
use super::style::Line;
use crate::quantity::brief;

/// Who and where one is, and the line.
pub(super) fn info(me: &UserId, server: &str, state: &State) -> Vec<Line> {
    let (address, since) = match &state.line {
        LineState::Up { endpoint, since } => (endpoint.to_string(), format!("up for {}", brief(*since))),
        LineState::Connecting { endpoint } => (endpoint.to_string(), "connecting".to_owned()),
        LineState::Waiting { retry_in } => (String::new(), format!("down, next try in {}", brief(*retry_in))),
        LineState::Over { reason } => (String::new(), format!("over: {}", reason.name())),
    };
    let (node, session, durability) = match &state.login {
        Some(login) => (login.node.to_string(), login.session.to_string(), login.durability.to_string()),
        None => (String::new(), "none yet".to_owned(), String::new()),
    };
    let rtt = state.rtt.map_or_else(|| "not measured yet".to_owned(), |rtt| format!("{:.1} ms", millis(rtt)));
    let rows = [
        ("user", me.to_string()),
        ("device", state.device.to_string()),
        ("session", session),
        ("server", server.to_owned()),
        ("node", format!("{node} {address}").trim().to_owned()),
        ("line", since),
        ("transport", state.transport.to_string()),
        ("dialect", state.dialect.name().to_owned()),
        ("stored on", durability),
        ("round trip", rtt),
        ("heartbeat", state.terms.map_or_else(|| "none".to_owned(), heartbeat)),
        ("bytes", format!("{} in, {} out", state.bytes_in, state.bytes_out)),
        ("reconnects", state.reconnects.to_string()),
        ("unsent", format!("{} messages, {} bytes", state.sends_waiting, state.sends_bytes)),
    ];
    rows.into_iter().map(|(name, value)| Line::from(format!("{name:<11} {value}"))).collect()
}

fn heartbeat(terms: Terms) -> String {
    format!("ping after {}, dead after {}", brief(terms.ping_after), brief(terms.silence))
}

/// What happened to the connection, the oldest first: when, what, whose doing, and what was done. Between that, when this
/// program stood still.
pub(super) fn why(occurrences: &[Occurrence], pauses: &Pauses, terms: Option<Terms>, now: Moment) -> Vec<Line> {
    let occurrence = |one: &Occurrence| {
        let done = match one.done {
            Done::Nothing => String::new(),
            Done::Retry(after) => format!("; tries again after {}", brief(after)),
            Done::Stay => "; stays away".to_owned(),
        };
        (one.at, format!("{}{done}", happened(one)))
    };
    let pause = |one: &Pause| {
        let length = Duration::from(one.length);
        // The line may have been quiet before: a client pings after one and a half intervals at the latest.
        let too_long = terms.filter(|terms| length + terms.ping_after + terms.ping_after >= terms.silence);
        let so = too_long
            .map(|terms| format!("; the server takes a line for dead that is silent for {}", brief(terms.silence)));
        (one.from, format!("stood still for {}{}", brief(length), so.unwrap_or_default()))
    };
    let mut told: Vec<_> = occurrences.iter().map(occurrence).chain(pauses.list().map(pause)).collect();
    if told.is_empty() {
        return vec!["nothing has happened to the connection yet".into()];
    }
    told.sort_by_key(|(at, _)| *at);
    told.iter().map(|(at, what)| format!("{}  {what}", clock::short(clock::of_system(*at), now)).into()).collect()
}

fn happened(one: &Occurrence) -> String {
    match &one.what {
        What::Up => format!("up at {}", one.endpoint),
        What::GoAway => format!("{} will stop", one.endpoint),
        What::Failed { error } => format!("no connection to {}: {error}", one.endpoint),
        What::Down { reason, whose, detail } => {
            format!("down: {} ({} side){}", reason.name(), whose.name(), beyond(reason.name(), detail))
        }
        // The library may know more one day.
        other => format!("{other:?}"),
    }
}

/// What a detail says beyond the reason, with which it may begin, and the reason's own side.
fn beyond(reason: &str, detail: &str) -> String {
    let rest = match detail.strip_prefix(reason).and_then(|rest| rest.strip_prefix(" (")?.split_once(')')) {
        Some((side, rest)) => match side.split_once(": ") {
            Some((_, cause)) => format!("{cause}{rest}"),
            None => rest.trim_start_matches(", ").to_owned(),
        },
        None => detail.to_owned(),
    };
    if rest.is_empty() { rest } else { format!(": {rest}") }
}

fn millis(time: Duration) -> f64 {
    time.to_std().as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_says_what_the_reason_does_not() {
        for (detail, said) in [
            ("reset (client side), open 3s, last byte in 1s ago", ": open 3s, last byte in 1s ago"),
            ("reset (client side: broken), open 3s", ": broken, open 3s"),
            ("the server said so", ": the server said so"),
            ("reset", ": reset"),
            ("", ""),
        ] {
            assert_eq!(beyond("reset", detail), said);
        }
    }

    #[test]
    fn a_pause_that_is_too_long_for_the_server_is_named_so() {
        let mut pauses = Pauses::default();
        for seconds in [100, 103] {
            pauses.look(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
        }
        let told = |silence: u64| {
            let (ping_after, silence) = (Duration::from_millis(1000), Duration::from_millis(silence));
            why(&[], &pauses, Some(Terms { ping_after, silence }), clock::of_ms(100_000)).remove(0).text
        };
        assert!(told(5001).ends_with("  stood still for 3.0 s"), "{}", told(5001));
        let so = "stood still for 3.0 s; the server takes a line for dead that is silent for 5.0 s";
        assert!(told(5000).ends_with(so), "{}", told(5000));
        assert_eq!(why(&[], &Pauses::default(), None, clock::now()).len(), 1);
    }
}
