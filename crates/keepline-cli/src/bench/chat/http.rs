//! A client of the server's HTTP API, as plain as it can be: one connection, one request after the other.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use super::super::{Deadline, Error};

/// The largest answer that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// A connection to the API.
#[derive(Debug)]
pub(super) struct Client {
    to: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects; no answer may take longer than what is left.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub(super) fn connect(to: SocketAddr, deadline: &Deadline) -> Result<Self, Error> {
        let unreachable = |error: io::Error| Error::Unreachable(format!("no HTTP connection to {to}: {error}"));
        deadline.check(std::time::Instant::now(), "connecting to the API")?;
        let stream = TcpStream::connect_timeout(&to, deadline.left()).map_err(unreachable)?;
        stream.set_read_timeout(Some(deadline.left())).map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        Ok(Self { to, stream: BufReader::new(stream) })
    }

    /// Posts an object, and returns the answer's.
    ///
    /// # Errors
    /// [`Error::Failed`] for any status but 201, and for what is no answer.
    pub(super) fn post(&mut self, path: &str, token: Option<&str>, body: &Value) -> Result<Value, Error> {
        let body = body.to_string();
        let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\n{authorization}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.to,
            body.len()
        );
        let failed = |error: io::Error| Error::io(&format!("POST {path}"), error);
        self.stream.get_mut().write_all(request.as_bytes()).map_err(failed)?;
        let (status, answer) = self.answer().map_err(failed)?;
        if status != 201 {
            return Err(Error::Failed(format!("POST {path} was answered with {status}: {answer}")));
        }
        Ok(answer)
    }

    fn answer(&mut self) -> io::Result<(u16, Value)> {
        let unknown = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| unknown("the answer has no status"))?;
        let mut length = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        let length = length.filter(|length| *length <= LARGEST);
        let mut body = vec![0; length.ok_or_else(|| unknown("the answer has no length that could be read"))?];
        self.stream.read_exact(&mut body)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if (&mut self.stream).take(LARGEST as u64).read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
