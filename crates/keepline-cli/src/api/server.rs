//! Server: what it says of itself to anybody.

use serde::Deserialize;

use super::query::Query;
use super::{Api, ApiError};
use crate::output::note;

/// What of it we look at.
#[derive(Debug, Deserialize)]
struct About {
    lines: Lines,
}

/// Where the long connections come in.
#[derive(Debug, Deserialize)]
struct Lines {
    port: u16,
}

impl Api {
    /// Where the long connections come in: the host of the URL, at the port that the server names. One that does not
    /// say has the port of `keepline serve`; so has one that can't be asked, of which the user is told.
    pub(crate) async fn line(&self) -> String {
        let asked: Result<About, ApiError> = self.get("/v1/server", Query::default()).await;
        match asked {
            Ok(About { lines }) => self.server().line_at(lines.port),
            // Older than the question.
            Err(error) if error.code() == Some("not_found") => self.server().line(),
            Err(error) => {
                let line = self.server().line();
                note(&format!("the server was not asked where its long connections come in: {error}; trying {line}"));
                line
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use super::super::Http;
    use super::*;

    #[tokio::test]
    async fn the_port_is_the_one_that_the_server_names_or_the_usual_one() {
        let refused = |code: &str| format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"no\",\"retry\":false}}}}");
        let named = r#"{"name":"east","lines":{"port":4711,"tls":false,"more":1}}"#.to_owned();
        let table = [
            ("200 OK", named, "127.0.0.1:4711"),
            ("404 Not Found", refused("not_found"), "127.0.0.1:11211"),
            ("503 Service Unavailable", refused("unavailable"), "127.0.0.1:11211"),
        ];
        for (status, body, expected) in table {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = listener.local_addr().unwrap().to_string();
            let server = thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
                let asked: Vec<String> = head.collect();
                let length = body.len();
                write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
                    .unwrap();
                asked[0].clone()
            });
            let api = Api::anonymous(Http::new(url.parse().unwrap(), Duration::from_secs(30), None));
            assert_eq!(api.line().await, expected, "{status}");
            assert_eq!(server.join().unwrap(), "GET /v1/server HTTP/1.1");
        }
    }
}
