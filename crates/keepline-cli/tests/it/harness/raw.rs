//! Raw: a client that sends bytes, whatever they mean.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::{PATIENCE, ms, queues};

/// The heartbeats of the echo pair.
pub(crate) const PING: [u8; 5] = [0, 0, 0, 5, 1];
pub(crate) const PONG: [u8; 5] = [0, 0, 0, 5, 2];

/// A frame of data, of type 3.
pub(crate) fn data(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 5).expect("a small frame");
    [&length.to_be_bytes(), &[3][..], content].concat()
}

/// Whether the peer has closed by then; what it says is read.
pub(crate) fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    let by = Instant::now() + within;
    let mut buffer = [0; 4096];
    loop {
        let left = by.saturating_duration_since(Instant::now()).max(ms(1));
        stream.set_read_timeout(Some(left)).expect("an open socket");
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// A connection over loopback.
pub(crate) struct Raw {
    stream: TcpStream,
    server: SocketAddr,
}

impl Raw {
    #[track_caller]
    pub(crate) fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("an open socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        Self { stream, server }
    }

    /// Sends one piece, and waits until the server has read it: what follows is another read for it. False if the
    /// server has closed the line.
    #[track_caller]
    pub(crate) fn send(&mut self, piece: &[u8]) -> bool {
        if self.stream.write_all(piece).is_err() {
            return false;
        }
        let ours = self.stream.local_addr().expect("an open socket").port();
        let by = Instant::now() + PATIENCE;
        while !queues::are_empty(ours, self.server.port(), Instant::now()) {
            assert!(Instant::now() < by, "the server does not read");
            thread::sleep(ms(1));
        }
        true
    }

    /// Reads exactly these bytes.
    #[track_caller]
    pub(crate) fn expect(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.stream.read_exact(&mut got).unwrap_or_else(|error| panic!("{bytes:?} did not come: {error}"));
        assert_eq!(got, bytes);
    }

    /// All that comes until the server closes the line, in order or not.
    #[track_caller]
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut got = Vec::new();
        match self.stream.read_to_end(&mut got) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the server does not close the line: {error}; got {got:?}"),
        }
        got
    }

    /// Whether nothing comes for so long.
    #[track_caller]
    pub(crate) fn is_quiet_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("an open socket");
        let got = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(Some(PATIENCE)).expect("an open socket");
        got.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    /// How long until the server closes the line, from now.
    #[track_caller]
    pub(crate) fn time_to_end(&mut self) -> Duration {
        let begin = Instant::now();
        self.read_to_end();
        begin.elapsed()
    }
}
