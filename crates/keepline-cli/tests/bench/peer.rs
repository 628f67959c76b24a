//! An echo server on threads, of the plainest kind, that can be told to misbehave.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Nothing.
    Honest,
    /// Closes a silent line at this share (in percent) of its limit.
    Hasty(u32),
    /// Never closes a silent line.
    Patient,
    /// Flips a bit in one echo.
    Garbling,
    /// Leaves out one echo of the many, and goes on.
    Forgetful,
    /// Sends one more PONG than it was asked for.
    Talkative,
    /// Stops to echo for good after the first.
    Stuck,
    /// Pauses for this many milliseconds, once on each line.
    Stalling(u64),
    /// Answers the first PING of a line, and no other.
    Curt,
    /// Closes each line at once.
    Closing,
}

/// Starts a server for the rest of the test process, and returns where it listens.
pub(crate) fn start(limit: Duration, manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A line ends with its stream: what it met there is the client's to judge.
            thread::spawn(move || Line::new(stream, limit, manner).run());
        }
    });
    addr
}

struct Line {
    stream: TcpStream,
    limit: Option<Duration>,
    manner: Manner,
    echoes: u32,
    pings: u32,
}

impl Line {
    fn new(stream: TcpStream, limit: Duration, manner: Manner) -> Self {
        let limit = match manner {
            Manner::Hasty(percent) => Some(limit * percent / 100),
            Manner::Patient => None,
            _ => Some(limit),
        };
        Self { stream, limit, manner, echoes: 0, pings: 0 }
    }

    fn run(mut self) -> Option<()> {
        if self.manner == Manner::Closing {
            return None;
        }
        self.stream.set_nodelay(true).ok()?;
        let mut held = Vec::new();
        let mut buffer = [0; 4096];
        let mut heard = Instant::now();
        loop {
            let left = self.limit.map(|limit| limit.saturating_sub(heard.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return None;
            }
            self.stream.set_read_timeout(left).ok()?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(length) => {
                    heard = Instant::now();
                    held.extend_from_slice(&buffer[..length]);
                    self.answer(&mut held)?;
                }
                // The kernel's timeout may end a tick early: the loop looks at the clock.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return None,
            }
        }
    }

    /// Answers all whole frames in `held`.
    fn answer(&mut self, held: &mut Vec<u8>) -> Option<()> {
        while let Some(head) = held.first_chunk::<4>() {
            let length = u32::from_be_bytes(*head) as usize;
            if length < 5 {
                return None;
            }
            if held.len() < length {
                break;
            }
            let frame: Vec<u8> = held.drain(..length).collect();
            self.reply(frame)?;
        }
        Some(())
    }

    fn reply(&mut self, mut frame: Vec<u8>) -> Option<()> {
        if frame[4] == 1 {
            self.pings += 1;
            if self.manner == Manner::Curt && self.pings > 1 {
                return Some(());
            }
            frame = vec![0, 0, 0, 5, 2];
            if self.manner == Manner::Talkative {
                frame = frame.repeat(2);
            }
        } else {
            self.echoes += 1;
            match (self.manner, self.echoes) {
                (Manner::Garbling, 3) => *frame.last_mut()? ^= 1,
                (Manner::Forgetful, 3) | (Manner::Stuck, 2..) => return Some(()),
                (Manner::Stalling(ms), 3) => thread::sleep(Duration::from_millis(ms)),
                _ => {}
            }
        }
        self.stream.write_all(&frame).ok()
    }
}
