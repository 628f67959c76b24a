//! Terminal: the line that is being typed, and the lines that come above it.
//!
//! The line editor runs on a thread of its own. When there is something to print, its editing is broken off, the prompt
//! and what was typed are wiped, the lines are printed, and another editor goes on below them with the same text and the
//! cursor at the same place. The editor's own external printer would do, but it takes the bytes of a line for its columns
//! and its prompt for three wide: what stands above a long line, or one in Chinese, would be overwritten.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reedline::{
    ColumnarMenu, EditCommand, Emacs, FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder as _, Reedline,
    ReedlineEvent, ReedlineMenu, Signal, default_emacs_keybindings,
};
use rustix::process;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::names::Names;
use super::screen::{Board, Holder, Screen, Typed};
use super::status::Status;
use super::style::Style;

mod completion;
mod modes;
mod prompt;
mod rows;

use completion::Completion;
use modes::Modes;
use prompt::Shown;

/// How often the editor looks for lines to print.
const LOOK: Duration = Duration::from_millis(50);

/// Lines that wait in each direction.
const WAITING: usize = 256;

/// Lines that the arrow keys lead back to, in this process and the next.
const REMEMBERED: usize = 1000;

/// The menu of completions, by its name.
const MENU: &str = "completions";

/// What Ctrl-Z asks for.
const SUSPEND: &str = "suspend";

/// The thread of a terminal.
pub(super) struct Terminal {
    lines: mpsc::Receiver<String>,
    typed: mpsc::Sender<Typed>,
    board: Arc<Board>,
    names: Arc<Names>,
    history: Option<PathBuf>,
}

/// What is being typed.
#[derive(Default)]
struct Draft {
    text: String,
    /// Where the cursor is, in bytes.
    at: usize,
}

impl Terminal {
    /// Starts it; `history` is the file of what was typed before.
    ///
    /// # Errors
    /// There is no thread, or the terminal is none.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub(super) fn start(
        names: Arc<Names>,
        history: Option<&Path>,
        status: Status,
    ) -> io::Result<(Screen, mpsc::Receiver<Typed>, JoinHandle<io::Result<()>>)> {
        let (to_print, lines) = mpsc::channel(WAITING);
        let (typed, received) = mpsc::channel(WAITING);
        let board = Arc::new(Board::new(status));
        let history = history.filter(|path| private(path).is_ok()).map(Path::to_owned);
        let terminal = Self { lines, typed, board: Arc::clone(&board), names, history };
        mind_the_shell(Arc::clone(&board))?;
        let modes = Modes::take()?;
        let run = move || terminal.run(&modes);
        let thread = thread::Builder::new().name("terminal".to_owned()).spawn(run)?;
        Ok((Screen::Terminal(to_print, board), received, thread))
    }

    fn run(mut self, modes: &Modes) -> io::Result<()> {
        let mut draft = Draft::default();
        loop {
            self.print()?;
            if self.board.is_over() {
                // What was said before is printed; nothing is said behind.
                return self.print();
            }
            let shown = Shown::new(Arc::clone(&self.board));
            let mut editor = self.editor()?;
            let at = draft.at;
            editor.run_edit_commands(&[
                EditCommand::InsertString(std::mem::take(&mut draft.text)),
                EditCommand::MoveToPosition { position: at, select: false },
            ]);
            let word = match editor.read_line(&shown)? {
                Signal::Success(line) => Typed::Line(line),
                Signal::CtrlC => Typed::Interrupt,
                Signal::CtrlD => Typed::End,
                Signal::ExternalBreak(text) => {
                    draft = Draft { text, at: editor.current_insertion_point() };
                    match self.board.held_by(Holder::Chat) {
                        // What stands above the cursor is the shell's.
                        Holder::Taken => modes.set()?,
                        Holder::Chat | Holder::GivenUp => wipe(&shown.last(), &draft)?,
                    }
                    continue;
                }
                Signal::HostCommand(_) => {
                    let text = editor.current_buffer_contents().to_owned();
                    draft = Draft { text, at: editor.current_insertion_point() };
                    wipe(&shown.last(), &draft)?;
                    self.board.held_by(Holder::GivenUp);
                    modes.suspend()?;
                    self.board.held_by(Holder::Chat);
                    continue;
                }
                _ => continue,
            };
            // It writes what was typed into the file.
            drop(editor);
            draft.at = 0;
            self.hand_over(word)?;
        }
    }

    /// Prints what waits to be printed.
    fn print(&mut self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        while let Ok(line) = self.lines.try_recv() {
            write!(out, "{line}\r\n")?;
        }
        out.flush()
    }

    /// Gives a word to the chat, which may wait for us to print.
    fn hand_over(&mut self, mut word: Typed) -> io::Result<()> {
        loop {
            match self.typed.try_send(word) {
                Ok(()) | Err(TrySendError::Closed(_)) => return Ok(()),
                Err(TrySendError::Full(back)) => word = back,
            }
            self.print()?;
            thread::sleep(LOOK);
        }
    }

    fn editor(&self) -> io::Result<Reedline> {
        let mut keys = default_emacs_keybindings();
        let tab = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, tab);
        let suspend = ReedlineEvent::ExecuteHostCommand(SUSPEND.to_owned());
        keys.add_binding(KeyModifiers::CONTROL, KeyCode::Char('z'), suspend);
        let menu = Box::new(ColumnarMenu::default().with_name(MENU));
        let mut editor = Reedline::create()
            .with_break_signal(Arc::clone(&self.board.wake))
            .with_poll_interval(LOOK)
            .with_ansi_colors(Style::of_terminal() == Style::Terminal)
            .with_completer(Box::new(Completion::new(Arc::clone(&self.names))))
            .with_menu(ReedlineMenu::EngineCompleter(menu))
            .with_quick_completions(true)
            .with_partial_completions(true)
            .with_edit_mode(Box::new(Emacs::new(keys)));
        if let Some(path) = &self.history {
            let history = FileBackedHistory::with_file(REMEMBERED, path.clone()).map_err(io::Error::other)?;
            editor = editor.with_history(Box::new(history));
        }
        let repaint = editor.repaint_signal();
        self.board.edited_by(move || repaint.request_repaint());
        Ok(editor)
    }
}

/// Looks, each time that the process goes on after a stop, whether a shell had the terminal meanwhile. It leaves keys
/// shown and lines whole, of which the line editor knows nothing.
///
/// # Errors
/// The signal can't be had.
fn mind_the_shell(board: Arc<Board>) -> io::Result<()> {
    let mut goes_on = signal(SignalKind::from_raw(process::Signal::CONT.as_raw()))?;
    drop(tokio::spawn(async move {
        while goes_on.recv().await.is_some() {
            board.goes_on(Modes::were_lost);
        }
    }));
    Ok(())
}

/// Wipes the prompt and what is typed, and leaves the cursor where the prompt began.
fn wipe(prompt: &str, draft: &Draft) -> io::Result<()> {
    let width = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| size.ws_col);
    let before = draft.text.get(..draft.at).unwrap_or(&draft.text);
    let above = rows::above_cursor(&format!("{prompt}{before}"), width);
    let mut out = io::stdout().lock();
    if above > 0 {
        write!(out, "\u{1b}[{above}A")?;
    }
    // Its own row, and then those below: who wipes the whole screen at once has it kept above it by tmux.
    write!(out, "\r\u{1b}[K\u{1b}7\u{1b}[B\u{1b}[J\u{1b}8")?;
    out.flush()
}

/// Makes the file, for one pair of eyes: what is typed may be private.
fn private(path: &Path) -> io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}
