//! Screen: the terminal while `top` has it; given back however the process ends, short of SIGKILL.

use std::io;

use ratatui::DefaultTerminal;

/// The terminal in raw mode, with a screen of our own on it, until this is dropped.
pub(super) struct Screen(DefaultTerminal);

impl Screen {
    /// Takes the terminal. From now on a panic of any thread gives it back before it is printed.
    ///
    /// # Errors
    /// It is none, or does not do what is asked of it.
    pub(super) fn open() -> io::Result<Self> {
        ratatui::try_init().map(Self).inspect_err(|_| ratatui::restore())
    }

    pub(super) const fn terminal(&mut self) -> &mut DefaultTerminal {
        &mut self.0
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing.
        let _ = self.0.show_cursor();
        let _ = ratatui::try_restore();
    }
}
