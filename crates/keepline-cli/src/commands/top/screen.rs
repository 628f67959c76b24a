//! Screen: the terminal while `top` has it; given back however the process ends, short of SIGKILL.

use std::io::{self, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Size;
use ratatui::{DefaultTerminal, Frame, Terminal};

/// Whether the terminal is ours. It is given back once: a second time would move the cursor to where it was before, and
/// what comes next over the words of a panic.
static OURS: AtomicBool = AtomicBool::new(false);

/// The terminal in raw mode, with a screen of our own on it, until this is dropped.
pub(super) struct Screen(DefaultTerminal);

impl Screen {
    /// Takes the terminal. From now on a panic of any thread gives it back before it is printed.
    ///
    /// # Errors
    /// It is none, or does not do what is asked of it.
    pub(super) fn open() -> io::Result<Self> {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            print(info);
        }));
        OURS.store(true, Ordering::SeqCst);
        Self::take().inspect_err(|_| give_back())
    }

    fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen)?;
        Ok(Self(Terminal::new(CrosstermBackend::new(stdout()))?))
    }

    /// How large it is now.
    ///
    /// # Errors
    /// The terminal has gone.
    pub(super) fn size(&self) -> io::Result<Size> {
        self.0.size()
    }

    /// Draws; false, and nothing is drawn, if a panic elsewhere has given the terminal back.
    ///
    /// # Errors
    /// The terminal has gone.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<bool> {
        let ours = OURS.load(Ordering::SeqCst);
        if ours {
            let _ = self.0.draw(picture)?;
        }
        Ok(ours)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// A terminal that has gone needs nothing.
fn give_back() {
    if OURS.swap(false, Ordering::SeqCst) {
        // The mode first: it matters more than what is shown.
        let _ = disable_raw_mode();
        let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    }
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs::File;
    use std::io::Read as _;
    use std::process::Command;
    use std::thread;

    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, OutputModes, tcgetattr};

    use super::*;

    /// Set where a test runs itself again, in a terminal: who panics there.
    const WHO: &str = "KEEPLINE_TEST_WHO_PANICS";

    /// What the test of this name writes to a terminal while it panics as `who`, and whether that is as it was then.
    fn in_a_terminal(test: &str, who: &str) -> (String, bool) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
        grantpt(&master).expect("granted");
        unlockpt(&master).expect("unlocked");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let terminal: File =
            open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("the terminal's end").into();
        let end = || terminal.try_clone().expect("a descriptor");
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", test, "--nocapture"])
            .env(WHO, who)
            .env_remove("RUST_BACKTRACE")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("this program runs");
        let mut master = File::from(master);
        let reader = thread::spawn(move || {
            let (mut all, mut some) = (Vec::new(), [0; 4096]);
            // The other end closed is an error here.
            while let Ok(length @ 1..) = master.read(&mut some) {
                all.extend_from_slice(&some[..length]);
            }
            String::from_utf8_lossy(&all).into_owned()
        });
        assert!(!child.wait().expect("its end").success(), "it panicked");
        let modes = tcgetattr(&terminal).expect("a terminal");
        // The last end of ours: so the reader comes to its own.
        drop(terminal);
        let cooked = modes.local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
            && modes.output_modes.contains(OutputModes::OPOST);
        (reader.join().expect("what was written"), cooked)
    }

    #[test]
    fn a_panic_is_read_on_the_screen_that_was_there_before() {
        const NAME: &str = "commands::top::screen::tests::a_panic_is_read_on_the_screen_that_was_there_before";
        match env::var(WHO).as_deref() {
            Ok("the picture") => {
                let mut screen = Screen::open().expect("a terminal");
                let _ = screen.draw(|_| panic!("the picture tore"));
            }
            Ok(_) => {
                let mut screen = Screen::open().expect("a terminal");
                assert!(screen.draw(|_| {}).expect("a terminal"));
                thread::spawn(|| panic!("a thread tore")).join().expect_err("it panicked");
                let drawn = screen.draw(|_| unreachable!("nothing is drawn over it")).expect("a terminal");
                drop(screen);
                panic!("drawn: {drawn}");
            }
            Err(_) => {
                for (who, words) in [("the picture", "the picture tore\r\n"), ("a thread", "a thread tore\r\n")] {
                    let (written, cooked) = in_a_terminal(NAME, who);
                    let (before, behind) = written.split_once(words).unwrap_or_else(|| panic!("{who}: {written:?}"));
                    let ours = before.split_once("\u{1b}[?1049h").unwrap_or_else(|| panic!("{who}: {written:?}")).1;
                    assert!(ours.contains("\u{1b}[?1049l\u{1b}[?25h"), "the screen is given back: {who}: {written:?}");
                    assert!(!behind.contains("\u{1b}[?1049"), "and its words stay: {who}: {written:?}");
                    assert!(cooked, "{who}: the terminal is as it was");
                    assert!(who != "a thread" || behind.contains("drawn: false"), "{written:?}");
                }
            }
        }
    }
}
