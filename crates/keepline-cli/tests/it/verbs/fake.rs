//! Fake: a server that answers as a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::harness::PATIENCE;

/// A request that the server got.
#[derive(Debug)]
pub(super) struct Request {
    /// Method and path.
    pub(super) line: String,
    pub(super) body: String,
}

/// A server that gives each request the next answer, and ends with the last.
pub(super) struct Fake {
    pub(super) url: String,
    requests: Receiver<Request>,
}

impl Fake {
    /// Each answer is a status with what else stands in the head, and a body.
    pub(super) fn answering(answers: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (told, requests) = sync_channel(answers.len());
        thread::spawn(move || {
            for (head, body) in answers {
                let Ok((stream, _)) = listener.accept() else { return };
                let Some(request) = answer(stream, head, &body) else { return };
                let _ = told.send(request);
            }
        });
        Self { url, requests }
    }

    #[track_caller]
    pub(super) fn request(&self) -> Request {
        self.requests.recv_timeout(PATIENCE).expect("it was asked")
    }
}

/// Reads one request, answers it, and closes.
fn answer(mut stream: TcpStream, head: &str, body: &str) -> Option<Request> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok()?;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut asked = vec![0; length];
    reader.read_exact(&mut asked).ok()?;
    if !head.is_empty() {
        let length = body.len();
        write!(stream, "HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").ok()?;
    }
    Some(Request { line, body: String::from_utf8(asked).ok()? })
}
