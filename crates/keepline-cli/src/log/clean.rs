//! Clean: stderr on which a line is a line: what peers put into it can't begin another one, or command the terminal.

use std::io::{self, Write};

use crate::output::escaped;

/// No line is longer, in bytes: ids are checked to be short, and an error's words are not.
const LONGEST: usize = 4096;

/// Takes one line at a time, as the formatter writes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct CleanStderr;

impl Write for CleanStderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(clean(line).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

fn clean(line: &[u8]) -> String {
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
