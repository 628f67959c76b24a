//! Console: lines from a pipe or a file, for scripts: the same words as on a terminal, and no escape sequences.

use std::io::{self, BufRead, Read as _, Write as _};
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;

use super::screen::{Screen, Typed};
use crate::api::LARGEST;

/// The longest line: the largest message, and room for whom it is for.
const LONGEST: usize = LARGEST + 256;

/// Lines that wait for the chat, and for whoever reads what it says.
const WAITING: usize = 256;

/// Starts to read stdin and to write stdout, on a thread each. The one that reads ends with the process; the one that
/// writes with the screen.
///
/// # Errors
/// There is no thread.
pub(super) fn open() -> io::Result<(Screen, mpsc::Receiver<Typed>, JoinHandle<io::Result<()>>)> {
    let (lines, typed) = mpsc::channel(WAITING);
    let (to_print, printed) = mpsc::channel(WAITING);
    thread::Builder::new().name("stdin".to_owned()).spawn(move || read(&lines))?;
    let writer = thread::Builder::new().name("stdout".to_owned()).spawn(move || write(printed))?;
    Ok((Screen::Pipe(to_print), typed, writer))
}

fn read(lines: &mpsc::Sender<Typed>) {
    let mut input = io::stdin().lock();
    while let Some(line) = next(&mut input) {
        if lines.blocking_send(Typed::Line(line)).is_err() {
            return;
        }
    }
    let _ = lines.blocking_send(Typed::End);
}

fn write(mut lines: mpsc::Receiver<String>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    while let Some(line) = lines.blocking_recv() {
        writeln!(out, "{line}")?;
        out.flush()?;
    }
    Ok(())
}

/// The next line, at most one byte longer than the longest message: what is too long is refused where it is sent, and
/// the rest of it dropped here. `None` at the end, or if nothing can be read.
fn next(input: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    if input.by_ref().take(LONGEST as u64).read_until(b'\n', &mut line).ok()? == 0 {
        return None;
    }
    if line.last() != Some(&b'\n') {
        skip(input);
    }
    Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned())
}

/// Drops the rest of a line.
fn skip(input: &mut impl BufRead) {
    while let Ok(bytes) = input.fill_buf() {
        let (length, ends) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        input.consume(length);
        if ends {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one_and_no_line_is_kept_whole_that_is_too_long() {
        let text = format!("a\r\n\nb\u{fc}\n{}\nlast", "x".repeat(3 * LONGEST));
        let mut input = text.as_bytes();
        let lines: Vec<String> = std::iter::from_fn(|| next(&mut input)).collect();
        let lengths: Vec<usize> = lines.iter().map(String::len).collect();
        assert_eq!(lengths, [1, 0, 3, LONGEST, 4]);
        assert_eq!(next(&mut &b"\xff\n"[..]).as_deref(), Some("\u{fffd}"));
    }
}
