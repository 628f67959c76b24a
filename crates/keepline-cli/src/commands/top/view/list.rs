//! List: the sessions in their columns, as many of both as there is room for.

use ratatui::text::Line;

use super::super::app::App;
use super::super::columns::{COLUMNS, Column};
use super::super::figures::count;
use super::text::fit;
use super::theme::Theme;
use crate::api::{LiveSession, Order};

/// In front of each row: whether the cursor is in it.
const MARGIN: usize = 2;

/// Columns that are given what is left of the width, up to so much each: names may be long.
const NAMES: usize = 2;
const LONGEST_NAME: usize = 32;

pub(super) fn lines(app: &App, width: usize, rows: usize, theme: Theme) -> Vec<Line<'static>> {
    let columns = fitting(width);
    let heads = columns.iter().map(|(column, width)| fit(&head(app, column), *width, column.right));
    let heads = fit(&format!("  {}", heads.collect::<Vec<_>>().join(" ")), width, false);
    let mut lines = vec![Line::styled(heads, theme.bold())];
    for row in 0..rows - 1 {
        let at = app.list.top() + row;
        if at >= app.picture.page.total {
            break;
        }
        let here = at == app.list.cursor();
        // Not there yet: it was asked for.
        let cells = app.row(row).map_or_else(|| "…".to_owned(), |live| cells(&columns, live));
        let text = fit(&format!("{} {cells}", if here { '>' } else { ' ' }), width, false);
        lines.push(Line::styled(text, if here { theme.cursor() } else { theme.plain() }));
    }
    if app.picture.page.total == 0 {
        let nobody = if app.list.filter.is_empty() { "nobody is logged in" } else { "nobody fits the filter" };
        lines.push(Line::raw(fit(&format!("  {nobody}"), width, false)));
    }
    lines
}

/// Which part of the list is shown, and in which order.
pub(super) fn place(app: &App) -> String {
    let (sort, order) = app.list.order();
    let order = if order == Order::Ascending { "ascending" } else { "descending" };
    let total = app.picture.page.total;
    let first = (app.list.top() + 1).min(total);
    let last = (app.list.top() + app.list.rows()).min(total);
    let number = |number: usize| count(number as u64);
    let of = if app.list.filter.is_empty() { String::new() } else { format!("  filter: {}", app.list.filter) };
    let head = COLUMNS[Column::of(sort)].head;
    format!("{}-{} of {}  by {head}, {order}{of}", number(first), number(last), number(total))
}

/// The columns that there is room for, and how wide each is.
fn fitting(width: usize) -> Vec<(&'static Column, usize)> {
    let mut left = width.saturating_sub(MARGIN);
    let mut columns = Vec::new();
    for column in &COLUMNS {
        let needed = column.width + usize::from(!columns.is_empty());
        if needed > left {
            break;
        }
        left -= needed;
        columns.push((column, column.width));
    }
    let names = columns.len().min(NAMES);
    for (_, width) in columns.iter_mut().take(names) {
        *width += (left / names).min(LONGEST_NAME - *width);
    }
    columns
}

fn head(app: &App, column: &Column) -> String {
    let (sort, order) = app.list.order();
    let arrow = match order {
        _ if sort != column.sort => "",
        Order::Ascending => "▲",
        Order::Descending => "▼",
    };
    format!("{}{arrow}", column.head)
}

fn cells(columns: &[(&Column, usize)], live: &LiveSession) -> String {
    let cells = columns.iter().map(|(column, width)| fit(&column.cell(live), *width, column.right));
    cells.collect::<Vec<_>>().join(" ")
}
