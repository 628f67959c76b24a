//! Modes: how a terminal treats keys and pastes while the chat has it, and how it did before.

use std::io::{self, Write as _};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// A paste comes between two marks: so a line break in it is no Enter, which would send the line or obey it.
const PASTE_AS_ONE: &str = "\u{1b}[?2004h";
const PASTE_AS_KEYS: &str = "\u{1b}[?2004l";

/// How soon a process stops that has told itself to.
const STOPS_WITHIN: Duration = Duration::from_millis(200);

/// A terminal that is the chat's until this is dropped. It does not show keys by itself while no line is edited.
pub(super) struct Modes(Termios);

impl Modes {
    /// Takes the terminal of stdin and stdout.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn take() -> io::Result<Self> {
        let modes = Self(tcgetattr(io::stdin())?);
        modes.set()?;
        Ok(modes)
    }

    /// Sets them again, where a shell had the terminal meanwhile.
    ///
    /// # Errors
    /// The terminal has gone.
    pub(super) fn set(&self) -> io::Result<()> {
        let mut quiet = self.0.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        print(PASTE_AS_ONE)
    }

    /// Gives the terminal to the shell, as Ctrl-Z does elsewhere, and takes it back when the process goes on. Without a
    /// shell that could let it go on, the kernel does not stop it.
    ///
    /// # Errors
    /// The terminal has gone.
    pub(super) fn suspend(&self) -> io::Result<()> {
        self.give_back()?;
        kill_current_process_group(Signal::TSTP)?;
        // Another thread may take the signal, a moment later.
        thread::sleep(STOPS_WITHIN);
        self.set()
    }

    /// Sees whether somebody else had the terminal and left it as he likes it: a shell shows keys. Then it is made raw
    /// again, as the line editor believes that it is: it asks the terminal for its cursor before it can be told.
    pub(super) fn were_lost() -> bool {
        let Ok(mut modes) = tcgetattr(io::stdin()) else { return false };
        if !modes.local_modes.contains(LocalModes::ECHO) {
            return false;
        }
        modes.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &modes).is_ok()
    }

    fn give_back(&self) -> io::Result<()> {
        tcsetattr(io::stdin(), OptionalActions::Now, &self.0)?;
        print(PASTE_AS_KEYS)
    }
}

impl Drop for Modes {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing.
        let _ = self.give_back();
    }
}

fn print(command: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(command.as_bytes())?;
    out.flush()
}
