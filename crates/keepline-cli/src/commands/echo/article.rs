//! Article: the log lines of the article's two programs, to the byte and on the same stream.
//!
//! What the article's programs never do (name their port, fail to connect, count) is said on stderr.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::entry::{Entry, Role};
use super::friendly;
use super::line::Line;

/// The lines of an entry, in order.
///
/// Contents go out as they came, without escapes, as the article's programs print them.
pub(super) fn lines(role: Role, entry: &Entry<'_>) -> Vec<Line> {
    let name = role.name();
    let line = match *entry {
        Entry::Up { peer, .. } => Line::err(format!("---{} is active---", Java(peer))),
        Entry::Down { peer, .. } => Line::err(format!("---{} is inactive---", Java(peer))),
        Entry::PingSent { peer, count } => {
            let ping = Line::out(format!("{name} sent ping msg to {}, count: {count}", Java(peer)));
            return vec![Line::err("---ALL_IDLE---"), ping];
        }
        Entry::PongSent { peer, count } => Line::out(format!("{name} sent pong msg to {}, count: {count}", Java(peer))),
        Entry::PongReceived { peer, .. } => Line::out(format!("{name} get pong msg from {}", Java(peer))),
        Entry::Message { text, .. } if role == Role::Server => Line::out(format!("{name} get content: {text}")),
        Entry::Echo { text, .. } | Entry::Unasked { text, .. } if role == Role::Client => {
            Line::out(format!("{name} get content: {text}"))
        }
        Entry::TimedOut { peer } => {
            let close = Line::err(format!("---client {} reader timeout, close it---", Java(peer)));
            return vec![Line::err("---READER_IDLE---"), close];
        }
        Entry::Listening(_)
        | Entry::Failed { .. }
        | Entry::Skipped { .. }
        | Entry::Missed(_)
        | Entry::Closed { .. } => Line::err(friendly::text(role, entry)),
        _ => return Vec::new(),
    };
    vec![line]
}

/// An address as Java's `InetSocketAddress` writes it when it has no name (JDK 14 and later).
struct Java(SocketAddr);

impl fmt::Display for Java {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.0.port();
        match self.0.ip().to_canonical() {
            IpAddr::V4(ip) => write!(f, "/{ip}:{port}"),
            IpAddr::V6(ip) => {
                let groups = ip.segments().map(|group| format!("{group:x}"));
                write!(f, "/[{}]:{port}", groups.join(":"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_java_does() {
        for (address, want) in [
            ("127.0.0.1:12345", "/127.0.0.1:12345"),
            ("[::1]:12345", "/[0:0:0:0:0:0:0:1]:12345"),
            ("[::ffff:127.0.0.1]:12345", "/127.0.0.1:12345"),
        ] {
            assert_eq!(Java(address.parse().unwrap()).to_string(), want);
        }
    }

    #[test]
    fn each_role_has_the_articles_words() {
        let peer = "127.0.0.1:12345".parse().unwrap();
        let round_trip = None;
        let (client, server) = (Role::Client, Role::Server);
        let out = |text: &str| vec![Line::out(text)];
        for (role, entry, want) in [
            (client, Entry::PongReceived { peer, round_trip }, out("client get pong msg from /127.0.0.1:12345")),
            (server, Entry::PongReceived { peer, round_trip }, out("server get pong msg from /127.0.0.1:12345")),
            (client, Entry::PongSent { peer, count: 2 }, out("client sent pong msg to /127.0.0.1:12345, count: 2")),
            (server, Entry::PongSent { peer, count: 7 }, out("server sent pong msg to /127.0.0.1:12345, count: 7")),
            (client, Entry::Message { peer, text: "x" }, vec![]),
            (server, Entry::Message { peer, text: "x" }, out("server get content: x")),
            (client, Entry::Echo { peer, text: "x" }, out("client get content: x")),
            (server, Entry::Echo { peer, text: "x" }, vec![]),
            (server, Entry::PingReceived { peer }, vec![]),
            (client, Entry::Suspect { peer }, vec![]),
        ] {
            assert_eq!(lines(role, &entry), want, "{role:?} {entry:?}");
        }
    }
}
