//! Screen: where the chat's lines go: into a pipe as they are, or on a terminal above what is being typed.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::status::Status;
use super::style::{Line, Style};

/// What was typed.
#[derive(Debug)]
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// The input has ended: Ctrl-D, or the end of a file.
    End,
}

/// Where lines go: to a thread that may wait for whoever reads, while the line stays alive.
pub(super) enum Screen {
    Pipe(mpsc::Sender<String>),
    Terminal(mpsc::Sender<String>, Arc<Board>),
}

/// What a terminal's thread and the chat share.
pub(super) struct Board {
    /// Breaks the editing of a line, so that lines can be printed above it.
    pub(super) wake: Arc<AtomicBool>,
    /// The chat is over: nothing more is read.
    pub(super) over: AtomicBool,
    holder: Mutex<Holder>,
    status: Mutex<Status>,
    repaint: Mutex<Option<Repaint>>,
}

/// Who has the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Chat,
    /// Ctrl-Z has given it to the shell, and takes it back.
    GivenUp,
    /// A shell had it while this process was stopped, and left it as it likes it.
    Taken,
}

/// Asks a line editor to paint its prompt again.
type Repaint = Box<dyn Fn() + Send>;

impl Screen {
    /// Prints a line; waits while whoever reads is slower than what is said.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub(super) async fn say(&self, line: impl Into<Line>) -> io::Result<()> {
        let line = line.into();
        match self {
            Self::Pipe(lines) => {
                let sent = lines.send(Style::Plain.of(&line)).await;
                sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
            Self::Terminal(lines, board) => {
                let sent = lines.send(Style::of_terminal().of(&line)).await;
                board.wake.store(true, Ordering::Release);
                sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
        }
    }

    /// Shows what the prompt is to say from now on.
    pub(super) fn show(&self, status: &Status) {
        let Self::Terminal(_, board) = self else { return };
        let mut shown = board.status.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown != *status {
            shown.clone_from(status);
            if let Some(repaint) = &*board.repaint.lock().unwrap_or_else(PoisonError::into_inner) {
                repaint();
            }
        }
    }

    /// Whether each message is to be told that was stored: for whoever reads a pipe.
    pub(super) const fn is_pipe(&self) -> bool {
        matches!(self, Self::Pipe(_))
    }

    /// Lets the terminal's thread end, once it has printed what was said.
    pub(super) fn close(&self) {
        if let Self::Terminal(_, board) = self {
            board.over.store(true, Ordering::Release);
            board.wake.store(true, Ordering::Release);
        }
    }
}

impl Board {
    pub(super) fn new(status: Status) -> Self {
        Self {
            wake: Arc::default(),
            over: AtomicBool::new(false),
            holder: Mutex::new(Holder::Chat),
            status: Mutex::new(status),
            repaint: Mutex::new(None),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Who has the terminal from now on; who had it before.
    pub(super) fn held_by(&self, holder: Holder) -> Holder {
        std::mem::replace(&mut *self.holder.lock().unwrap_or_else(PoisonError::into_inner), holder)
    }

    /// The process goes on after a stop; `were_lost` sees whether somebody else had the terminal meanwhile. It is not asked
    /// where Ctrl-Z has given the terminal up, and takes it back.
    pub(super) fn goes_on(&self, were_lost: impl FnOnce() -> bool) {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if *holder == Holder::Chat && were_lost() {
            *holder = Holder::Taken;
        }
        self.wake.store(true, Ordering::Release);
    }

    /// The prompt of now.
    pub(super) fn prompt(&self) -> String {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).prompt()
    }

    /// The line editor that is asked from now on to paint its prompt again.
    pub(super) fn edited_by(&self, repaint: impl Fn() + Send + 'static) {
        *self.repaint.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(repaint));
    }
}
