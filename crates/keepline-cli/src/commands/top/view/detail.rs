//! Detail: one session closely, and what happened to it.

use ratatui::text::Line;

use super::super::app::App;
use super::super::figures::{bytes, clock, time};
use super::super::picture::One;
use super::super::timeline;
use super::text::fit;
use super::theme::Theme;
use crate::api::{LiveSession, SessionDetail};
use crate::output::{moment, round_trip};

pub(super) fn lines(app: &App, one: &One, width: usize, rows: usize, theme: Theme) -> Vec<Line<'static>> {
    let head = format!("{} on {}  session {}", one.user, one.device, one.session);
    let mut lines = vec![Line::styled(fit(&head, width, false), theme.bold())];
    let plain = |text: &str| Line::styled(fit(text, width, false), theme.plain());
    let Some(closer) = app.picture.one.as_ref().filter(|closer| closer.session == one.session) else {
        lines.push(plain("asking the server ..."));
        return lines;
    };
    match &closer.detail {
        Some(SessionDetail { live, .. }) => lines.extend(facts(live).iter().map(|fact| plain(fact))),
        None => lines.push(Line::styled(fit("it has ended", width, false), theme.alarm())),
    }
    lines.push(Line::styled(fit("timeline", width, false), theme.bold()));
    let entries = timeline::of(closer);
    // The latest are the ones that are wanted.
    let room = rows.saturating_sub(lines.len());
    for entry in entries.iter().skip(entries.len().saturating_sub(room)) {
        lines.push(plain(&format!("{}  {}", clock(entry.at_ms), entry.text)));
    }
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
