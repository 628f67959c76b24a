//! Table: rows and their heads as text.

use comfy_table::{ContentArrangement, Table, presets};

use super::{Output, Row, escaped};

/// The rows as text, with a line break at the end.
pub(super) fn of<R: Row>(form: Output, rows: &[R]) -> String {
    let mut table = Table::new();
    table.set_header(R::HEADS);
    for row in rows {
        table.add_row(row.cells().iter().map(|cell| escaped(cell).into_owned()));
    }
    match form {
        Output::Table { width, bold } => {
            table.load_style(presets::UTF8_FULL_CONDENSED);
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
            let text = table.to_string();
            if bold { with_bold_heads(&text) } else { text + "\n" }
        }
        _ => {
            table.load_style(presets::NOTHING);
            for column in table.column_iter_mut() {
                column.set_padding((0, 2));
            }
            table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
        }
    }
}

/// The second line is that of the heads; the first is a border.
fn with_bold_heads(table: &str) -> String {
    let line = |(i, line): (usize, &str)| {
        if i == 1 { format!("\u{1b}[1m{line}\u{1b}[0m\n") } else { format!("{line}\n") }
    };
    table.lines().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Said(&'static str, &'static str);

    impl Row for Said {
        const HEADS: &'static [&'static str] = &["WHO", "TEXT"];

        fn cells(&self) -> Vec<String> {
            vec![self.0.to_owned(), self.1.to_owned()]
        }
    }

    const ROWS: [Said; 2] = [Said("ann", "hi \u{1b}[31mred\nnew line"), Said("张", "x")];

    #[test]
    fn columns_stand_below_their_heads() {
        let text = of(Output::Columns, &ROWS);
        assert_eq!(text, "WHO  TEXT\nann  hi \\u{1b}[31mred\\nnew line\n张   x\n");
        assert_eq!(of::<Said>(Output::Columns, &[]), "WHO  TEXT\n");
    }

    #[test]
    fn a_table_is_as_wide_as_the_terminal_and_its_only_commands_are_ours() {
        let plain = of(Output::Table { width: 24, bold: false }, &ROWS);
        assert!(!plain.contains('\u{1b}') && plain.lines().all(|line| line.chars().count() <= 24), "{plain}");
        let bold = of(Output::Table { width: 80, bold: true }, &ROWS);
        assert_eq!(bold.matches('\u{1b}').count(), 2, "{bold}");
        assert!(bold.contains("\u{1b}[1m│ WHO"), "{bold}");
    }
}
