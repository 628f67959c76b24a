//! Detail: one session closely, and what happened to it.

use ratatui::text::Line;

use super::super::app::App;
use super::super::figures::{bytes, clock, time};
use super::super::picture::{Closer, One};
use super::super::timeline;
use super::text::{fit, wrap};
use super::theme::Theme;
use crate::api::{LiveSession, SessionDetail};
use crate::output::{moment, round_trip};

/// From so many rows on the facts are whole however narrow the screen is; below, the timeline needs the room.
const ROOMY: usize = 12;

pub(super) fn lines(app: &App, one: &One, width: usize, rows: usize, theme: Theme) -> Vec<Line<'static>> {
    let head = format!("{} on {}  session {}", one.user, one.device, one.session);
    let mut lines = vec![Line::styled(fit(&head, width, false), theme.bold())];
    let plain = |text: &str| Line::styled(fit(text, width, false), theme.plain());
    let Some(closer) = app.picture.one.as_ref().filter(|closer| closer.session == one.session) else {
        lines.push(plain("asking the server ..."));
        return lines;
    };
    match &closer.detail {
        Some(SessionDetail { live, .. }) => {
            let facts = facts(live).into_iter();
            let facts = facts.flat_map(|fact| if rows < ROOMY { vec![fact] } else { wrap(&fact, width) });
            lines.extend(facts.map(|fact| plain(&fact)));
        }
        None => lines.push(Line::styled(fit("it has ended", width, false), theme.alarm())),
    }
    lines.extend(happened(closer, app.below(), width, rows.saturating_sub(lines.len()), theme));
    lines
}

/// The timeline in so many rows: its last entries, whole, but for those `below` the screen.
fn happened(closer: &Closer, below: usize, width: usize, rows: usize, theme: Theme) -> Vec<Line<'static>> {
    let entries = timeline::of(closer);
    let until = entries.len().saturating_sub(below);
    let (mut shown, mut first) = (Vec::new(), until);
    while let Some(entry) = first.checked_sub(1).and_then(|at| entries.get(at)) {
        let mut entry = wrap(&format!("{}  {}", clock(entry.at_ms), entry.text), width);
        // One row is the head. Of an entry that is higher than the screen its begin is shown.
        if !shown.is_empty() && entry.len() + shown.len() + 1 > rows {
            break;
        }
        entry.append(&mut shown);
        (shown, first) = (entry, first - 1);
    }
    let mut head = "timeline".to_owned();
    if first > 0 || until < entries.len() {
        head.push_str(&format!("  {first} earlier, {} later", entries.len() - until));
    }
    let mut lines = vec![Line::styled(fit(&head, width, false), theme.bold())];
    lines.extend(shown.iter().map(|row| Line::styled(fit(row, width, false), theme.plain())));
    lines.truncate(rows);
    lines
}

fn facts(live: &LiveSession) -> [String; 3] {
    let unknown = || "unknown".to_owned();
    let peer = live.peer.clone().unwrap_or_else(unknown);
    let queue = &live.queue;
    let waits = match queue.messages {
        0 => "nothing waits".to_owned(),
        number => format!("{number} waiting, {}, the oldest for {}", bytes(queue.bytes), time(queue.oldest_ms)),
    };
    [
        format!("{} over {}, from {peer}, since {}", live.dialect, live.transport, moment(live.since_ms)),
        format!(
            "idle {}  round trip {}  in {}  out {}",
            time(live.silent_ms),
            live.rtt_us.map_or_else(unknown, round_trip),
            live.bytes_in.map_or_else(unknown, bytes),
            live.bytes_out.map_or_else(unknown, bytes)
        ),
        format!("{waits}; {}", if live.caught_up { "it has everything" } else { "it has not acknowledged everything" }),
    ]
}
