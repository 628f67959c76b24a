//! Escape: words of others on our terminal, where a control byte is a command.
//!
//! What a peer writes may move the cursor, rename the window, or answer in our name (CWE-150). So whatever comes from
//! elsewhere is shown with each control character spelled out, as `\u{1b}`; those too that only change the direction of
//! the text, with which a line can be made to read as another (Unicode TR 36, "bidirectional text spoofing").

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character is a command and not a sign.
fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text in which no character is a command: one line, whatever it was.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    rewritten(text, |c, to| {
        let _ = match c {
            '\n' => to.write_str("\\n"),
            '\r' => to.write_str("\\r"),
            '\t' => to.write_str("\\t"),
            c => write!(to, "\\u{{{:x}}}", u32::from(c)),
        };
    })
}

/// The same for JSON, in which commands stand within texts only: there JSON's own escape keeps them what they are.
pub(super) fn escaped_json(json: &str) -> Cow<'_, str> {
    rewritten(json, |c, to| {
        let _ = write!(to, "\\u{:04x}", u32::from(c));
    })
}

fn rewritten(text: &str, write: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(is_command) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_command(c) {
            write(c, &mut safe);
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_a_command() {
        for (text, shown) in [
            ("plain, ä, 张, 👩‍👩‍👧", "plain, ä, 张, 👩‍👩‍👧"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("\u{7f}\u{0}", "\\u{7f}\\u{0}"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{2066}\u{200f}\u{2028}\u{feff}", "\\u{2066}\\u{200f}\\u{2028}\\u{feff}"),
            ("back\\slash", "back\\slash"),
        ] {
            assert_eq!(escaped(text), shown);
        }
    }

    #[test]
    fn every_control_character_is_escaped_and_json_says_the_same_text() {
        for c in (0..0x3000).filter_map(char::from_u32).filter(|c| is_command(*c)) {
            let text = format!("a{c}\"\\b");
            assert!(!escaped(&text).contains(c), "{c:?}");
            let json = serde_json::to_string(&text).unwrap();
            let safe = escaped_json(&json);
            assert!(!safe.contains(is_command), "{safe:?}");
            assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), text);
        }
        assert!(('\0'..=' ').filter(|c| is_command(*c)).count() == 32 && is_command('\u{7f}') && is_command('\u{85}'));
    }
}
