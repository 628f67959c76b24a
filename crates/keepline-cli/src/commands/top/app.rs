//! App: what `keepline top` shows and where one is in it. Pure: events and the time come in, effects go out.
//!
//! ```text
//!            /                        Enter
//! Filter ◀──────▶ List ◀──────────────────────────▶ Detail
//!     Enter, Escape │ ▲            Enter, Escape     │ ▲
//!                 k │ │ any but y                  k │ │
//!                   ▼ │                              ▼ │
//!                  Confirm, which goes back where it came from
//! ```

mod list;
#[cfg(test)]
mod tests;

use super::feed::News;
use super::keys::Key;
use super::picture::{One, Picture, Question};
use super::rates::Rates;
use super::timeline;
use crate::api::{LiveSession, Seq};

pub(super) use list::List;

/// How long a word about what was done stays.
const NOTICE_MS: u64 = 5_000;

/// The longest filter, in characters.
const LONGEST_FILTER: usize = 64;

/// All that is shown.
#[derive(Debug)]
pub(super) struct App {
    pub(super) mode: Mode,
    pub(super) list: List,
    pub(super) link: Link,
    pub(super) picture: Picture,
    pub(super) rates: Rates,
    pub(super) notice: Option<Notice>,
    /// Whether nobody can be kicked.
    pub(super) read_only: bool,
    /// The server.
    pub(super) server: String,
    /// Milliseconds since 1970, as of the last event.
    pub(super) now_ms: u64,
}

/// Where one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    List,
    /// The filter is being typed; the one before it comes back with Escape.
    Filter {
        before: String,
    },
    /// One session, closely; so many of the last entries of its timeline are below the screen.
    Detail {
        one: One,
        below: usize,
    },
    /// Somebody is about to be kicked.
    Confirm {
        whom: One,
        back: Box<Self>,
    },
}

/// Whether the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    Down { why: String, again_ms: u64 },
}

/// What was done, and until when that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) text: String,
    until_ms: u64,
}

/// What happens to it.
#[derive(Debug)]
pub(super) enum Event {
    Key(Key),
    News(News),
    /// A kick was answered.
    Kicked {
        whom: One,
        answer: Result<(), String>,
    },
    /// The list has so many rows.
    Sized {
        rows: usize,
    },
    /// Time goes by.
    Tick,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Effect {
    None,
    /// Something else is asked of the server from now on: [`App::question`].
    Ask,
    Kick(One),
    Quit,
}

impl App {
    /// With the first picture, which is of the [`question`](Self::question) of this list.
    pub(super) fn new(server: String, read_only: bool, list: List) -> Self {
        Self {
            mode: Mode::List,
            list,
            link: Link::Up,
            picture: Picture::default(),
            rates: Rates::default(),
            notice: None,
            read_only,
            server,
            now_ms: 0,
        }
    }

    /// What is to be asked of the server.
    pub(super) fn question(&self) -> Question {
        let one = match &self.mode {
            Mode::Detail { one, .. } => Some(one),
            Mode::Confirm { back, .. } => match &**back {
                Mode::Detail { one, .. } => Some(one),
                _ => None,
            },
            Mode::List | Mode::Filter { .. } => None,
        };
        Question { page: self.list.query(), one: one.cloned() }
    }

    /// How many of the last entries of the timeline are below the screen.
    pub(super) fn below(&self) -> usize {
        match &self.mode {
            Mode::Detail { below, .. } => *below,
            Mode::Confirm { back, .. } => match &**back {
                Mode::Detail { below, .. } => *below,
                _ => 0,
            },
            Mode::List | Mode::Filter { .. } => 0,
        }
    }

    /// Takes an event at this time.
    pub(super) fn update(&mut self, event: Event, now_ms: u64) -> Effect {
        self.now_ms = now_ms;
        if self.notice.as_ref().is_some_and(|notice| notice.until_ms <= now_ms) {
            self.notice = None;
        }
        match event {
            Event::Key(key) => {
                let before = self.question();
                let effect = self.press(key);
                if effect == Effect::None && self.question() != before { Effect::Ask } else { effect }
            }
            Event::News(News::Picture(picture)) => {
                self.show(*picture);
                ask_if(self.list.settle(self.picture.page.total))
            }
            Event::News(News::Down { why, again }) => {
                let again_ms = now_ms.saturating_add(u64::try_from(again.as_millis()).unwrap_or(u64::MAX));
                self.link = Link::Down { why, again_ms };
                Effect::None
            }
            Event::Kicked { whom, answer } => {
                self.say(match answer {
                    Ok(()) => format!("{} on {} was kicked", whom.user, whom.device),
                    Err(why) => format!("{} on {} was not kicked: {why}", whom.user, whom.device),
                });
                Effect::None
            }
            Event::Sized { rows } => {
                let changed = self.list.resize(rows);
                ask_if(changed)
            }
            Event::Tick => Effect::None,
        }
    }

    /// The session in a row of the list, if the picture has it.
    pub(super) fn row(&self, row: usize) -> Option<&LiveSession> {
        let at = (self.list.top() + row).checked_sub(self.picture.offset)?;
        self.picture.page.sessions.get(at)
    }

    /// The session under the cursor.
    fn under_cursor(&self) -> Option<One> {
        let live = self.row(self.list.cursor() - self.list.top())?;
        Some(One { session: live.session, user: live.user.clone(), device: live.device.clone() })
    }

    fn show(&mut self, picture: Picture) {
        // Who stood under the cursor stays there, as long as he is on the screen.
        let followed = self.under_cursor().map(|one| one.session);
        self.rates.look(self.now_ms, &picture.counters);
        self.link = Link::Up;
        self.picture = picture;
        let row = followed.and_then(|session| self.row_of(session));
        if let Some(row) = row {
            self.list.go_to_row(row);
        }
    }

    fn row_of(&self, session: Seq) -> Option<usize> {
        (0..self.list.rows()).find(|row| self.row(*row).is_some_and(|live| live.session == session))
    }

    fn press(&mut self, key: Key) -> Effect {
        if key == Key::Interrupt {
            return Effect::Quit;
        }
        match &self.mode {
            Mode::List => self.press_in_list(key),
            Mode::Filter { before } => {
                let before = before.clone();
                self.press_in_filter(key, before);
                Effect::None
            }
            Mode::Detail { one, below } => {
                let (one, below) = (one.clone(), *below);
                self.press_in_detail(key, one, below)
            }
            Mode::Confirm { whom, back } => {
                let (whom, back) = (whom.clone(), (**back).clone());
                self.mode = back;
                if key == Key::Char('y') { Effect::Kick(whom) } else { Effect::None }
            }
        }
    }

    fn press_in_list(&mut self, key: Key) -> Effect {
        match key {
            Key::Char('q') => return Effect::Quit,
            Key::Char('/') => self.mode = Mode::Filter { before: self.list.filter.clone() },
            Key::Escape => self.list.filter_by(String::new()),
            Key::Char('k') => {
                if let Some(one) = self.under_cursor() {
                    self.confirm(one);
                }
            }
            Key::Enter => {
                if let Some(one) = self.under_cursor() {
                    self.mode = Mode::Detail { one, below: 0 };
                }
            }
            other => self.list.press(other),
        }
        Effect::None
    }

    fn press_in_detail(&mut self, key: Key, one: One, below: usize) -> Effect {
        let earliest = self.picture.one.as_ref().map_or(0, |closer| timeline::of(closer).len().saturating_sub(1));
        let below = match key {
            Key::Char('q') => return Effect::Quit,
            Key::Char('k') => {
                self.confirm(one);
                return Effect::None;
            }
            Key::Enter | Key::Escape | Key::Left | Key::Backspace => {
                self.mode = Mode::List;
                return Effect::None;
            }
            Key::Up => below + 1,
            Key::Down => below.saturating_sub(1),
            Key::PageUp => below + self.list.rows(),
            Key::PageDown => below.saturating_sub(self.list.rows()),
            Key::Home => earliest,
            Key::End => 0,
            Key::Right | Key::Char(_) | Key::Interrupt => below,
        };
        self.mode = Mode::Detail { one, below: below.min(earliest) };
        Effect::None
    }

    fn press_in_filter(&mut self, key: Key, before: String) {
        let mut filter = self.list.filter.clone();
        match key {
            Key::Enter => self.mode = Mode::List,
            Key::Escape => {
                self.mode = Mode::List;
                self.list.filter_by(before);
            }
            Key::Backspace => {
                filter.pop();
                self.list.filter_by(filter);
            }
            Key::Char(c) if filter.chars().count() < LONGEST_FILTER => {
                filter.push(c);
                self.list.filter_by(filter);
            }
            _ => {}
        }
    }

    fn confirm(&mut self, whom: One) {
        if self.read_only {
            return self.say("nobody is kicked here: --read-only".to_owned());
        }
        let back = Box::new(self.mode.clone());
        self.mode = Mode::Confirm { whom, back };
    }

    fn say(&mut self, text: String) {
        self.notice = Some(Notice { text, until_ms: self.now_ms.saturating_add(NOTICE_MS) });
    }
}

const fn ask_if(changed: bool) -> Effect {
    if changed { Effect::Ask } else { Effect::None }
}
