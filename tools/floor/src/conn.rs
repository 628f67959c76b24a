//! One connection: what it holds while idle, and what one event does with it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::frame::answer_in_place;

/// One accepted socket. While idle it owns no memory outside this entry.
#[derive(Debug)]
pub(crate) struct Conn {
    socket: OwnedFd,
    /// Monotonic time of the last sign of life, in nanoseconds.
    heard_ns: u64,
    rest: Option<Box<Rest>>,
}

/// Bytes that outlive their event; the box is there only while one of the two is not empty.
#[derive(Debug, Default)]
struct Rest {
    /// The start of a frame: less than one frame.
    partial: Vec<u8>,
    /// Answers that the socket did not take: less than one receive buffer, because we read no more
    /// until they are gone.
    unsent: Vec<u8>,
}

/// How an event left its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Wait for its next bytes.
    Read,
    /// Wait for room in its socket, and read nothing until then.
    Write,
    /// Close it: the peer is gone, or sent a length that cannot be.
    Close,
}

impl Conn {
    /// A connection heard of at `now_ns`.
    pub(crate) fn new(socket: OwnedFd, now_ns: u64) -> Self {
        Self {
            socket,
            heard_ns: now_ns,
            rest: None,
        }
    }

    /// When it last gave a sign of life.
    pub(crate) fn heard_ns(&self) -> u64 {
        self.heard_ns
    }

    /// Whether it waits for room in its socket.
    pub(crate) fn has_unsent(&self) -> bool {
        self.rest
            .as_ref()
            .is_some_and(|rest| !rest.unsent.is_empty())
    }

    /// Moves what can be moved: one `send` if answers wait, else one `recv` and at most one `send`.
    pub(crate) fn turn(&mut self, buffer: &mut [u8], max_frame: usize, now_ns: u64) -> After {
        if self.has_unsent() {
            self.flush(now_ns)
        } else {
            self.answer(buffer, max_frame, now_ns)
        }
    }

    fn answer(&mut self, buffer: &mut [u8], max_frame: usize, now_ns: u64) -> After {
        let kept = self.rest.as_ref().map_or(0, |rest| {
            buffer[..rest.partial.len()].copy_from_slice(&rest.partial);
            rest.partial.len()
        });
        let received = match recv(&self.socket, &mut buffer[kept..], RecvFlags::empty()) {
            Ok((0, _)) => return After::Close,
            Ok((received, _)) => received,
            Err(Errno::AGAIN | Errno::INTR) => return After::Read,
            Err(_) => return After::Close,
        };
        self.heard_ns = now_ns;
        let filled = &mut buffer[..kept + received];
        let pass = answer_in_place(filled, max_frame);
        let (answers, partial) = (&filled[..pass.answers], &filled[pass.used..]);
        let Some(sent) = self.send(answers) else {
            return After::Close;
        };
        if pass.corrupt {
            return After::Close;
        }
        self.keep(partial, &answers[sent..])
    }

    fn flush(&mut self, now_ns: u64) -> After {
        let Some(rest) = self.rest.take() else {
            return After::Read;
        };
        let Some(sent) = self.send(&rest.unsent) else {
            return After::Close;
        };
        if sent > 0 {
            // We had stopped reading, so bytes that it takes are the only sign it can give.
            self.heard_ns = now_ns;
        }
        self.keep(&rest.partial, &rest.unsent[sent..])
    }

    /// Sends what the socket takes; `None` when the socket is broken.
    fn send(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.is_empty() {
            return Some(0);
        }
        match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => Some(sent),
            Err(Errno::AGAIN | Errno::INTR) => Some(0),
            Err(_) => None,
        }
    }

    fn keep(&mut self, partial: &[u8], unsent: &[u8]) -> After {
        self.rest = (!partial.is_empty() || !unsent.is_empty()).then(|| {
            Box::new(Rest {
                partial: partial.to_vec(),
                unsent: unsent.to_vec(),
            })
        });
        if unsent.is_empty() {
            After::Read
        } else {
            After::Write
        }
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
