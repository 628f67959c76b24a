//! ServerUrl: where a server's HTTP is.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::http::uri::Scheme;

/// The port of the long connections of `keepline serve`, unless it is told another.
const LINES: u16 = 11211;

/// `http://host:port` or `https://host:port`, in one form, so that two of the same server are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    tls: bool,
    /// The host in lower case, with its port unless that is the scheme's own.
    authority: String,
}

/// A text that is no URL of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadUrl {
    #[error("write it as http://127.0.0.1:8083")]
    Form,
    #[error("a name and a password do not belong in a URL: use --as, and KEEPLINE_PASSWORD or --password-file")]
    Secret,
    #[error("name the server only, without a path, as http://127.0.0.1:8083")]
    Path,
}

impl ServerUrl {
    /// The host, an IPv6 address in its brackets.
    pub(crate) fn host(&self) -> &str {
        // A port is digits, and so is no part of an IPv6 address in brackets.
        match self.authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => host,
            _ => &self.authority,
        }
    }

    /// Where the long connections come in unless it is said: the same host, and the port of `keepline serve`.
    pub(crate) fn line(&self) -> String {
        self.line_at(LINES)
    }

    /// This port of the same host.
    pub(crate) fn line_at(&self, port: u16) -> String {
        format!("{}:{port}", self.host())
    }

    /// Whether it is spoken to over TLS, on its other ports too.
    pub(crate) const fn is_tls(&self) -> bool {
        self.tls
    }

    /// The URI of a path of this server, with its query.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl FromStr for ServerUrl {
    type Err = BadUrl;

    /// Reads `http://host:port`, `https://host:port`, and `host:port`.
    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = whole.parse().map_err(|_| BadUrl::Form)?;
        let authority = uri.authority().ok_or(BadUrl::Form)?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(BadUrl::Form),
        };
        let usual = if tls { 443 } else { 80 };
        if authority.as_str().contains('@') {
            return Err(BadUrl::Secret);
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(BadUrl::Path);
        }
        let host = authority.host().to_ascii_lowercase();
        // `host:` without a port and ports beyond 65535 parse as an authority.
        let port = match authority.as_str()[host.len()..].strip_prefix(':') {
            None => usual,
            Some(port) => port.parse::<u16>().map_err(|_| BadUrl::Form)?,
        };
        if host.is_empty() || port == 0 {
            return Err(BadUrl::Form);
        }
        Ok(Self { tls, authority: if port == usual { host } else { format!("{host}:{port}") } })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http{}://{}", if self.tls { "s" } else { "" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_form() {
        for (text, url) in [
            ("http://127.0.0.1:8083", "http://127.0.0.1:8083"),
            ("http://127.0.0.1:8083/", "http://127.0.0.1:8083"),
            ("127.0.0.1:8083", "http://127.0.0.1:8083"),
            ("HTTP://Example.ORG:80", "http://example.org"),
            ("localhost", "http://localhost"),
            ("http://[::1]:8083", "http://[::1]:8083"),
            ("https://Example.ORG:443", "https://example.org"),
            ("https://example.org:80", "https://example.org:80"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().to_string(), url, "{text}");
        }
    }

    #[test]
    fn the_line_is_at_the_same_host() {
        for (text, line) in [
            ("http://a:8083", "a:11211"),
            ("http://a", "a:11211"),
            ("[::1]:1", "[::1]:11211"),
            ("[::1]", "[::1]:11211"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().unwrap().line(), line);
        }
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, why) in [
            ("", BadUrl::Form),
            ("http://", BadUrl::Form),
            ("ftp://a", BadUrl::Form),
            ("http://a:0", BadUrl::Form),
            ("http://a:", BadUrl::Form),
            ("http://a:99999", BadUrl::Form),
            ("http://a b", BadUrl::Form),
            ("http://ann:secret@a", BadUrl::Secret),
            ("http://a/v1", BadUrl::Path),
            ("http://a/?x=1", BadUrl::Path),
        ] {
            assert_eq!(text.parse::<ServerUrl>(), Err(why), "{text}");
        }
    }
}
