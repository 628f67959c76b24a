//! Line: what peers put into a line of the log can't begin another one, or command the terminal.

use crate::output::escaped;

/// No line is longer, in bytes: ids are checked to be short, and an error's words are not.
const LONGEST: usize = 4096;

/// A line as the formatter writes it, as it may be shown, with its end.
pub(super) fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let mut clean = escaped(text).into_owned();
    if clean.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&end| clean.is_char_boundary(end)).unwrap_or(0);
        clean.truncate(end);
        clean.push_str("...");
    }
    clean.push('\n');
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b11_a_line_is_one_line_whatever_is_in_it() {
        for (line, written) in [
            (&b"plain\n"[..], "plain\n".to_owned()),
            (b"no end", "no end\n".to_owned()),
            (b"name=a\nWARN forged\n", "name=a\\nWARN forged\n".to_owned()),
            (b"\x1b[2Jgone\r\x07\n", "\\u{1b}[2Jgone\\r\\u{7}\n".to_owned()),
            (b"\xff\n", "\u{fffd}\n".to_owned()),
            (&[b'x'; 10_000], format!("{}...\n", "x".repeat(LONGEST))),
        ] {
            assert_eq!(clean(line), written);
        }
    }
}
