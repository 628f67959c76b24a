//! Rows: how many rows of a terminal a text takes.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// The rows above the one where the cursor stands behind `text`, on a terminal `width` columns wide; 0 is unknown.
///
/// A sign that has no room in a row goes to the next. A text that ends with the last column leaves the cursor in its row:
/// terminals go on only with the next sign.
pub(super) fn above_cursor(text: &str, width: u16) -> u16 {
    let width = if width == 0 { 80 } else { usize::from(width) };
    let (mut rows, mut column) = (0_u16, 0);
    for sign in text.graphemes(true) {
        if sign == "\n" || sign == "\r\n" {
            rows = rows.saturating_add(1);
            column = 0;
            continue;
        }
        let columns = sign.width();
        if column + columns > width {
            rows = rows.saturating_add(1);
            column = 0;
        }
        column += columns;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_in_columns() {
        for (text, width, rows) in [
            ("", 10, 0),
            ("0123456789", 10, 0),
            ("0123456789a", 10, 1),
            ("01234567890123456789a", 10, 2),
            ("张张张张张", 10, 0),
            ("张张张张张张", 10, 1),
            ("a张张张张张", 10, 1),
            ("ää\u{301}ä", 10, 0),
            ("a\nb\nc", 10, 2),
            ("0123456789\nb", 10, 1),
            ("👩‍👩‍👧👩‍👩‍👧", 2, 1),
            ("x", 0, 0),
        ] {
            assert_eq!(above_cursor(text, width), rows, "{text:?} on {width}");
        }
    }
}
