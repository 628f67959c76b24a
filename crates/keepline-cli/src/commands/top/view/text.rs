//! Text: what others wrote in so many columns of the screen.

use unicode_width::UnicodeWidthChar as _;

use crate::output::escaped;

/// The text in exactly so many columns: escaped, cut with a `…` where it is longer, filled with spaces where it is
/// shorter, in front if it stands on the right.
pub(super) fn fit(text: &str, width: usize, right: bool) -> String {
    let (text, used) = cut(&escaped(text), width);
    let space = " ".repeat(width.saturating_sub(used));
    if right { space + &text } else { text + &space }
}

/// The end of a text that is longer than so many columns, as that is where one types; escaped.
pub(super) fn tail(text: &str, width: usize) -> String {
    let text = escaped(text);
    let (mut start, mut used) = (text.len(), 0);
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        start = at;
    }
    text[start..].to_owned()
}

/// The text in rows of at most so many columns, broken at spaces where it can be; escaped. The rows behind the first are
/// set in by two.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    const INDENT: &str = "  ";
    let columns = |text: &str| text.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    let (mut rows, mut row) = (Vec::new(), String::new());
    for (at, word) in escaped(text).split(' ').enumerate() {
        if at > 0 && columns(&row) + 1 + columns(word) > width {
            rows.push(std::mem::replace(&mut row, INDENT.to_owned()));
        } else if at > 0 {
            row.push(' ');
        }
        for c in word.chars() {
            // A word that is wider than a row.
            if columns(&row) + c.width().unwrap_or(0) > width && columns(&row) > INDENT.len() {
                rows.push(std::mem::replace(&mut row, INDENT.to_owned()));
            }
            row.push(c);
        }
    }
    rows.push(row);
    rows
}

/// The text in at most so many columns, and how many it takes.
fn cut(text: &str, width: usize) -> (String, usize) {
    let columns = |text: &str| text.chars().map(|c| c.width().unwrap_or(0)).sum();
    let whole: usize = columns(text);
    if whole <= width {
        return (text.to_owned(), whole);
    }
    let (mut short, mut used) = (String::new(), 0);
    for c in text.chars() {
        let more = c.width().unwrap_or(0);
        if used + more + 1 > width {
            break;
        }
        short.push(c);
        used += more;
    }
    if width > 0 {
        short.push('…');
        used += 1;
    }
    (short, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_its_columns_and_no_more() {
        for (text, width, right, fitted) in [
            ("bob", 5, false, "bob  "),
            ("bob", 5, true, "  bob"),
            ("bob", 3, false, "bob"),
            ("robert", 3, true, "ro…"),
            ("张三李", 4, false, "张… "),
            ("张", 1, false, "…"),
            ("bob", 0, false, ""),
            ("\u{1b}[2J", 9, false, "\\u{1b}[2J"),
            ("a\nb", 9, false, "a\\nb     "),
        ] {
            assert_eq!(fit(text, width, right), fitted, "{text:?} in {width}");
        }
    }

    #[test]
    fn a_text_is_broken_at_spaces_and_a_long_word_where_it_must() {
        for (text, width, rows) in [
            ("one two three", 20, &["one two three"][..]),
            ("one two three", 8, &["one two", "  three"]),
            ("a  b", 8, &["a  b"]),
            ("an unbreakable word", 8, &["an", "  unbrea", "  kable", "  word"]),
            ("张三 李", 5, &["张三", "  李"]),
            ("\u{1b}[2J", 20, &["\\u{1b}[2J"]),
            ("", 5, &[""]),
        ] {
            assert_eq!(wrap(text, width), rows, "{text:?} in {width}");
        }
    }

    #[test]
    fn of_what_is_typed_the_end_is_seen() {
        for (text, width, end) in [("abc", 5, "abc"), ("abcdef", 3, "def"), ("张三", 3, "三"), ("", 3, "")] {
            assert_eq!(tail(text, width), end, "{text:?} in {width}");
        }
    }
}
