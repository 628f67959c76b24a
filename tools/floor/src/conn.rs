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
    /// No byte moved: go on waiting for what it waited for.
    Nothing,
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
        Self { socket, heard_ns: now_ns, rest: None }
    }

    /// When it last gave a sign of life.
    pub(crate) fn heard_ns(&self) -> u64 {
        self.heard_ns
    }

    /// Whether it waits for room in its socket.
    pub(crate) fn has_unsent(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| !rest.unsent.is_empty())
    }

    /// Notes a sign of life.
    pub(crate) fn hear(&mut self, now_ns: u64) {
        self.heard_ns = now_ns;
    }

    /// Moves what can be moved: one `send` if answers wait, else one `recv` and at most one `send`.
    ///
    /// Every byte moved is a sign of life. While answers wait we read nothing, so that the bytes
    /// which the peer takes are the only sign it can give.
    pub(crate) fn turn(&mut self, buffer: &mut [u8], max_frame: usize) -> After {
        if self.has_unsent() { self.flush() } else { self.answer(buffer, max_frame) }
    }

    fn answer(&mut self, buffer: &mut [u8], max_frame: usize) -> After {
        let kept = self.rest.as_ref().map_or(0, |rest| {
            buffer[..rest.partial.len()].copy_from_slice(&rest.partial);
            rest.partial.len()
        });
        let received = match recv(&self.socket, &mut buffer[kept..], RecvFlags::empty()) {
            Ok((0, _)) => return After::Close,
            Ok((received, _)) => received,
            Err(Errno::AGAIN | Errno::INTR) => return After::Nothing,
            Err(_) => return After::Close,
        };
        let filled = &mut buffer[..kept + received];
        let pass = answer_in_place(filled, max_frame);
        let (answers, partial) = (&filled[..pass.answers], &filled[pass.used..]);
        match self.send(answers) {
            Some(sent) if !pass.corrupt => self.keep(partial, &answers[sent..]),
            _ => After::Close,
        }
    }

    fn flush(&mut self) -> After {
        let Some(rest) = self.rest.take() else {
            return After::Nothing;
        };
        match self.send(&rest.unsent) {
            None => After::Close,
            Some(0) => {
                self.rest = Some(rest);
                After::Nothing
            }
            Some(sent) => self.keep(&rest.partial, &rest.unsent[sent..]),
        }
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
        if partial.is_empty() && unsent.is_empty() {
            self.rest = None;
            return After::Read;
        }
        self.rest = Some(Box::new(Rest { partial: partial.to_vec(), unsent: unsent.to_vec() }));
        if unsent.is_empty() { After::Read } else { After::Write }
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::os::unix::net::UnixStream;

    use rustix::net::sockopt::set_socket_send_buffer_size;

    use super::*;

    /// A data frame of 1000 bytes.
    fn frame(fill: u8) -> Vec<u8> {
        let mut frame = vec![fill; 1000];
        frame[..5].copy_from_slice(&[0, 0, 3, 232, 3]);
        frame
    }

    #[test]
    fn answers_that_find_no_room_wait_and_arrive_whole() {
        let (ours, mut peer) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        peer.set_nonblocking(true).unwrap();
        set_socket_send_buffer_size(&ours, 8 * 1024).unwrap();
        let mut conn = Conn::new(ours.into(), 0);
        let mut buffer = vec![0; 64 * 1024];
        let stream: Vec<u8> = (0..40).flat_map(frame).collect();
        // The last frame is cut, so that the start of a frame waits beside the answers.
        let (first, last) = stream.split_at(stream.len() - 300);
        peer.write_all(first).unwrap();
        assert_eq!(conn.turn(&mut buffer, 1024), After::Write);
        assert_eq!(conn.turn(&mut buffer, 1024), After::Nothing, "no room yet");

        let mut echoed = Vec::new();
        let mut flushes = 0;
        while conn.has_unsent() {
            match peer.read_to_end(&mut echoed) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                other => panic!("{other:?}"),
            }
            assert_ne!(conn.turn(&mut buffer, 1024), After::Nothing, "there was room");
            flushes += 1;
            assert!(flushes < 1000, "the same bytes again and again");
        }
        assert!(flushes > 1, "one flush took it all");
        peer.write_all(last).unwrap();
        assert_eq!(conn.turn(&mut buffer, 1024), After::Read);
        drop(conn);
        peer.read_to_end(&mut echoed).unwrap();
        assert_eq!(echoed, stream);
    }
}
