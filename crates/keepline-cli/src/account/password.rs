//! Password: asked for on the terminal, without showing it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::mem::take;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::secret::Secret;

/// The longest that is read, in bytes: what a server takes.
const LONGEST: usize = 512;

/// Asks on the terminal of this process, whatever its stdin is.
///
/// # Errors
/// There is no terminal; or `Interrupted`, if nothing was given.
pub(crate) fn ask(question: &str) -> io::Result<Secret> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let _silent = Silent::new(&terminal)?;
    write!(terminal, "{question}: ")?;
    let mut typed = Typed::default();
    let mut byte = [0];
    let answer = loop {
        if terminal.read(&mut byte)? == 0 {
            break None;
        }
        match typed.take(byte[0]) {
            Step::More => {}
            Step::Done(password) => break Some(password),
            Step::GivenUp => break None,
        }
    };
    writeln!(terminal)?;
    answer.ok_or_else(|| io::Error::new(io::ErrorKind::Interrupted, "no password was given"))
}

/// A terminal that shows nothing and passes each key on, until this is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn new(terminal: &File) -> io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        // Without ISIG, Ctrl-C comes as a byte, and the terminal is itself again before the process ends.
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// What was typed so far.
#[derive(Default)]
struct Typed(Vec<u8>);

enum Step {
    More,
    Done(Secret),
    GivenUp,
}

impl Typed {
    fn take(&mut self, key: u8) -> Step {
        match key {
            b'\r' | b'\n' => match String::from_utf8(take(&mut self.0)) {
                Ok(text) if !text.is_empty() => return Step::Done(Secret::new(text)),
                _ => return Step::GivenUp,
            },
            // Ctrl-C, Ctrl-D
            0x03 | 0x04 => return Step::GivenUp,
            // Ctrl-U
            0x15 => self.0.clear(),
            // Backspace takes a whole character.
            0x08 | 0x7f => while self.0.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            _ if self.0.len() < LONGEST => self.0.push(key),
            _ => {}
        }
        Step::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_make_a_password() {
        for (keys, password) in [
            (&b"secret\n"[..], Some("secret")),
            (b"sex\x7fcret\r", Some("secret")),
            ("sä\u{7f}ecret\r".as_bytes(), Some("secret")),
            (b"\x7fwrong\x15secret\n", Some("secret")),
            (b"\n", None),
            (b"sec\x03ret\n", None),
            (b"sec\x04", None),
            (b"\xff\n", None),
        ] {
            let mut typed = Typed::default();
            let end = keys.iter().find_map(|key| match typed.take(*key) {
                Step::More => None,
                Step::Done(password) => Some(Some(password)),
                Step::GivenUp => Some(None),
            });
            let end = end.expect("each ends");
            assert_eq!(end.as_ref().map(Secret::reveal), password, "{keys:?}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut typed = Typed::default();
        for _ in 0..2 * LONGEST {
            typed.take(b'x');
        }
        assert_eq!(typed.0.len(), LONGEST);
    }
}
