//! HTTP/1.1 as far as a test needs it: one request a connection, a JSON body, an answer of bounded size.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The largest answer that is read, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Why there is no answer. Whether the request was carried out is not known, except where the connection was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The connection failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The answer is not one.
    #[error("not an HTTP answer: {0}")]
    NotHttp(&'static str),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The body, after chunks were put together.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as JSON; `Null` for what is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Makes a request and reads the answer to its end. With a token it is sent as a bearer's.
///
/// # Errors
///
/// The connection failed, or the answer is cut short or no HTTP. An answer of any status is no error.
pub async fn request(
    to: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Result<Response, HttpError> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let bearer = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{bearer}\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer).await?;
    parse(&answer)
}

fn parse(answer: &[u8]) -> Result<Response, HttpError> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or(HttpError::NotHttp("no end of headers"))?;
    let head = str::from_utf8(&answer[..end]).map_err(|_| HttpError::NotHttp("headers that are no text"))?;
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse().ok());
    let status = status.ok_or(HttpError::NotHttp("no status"))?;
    let rest = &answer[end + 4..];
    let header = |name: &str| {
        let mut lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return Ok(Response { status, body: unchunk(rest)? });
    }
    match header("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) if rest.len() == length => {}
        Some(_) => return Err(HttpError::NotHttp("a body of another length than stated")),
        None => {}
    }
    Ok(Response { status, body: rest.to_vec() })
}

/// Puts the chunks of a body together (RFC 9112, 7.1); extensions and trailers are skipped.
fn unchunk(mut rest: &[u8]) -> Result<Vec<u8>, HttpError> {
    const BROKEN: HttpError = HttpError::NotHttp("a broken chunk");
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").ok_or(BROKEN)?;
        let size = str::from_utf8(&rest[..end]).ok().and_then(|line| line.split(';').next());
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok()).ok_or(BROKEN)?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest[end + 2..].get(..size).ok_or(BROKEN)?;
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2 + size + 2..).ok_or(BROKEN)?;
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn answers_as_servers_write_them() {
        let chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
        let table: [(&str, &[u8], u16, &[u8]); 4] = [
            ("with a length", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}"),
            ("up to the end", b"HTTP/1.0 404 Not Found\r\n\r\nno", 404, b"no"),
            ("no body", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
            ("in chunks", chunks, 200, b"abc"),
        ];
        for (name, answer, status, body) in table {
            let got = parse(answer).expect(name);
            assert_eq!((got.status, &got.body[..]), (status, body), "{name}");
        }
    }

    #[test]
    fn what_is_cut_short_or_no_http_is_an_error() {
        let table: [(&str, &[u8]); 4] = [
            ("cut short", b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}"),
            ("a chunk cut short", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
            ("no end of headers", b"HTTP/1.1 200 OK\r\n"),
            ("not HTTP", b"SSH-2.0-x\r\n\r\n"),
        ];
        for (name, answer) in table {
            assert!(parse(answer).is_err(), "{name}");
        }
    }
}
