//! A cim client's long connection, as its 2.1 clients speak.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use keepline_proto::wire::im::cim;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fixture::Fixture;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A cim client's long connection.
pub(crate) struct CimLine {
    stream: TcpStream,
    read: BytesMut,
}

impl CimLine {
    /// Connects and logs in; returns once the server shows the user as online.
    pub(crate) async fn login(server: &Fixture, id: i64, name: &str) -> Self {
        let mut line = Self { stream: connect(server.tcp()).await, read: BytesMut::new() };
        let login = cim::Frame { text: name.to_owned(), id, ..cim::Frame::default() };
        line.stream.write_all(&login.encode_length_delimited_to_vec()).await.expect("it reads");
        shows(server, id, true).await;
        line
    }

    /// The next message; `None` once the server has closed.
    pub(crate) async fn next(&mut self) -> Option<cim::Frame> {
        loop {
            if let Some(frame) = self.parse() {
                return Some(frame);
            }
            let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.read));
            match read.await.expect("something comes in time") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The texts of the next messages, until there are so many.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            let frame = self.next().await.expect("it stays open");
            if frame.batch.is_empty() {
                texts.push(frame.text);
            } else {
                texts.extend(frame.batch);
            }
        }
        texts
    }

    fn parse(&mut self) -> Option<cim::Frame> {
        let mut rest = &self.read[..];
        let length = prost::encoding::decode_varint(&mut rest).ok()?;
        let (header, length) = (self.read.len() - rest.len(), usize::try_from(length).expect("a length"));
        if rest.len() < length {
            return None;
        }
        let frame = cim::Frame::decode(&rest[..length]).expect("a frame");
        self.read.advance(header + length);
        Some(frame)
    }
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("it listens")
}

/// Waits until the server shows the user as online, or no longer does.
pub(crate) async fn shows(server: &Fixture, id: i64, online: bool) {
    let shown = async {
        loop {
            let answer = server.cim("/onlineUser", "{}").await.json();
            let users = answer["dataBody"].as_array().cloned().unwrap_or_default();
            if users.iter().any(|user| user["userId"] == id) == online {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, shown).await.expect("it comes in time");
}
