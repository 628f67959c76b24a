//! Head: the server as a whole: whether it answers, how many are there, what happens in a second, who ended.

use ratatui::style::Style;
use ratatui::text::Line;

use super::super::app::{App, Link};
use super::super::figures::{clock, count, rate, time};
use super::text::fit;
use super::theme::Theme;

/// Its rows on a low screen and on a high one.
pub(super) const SHORT: u16 = 2;
pub(super) const LONG: u16 = 5;

/// The heights of the last minute's rates, where there is room.
const BARS: usize = 30;

pub(super) fn lines(app: &App, width: usize, rows: u16, theme: Theme) -> Vec<Line<'static>> {
    let second = match &app.link {
        Link::Up => (who(app), theme.plain()),
        Link::Down { why, .. } => (why.clone(), theme.alarm()),
    };
    let all: [(String, Style); LONG as usize] = [
        (server(app, width), if app.link == Link::Up { theme.bold() } else { theme.alarm() }),
        second,
        (rates(app, width), theme.plain()),
        (ends(app), theme.plain()),
        (last(app), theme.plain()),
    ];
    let shown = all.into_iter().take(rows.into());
    shown.map(|(text, style)| Line::styled(fit(&text, width, false), style)).collect()
}

/// The server, the time and whether it answers; on a narrow screen only the last.
fn server(app: &App, width: usize) -> String {
    const NAME: &str = "keepline top";
    /// Of an address that is cut off, less says nothing.
    const LEAST: usize = 12;
    let state = match &app.link {
        Link::Up => "live".to_owned(),
        Link::Down { again_ms, .. } => {
            // The second that has begun counts, so that it never says 0 and waits.
            let left = again_ms.saturating_sub(app.now_ms).div_ceil(1000);
            if left == 0 { "no answer, trying".to_owned() } else { format!("no answer, next try in {left}s") }
        }
    };
    let store = if app.picture.counters.store_up == Some(false) { "  THE STORE TAKES NO WRITES" } else { "" };
    let state = format!("{state}{store}");
    let behind = format!("  {}  {state}", clock(app.now_ms));
    let room = width.saturating_sub(NAME.len() + 2 + behind.len()).min(app.server.len());
    if room == app.server.len() || room >= LEAST {
        format!("{NAME}  {}{behind}", fit(&app.server, room, false))
    } else if NAME.len() + behind.len() <= width {
        format!("{NAME}{behind}")
    } else if NAME.len() + 2 + state.len() <= width {
        format!("{NAME}  {state}")
    } else {
        state
    }
}

fn who(app: &App) -> String {
    let counters = &app.picture.counters;
    let all: u64 = counters.sessions.values().sum();
    let there = counters.sessions.iter().filter(|(_, number)| **number > 0);
    let each: Vec<String> = there.map(|(dialect, number)| format!("{dialect} {}", count(*number))).collect();
    let each = if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) };
    let connections = count(counters.connections);
    let missed = count(counters.heartbeats_missed);
    format!("sessions {}{each}  connections {connections}  heartbeats missed {missed}", count(all))
}

fn rates(app: &App, width: usize) -> String {
    let Some(now) = app.rates.now() else { return "rates: with the next answer".to_owned() };
    let said = format!(
        "messages {}/s  delivered {}/s  logins {}/s  refused {}/s",
        rate(now.stored),
        rate(now.delivered),
        rate(now.logins),
        rate(now.refused)
    );
    if width < said.len() + BARS + 2 { said } else { format!("{said}  {}", app.rates.bars(BARS)) }
}

fn ends(app: &App) -> String {
    let counters = &app.picture.counters;
    let mut all: Vec<_> = counters.closed.iter().collect();
    all.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    let each: Vec<String> =
        all.into_iter().map(|((reason, side), number)| format!("{reason} ({side}) {}", count(*number))).collect();
    let each = if each.is_empty() { "none".to_owned() } else { each.join(", ") };
    let turned_away = match counters.turned_away {
        0 => String::new(),
        number => format!("turned away {}  ", count(number)),
    };
    format!("{turned_away}ended: {each}")
}

fn last(app: &App) -> String {
    let each: Vec<String> = app
        .picture
        .ends
        .iter()
        .map(|end| {
            let ago = time(app.now_ms.saturating_sub(end.at_ms));
            format!("{}/{} {} ({}) {ago} ago", end.user, end.device, end.reason, end.side)
        })
        .collect();
    format!("last: {}", if each.is_empty() { "none".to_owned() } else { each.join(", ") })
}
