//! View: draws what [`App`] says. Pure: a frame in, cells out.

mod detail;
mod head;
mod list;
#[cfg(test)]
mod tests;
mod text;
mod theme;

use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

pub(super) use theme::Theme;

use super::app::{App, Mode};
use text::{fit, tail};

/// Below this there is no list that says anything.
const SMALLEST: Size = Size { width: 40, height: 8 };

/// From this height on the whole head is shown.
const TALL: u16 = 16;

/// How the rows of the screen are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    head: u16,
    /// With the heads of its columns.
    list: u16,
}

impl Shares {
    /// `None` where there is no room. The status line and the footer have a row each.
    fn of(size: Size) -> Option<Self> {
        if size.width < SMALLEST.width || size.height < SMALLEST.height {
            return None;
        }
        let head = if size.height < TALL { head::SHORT } else { head::LONG };
        Some(Self { head, list: size.height - head - 2 })
    }
}

/// How many sessions a screen of this size shows.
pub(super) fn rows(size: Size) -> usize {
    Shares::of(size).map_or(1, |shares| usize::from(shares.list - 1))
}

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, theme: Theme) {
    let area = frame.area();
    let Some(shares) = Shares::of(area.as_size()) else {
        let Size { width, height } = SMALLEST;
        let said = format!("{width} columns and {height} rows are needed; q quits");
        return frame.render_widget(Paragraph::new(fit(&said, area.width.into(), false)), area);
    };
    let width = usize::from(area.width);
    let mut lines = head::lines(app, width, shares.head, theme);
    let body = usize::from(shares.list);
    match app.question().one {
        Some(one) => lines.extend(detail::lines(app, &one, width, body, theme)),
        None => lines.extend(list::lines(app, width, body, theme)),
    }
    lines.resize(usize::from(shares.head) + body, Line::default());
    lines.push(status(app, width, theme));
    lines.push(Line::styled(fit(&footer(app, width), width, false), theme.faint()));
    frame.render_widget(Paragraph::new(lines), Rect { x: 0, y: 0, ..area });
}

/// What is asked or was done, or where one is in the list.
fn status(app: &App, width: usize, theme: Theme) -> Line<'static> {
    let (said, style) = match (&app.mode, &app.notice) {
        (Mode::Confirm { whom, .. }, _) => {
            (format!("kick {} on {} (session {})?", whom.user, whom.device, whom.session), theme.loud())
        }
        (Mode::Filter { .. }, _) => {
            const BEFORE: &str = "filter: ";
            (format!("{BEFORE}{}_", tail(&app.list.filter, width - BEFORE.len() - 1)), theme.loud())
        }
        (_, Some(notice)) => (notice.text.clone(), theme.loud()),
        (Mode::List, None) => (list::place(app), theme.plain()),
        (Mode::Detail { .. }, None) => (String::new(), theme.plain()),
    };
    Line::styled(fit(&said, width, false), style)
}

/// What the keys mean here. Before anything else those of a question, however narrow the screen is.
fn footer(app: &App, width: usize) -> String {
    let kick = if app.read_only { "read-only: no kick" } else { "k kick" };
    match app.mode {
        Mode::Confirm { .. } => "y yes, kick  any other key: no".to_owned(),
        Mode::Filter { .. } => "Enter keep it  Escape as it was".to_owned(),
        Mode::Detail { .. } => format!("Enter back  ↑↓ timeline  {kick}  q quit"),
        Mode::List if width < 72 && app.read_only => "q quit  / filter  ←→ sort  Enter detail".to_owned(),
        Mode::List if width < 72 => "q quit  / filter  ←→ sort  Enter  k kick".to_owned(),
        Mode::List => format!("q quit  / filter  ←→ 1-9 sort  r reverse  Enter detail  {kick}"),
    }
}
