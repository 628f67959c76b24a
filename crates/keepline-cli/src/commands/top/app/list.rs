//! List: which part of all sessions is on the screen, in which order, and where the cursor is.

use super::super::columns::{COLUMNS, Column};
use super::super::keys::Key;
use crate::api::{Order, SessionQuery, SortBy};

/// The place in the list. The server sorts and filters; only what is near the screen is asked for.
#[derive(Debug)]
pub(in super::super) struct List {
    sort: SortBy,
    order: Order,
    pub(in super::super) filter: String,
    /// The first row of the screen, and the cursor, counted from the first session in the order.
    top: usize,
    cursor: usize,
    /// Rows of the screen; at least 1.
    rows: usize,
    /// Sessions that fit, as of the last answer.
    total: usize,
}

impl List {
    pub(in super::super) const fn new(sort: SortBy, order: Order, filter: String) -> Self {
        Self { sort, order, filter, top: 0, cursor: 0, rows: 1, total: 0 }
    }

    /// What it is sorted by, and which way.
    pub(in super::super) const fn order(&self) -> (SortBy, Order) {
        (self.sort, self.order)
    }

    pub(in super::super) const fn top(&self) -> usize {
        self.top
    }

    pub(in super::super) const fn cursor(&self) -> usize {
        self.cursor
    }

    pub(in super::super) const fn rows(&self) -> usize {
        self.rows
    }

    /// The screen, and as much above and below it, so that a key shows something at once.
    pub(super) fn query(&self) -> SessionQuery {
        SessionQuery {
            user: None,
            like: Some(self.filter.clone()).filter(|filter| !filter.is_empty()),
            sort: self.sort,
            order: Some(self.order),
            offset: self.top.saturating_sub(self.rows),
            limit: Some(3 * self.rows),
        }
    }

    /// There are so many now; true if another part is on the screen for it.
    pub(super) fn settle(&mut self, total: usize) -> bool {
        let before = self.top;
        self.total = total;
        self.go_to(self.cursor);
        self.top != before
    }

    /// The screen has another size; true if it changes what is on it.
    pub(super) fn resize(&mut self, rows: usize) -> bool {
        let before = (self.top, self.rows);
        self.rows = rows.max(1);
        self.go_to(self.cursor);
        (self.top, self.rows) != before
    }

    pub(super) fn go_to_row(&mut self, row: usize) {
        self.go_to(self.top + row);
    }

    /// Another filter begins at its first session.
    pub(super) fn filter_by(&mut self, filter: String) {
        if filter != self.filter {
            self.filter = filter;
            (self.top, self.cursor) = (0, 0);
        }
    }

    /// What a key means that is for the list alone.
    pub(super) fn press(&mut self, key: Key) {
        let page = self.rows;
        match key {
            Key::Up => self.go_to(self.cursor.saturating_sub(1)),
            Key::Down => self.go_to(self.cursor + 1),
            Key::PageUp => self.go_to(self.cursor.saturating_sub(page)),
            Key::PageDown => self.go_to(self.cursor + page),
            Key::Home => self.go_to(0),
            Key::End => self.go_to(usize::MAX),
            Key::Left => self.sort_by(Column::of(self.sort).checked_sub(1).unwrap_or(COLUMNS.len() - 1)),
            Key::Right => self.sort_by((Column::of(self.sort) + 1) % COLUMNS.len()),
            Key::Char('r') => {
                self.order = self.order.reversed();
                self.go_to(0);
            }
            Key::Char(c) => {
                // 1 is the first column.
                if let Some(at) = c.to_digit(10).and_then(|digit| digit.checked_sub(1)) {
                    self.sort_by(at as usize);
                }
            }
            _ => {}
        }
    }

    fn sort_by(&mut self, column: usize) {
        let Some(column) = COLUMNS.get(column) else { return };
        (self.sort, self.order) = (column.sort, column.sort.natural());
        self.go_to(0);
    }

    /// Moves the cursor, and the screen as far as it must to show it.
    fn go_to(&mut self, at: usize) {
        self.cursor = at.min(self.total.saturating_sub(1));
        let last = self.total.saturating_sub(self.rows);
        self.top = self.top.min(self.cursor).max((self.cursor + 1).saturating_sub(self.rows)).min(last);
    }
}
