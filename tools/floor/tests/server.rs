//! The floor server as a process, spoken to over loopback.
#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const PING: &[u8] = &[0, 0, 0, 5, 1];
const PONG: &[u8] = &[0, 0, 0, 5, 2];

/// Longest time that any step may take before the test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

struct Floor {
    process: Child,
    addr: SocketAddr,
}

impl Floor {
    fn start(reader_idle: Duration) -> Self {
        Self::spawn(
            Command::new(env!("CARGO_BIN_EXE_floor")).arg("--reader-idle-ms").arg(reader_idle.as_millis().to_string()),
        )
    }

    /// A server that has only so many descriptors, its own few included.
    fn start_with_descriptors(descriptors: u32) -> Self {
        let script = format!("ulimit -n {descriptors} && exec \"$0\" --reader-idle-ms 0");
        Self::spawn(Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_floor")]))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim_end().strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { process, addr }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(5 + content.len()).unwrap();
    [&length.to_be_bytes(), &[kind][..], content].concat()
}

fn expect(stream: &mut TcpStream, want: &[u8]) {
    let mut got = vec![0; want.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got, want);
}

/// What is left in `stream` once the server has closed it.
fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => rest,
        // Closed with bytes of ours unread.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => rest,
        Err(error) => panic!("still open after {PATIENCE:?}: {error}"),
    }
}

#[test]
fn frames_are_answered_whole_cut_and_joined() {
    let floor = Floor::start(Duration::ZERO);
    let data = frame(3, b"HELLO, WORLD");
    let longest = frame(9, &[7; 1019]);
    let joined = [PING, &data, PONG, &longest, PING].concat();
    let answers = [PONG, &data, &longest, PONG].concat();
    let mut stream = floor.connect();
    stream.write_all(PING).unwrap();
    expect(&mut stream, PONG);
    stream.write_all(&joined).unwrap();
    expect(&mut stream, &answers);
    for byte in &joined {
        stream.write_all(&[*byte]).unwrap();
    }
    expect(&mut stream, &answers);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(until_closed(&mut stream), []);
}

#[test]
fn a_bad_length_closes_after_the_answers_before_it() {
    let floor = Floor::start(Duration::ZERO);
    for length in [0, 1, 4, 1025, u32::MAX] {
        let mut stream = floor.connect();
        stream.write_all(PING).unwrap();
        expect(&mut stream, PONG);
        stream.write_all(&[PING, &u32::to_be_bytes(length)].concat()).unwrap();
        assert_eq!(until_closed(&mut stream), PONG, "length {length}");
    }
    let mut other = floor.connect();
    other.write_all(PING).unwrap();
    expect(&mut other, PONG);
}

#[test]
fn the_silent_are_closed_not_early_and_the_others_stay() {
    let idle = Duration::from_millis(500);
    let floor = Floor::start(idle);
    let mut chatty = floor.connect();
    let mut silent = floor.connect();
    let mut mute = floor.connect();
    // Before the write, so no later than the server can have heard it.
    let spoke = Instant::now();
    silent.write_all(PING).unwrap();
    expect(&mut silent, PONG);
    silent.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut byte = [0];
    let silence = loop {
        match silent.read(&mut byte) {
            Ok(0) => break spoke.elapsed(),
            Ok(_) => panic!("an answer to nothing"),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        assert!(spoke.elapsed() < PATIENCE, "never closed");
        chatty.write_all(PING).unwrap();
        expect(&mut chatty, PONG);
    };
    assert!(silence >= idle, "closed after {silence:?}");
    assert_eq!(until_closed(&mut mute), []);
    chatty.write_all(PING).unwrap();
    expect(&mut chatty, PONG);
    assert_eq!(until_closed(&mut chatty), []);
}

/// More pings wait than one batch of events holds, and all deadlines are past: whoever closes by
/// the stamps alone closes the last ones unheard.
#[test]
fn a_stopped_server_hears_everybody_before_it_closes_anybody() {
    let idle = Duration::from_millis(300);
    let floor = Floor::start(idle);
    let mut streams: Vec<_> = (0..700).map(|_| floor.connect()).collect();
    // All are accepted once the last is answered, for the queue is first in, first out.
    let last = streams.last_mut().unwrap();
    last.write_all(PING).unwrap();
    expect(last, PONG);
    floor.signal(Signal::STOP);
    let stopped = Instant::now();
    for stream in &mut streams {
        stream.write_all(PING).unwrap();
    }
    // Time itself is what is waited for here: every deadline must be over.
    std::thread::sleep((idle * 2).saturating_sub(stopped.elapsed()));
    floor.signal(Signal::CONT);
    for stream in &mut streams {
        expect(stream, PONG);
    }
}

#[test]
fn who_finds_the_server_full_is_served_when_somebody_leaves() {
    let floor = Floor::start_with_descriptors(16);
    let mut streams: Vec<_> = (0..40).map(|_| floor.connect()).collect();
    for stream in &mut streams {
        stream.write_all(PING).unwrap();
    }
    for mut stream in streams {
        expect(&mut stream, PONG);
    }
}

#[test]
fn a_peer_that_does_not_read_is_not_read_from_and_loses_nothing() {
    const FRAMES: usize = 64 * 1024;
    let floor = Floor::start(Duration::ZERO);
    let mut reader = floor.connect();
    let mut writer = reader.try_clone().unwrap();
    let written = Arc::new(AtomicUsize::new(0));
    let progress = Arc::clone(&written);
    let content = |index: usize| [index as u8, (index >> 8) as u8].repeat(500);
    let thread = std::thread::spawn(move || -> io::Result<()> {
        for index in 0..FRAMES {
            writer.write_all(&frame(3, &content(index)))?;
            progress.store(index + 1, Ordering::Relaxed);
        }
        Ok(())
    });
    let mut seen = 0;
    loop {
        std::thread::sleep(Duration::from_millis(300));
        let now = written.load(Ordering::Relaxed);
        if now == seen && now > 0 {
            break;
        }
        seen = now;
    }
    assert!(seen < FRAMES, "the server took all 64 MiB: it does not hold back");
    for index in 0..FRAMES {
        expect(&mut reader, &frame(3, &content(index)));
    }
    thread.join().unwrap().unwrap();
}
