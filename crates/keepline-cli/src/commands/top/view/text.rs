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
}
