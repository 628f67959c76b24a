//! Words: what a message says, from the command line or from stdin.

use std::io::{self, Read as _};

use crate::api::{Content, Kind, LARGEST};
use crate::failure::Failure;

/// The content of the words of a command line; `-` alone is stdin.
///
/// # Errors
/// There is nothing, too much, or no UTF-8 where there should be; stdin can't be read.
pub(crate) fn content(words: &[String], kind: Kind) -> Result<Content, Failure> {
    let body = match words {
        [dash] if dash == "-" => read(io::stdin().lock(), kind)?,
        words => words.join(" ").into_bytes(),
    };
    if body.is_empty() {
        return Err(Failure::usage("there is nothing to send: write a text, or - to read it from stdin"));
    }
    if body.len() > LARGEST {
        return Err(Failure::usage(format!("a message has at most {LARGEST} bytes")));
    }
    Content::new(kind, body).ok_or_else(|| Failure::usage("a text is UTF-8; for other bytes say --kind custom"))
}

fn read(from: impl io::Read, kind: Kind) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    // One for the line break, and one to see that it is too long.
    from.take(LARGEST as u64 + 2).read_to_end(&mut body)?;
    // The end of the line of `echo` is not part of what is said.
    if kind == Kind::Text && body.last() == Some(&b'\n') {
        body.pop();
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn words_are_joined_and_lines_lose_their_end() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(content(&words(&["a", "b"]), Kind::Text).unwrap().shown(), "a b");
        for (kind, bytes, left) in [(Kind::Text, &b"a\n\n"[..], &b"a\n"[..]), (Kind::Custom, b"a\n", b"a\n")] {
            assert_eq!(read(bytes, kind).unwrap(), left);
        }
        let large = "x".repeat(LARGEST + 1);
        for bad in [&[][..], &[""], &[large.as_str()]] {
            assert_eq!(content(&words(bad), Kind::Text).unwrap_err().exit, Exit::Usage);
        }
        assert_eq!(read(&vec![b'x'; 2 * LARGEST][..], Kind::Text).unwrap().len(), LARGEST + 2);
    }
}
