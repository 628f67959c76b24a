//! Warning: what a server does as it was told to, and its operator should know.

use std::fmt;
use std::net::SocketAddr;

use super::{CimMode, Config};

/// Something that strangers could make use of, in settings that work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Nothing is encrypted, and others share the way.
    Plaintext {
        /// What listens there, with its verb.
        what: &'static str,
        /// Where.
        address: SocketAddr,
    },
    /// cim's dialects have no authentication.
    OpenCim,
}

impl Config {
    /// What an operator should know of these settings before strangers do. [`check`](Self::check) refuses what can't
    /// work; this works.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let public = [("HTTP at {} is", self.http), ("the long connections at {} are", self.tcp)];
        let open = public.into_iter().filter(|(_, address)| !address.ip().to_canonical().is_loopback());
        let mut warnings: Vec<_> = open.map(|(what, address)| Warning::Plaintext { what, address }).collect();
        if self.cim == CimMode::On && !warnings.is_empty() {
            warnings.push(Warning::OpenCim);
        }
        warnings
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plaintext { what, address } => write!(
                f,
                "{} plaintext beyond loopback: passwords, tokens and messages can be read on the way. Put what ends TLS \
                 in front of it, or listen on 127.0.0.1",
                what.replace("{}", &address.to_string())
            ),
            Self::OpenCim => f.write_str(
                "cim's dialects are on beyond loopback: they have no authentication, so whoever reaches the listeners \
                 can be any user of cim's. Serve them on loopback, or say --cim off",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_can_reach_is_warned_of() {
        let table: [(&str, &str, CimMode, &[&str]); 7] = [
            ("127.0.0.1:1", "127.0.0.1:2", CimMode::On, &[]),
            ("[::1]:1", "127.9.9.9:2", CimMode::Auto, &[]),
            ("[::ffff:127.0.0.1]:1", "127.0.0.1:2", CimMode::On, &[]),
            ("0.0.0.0:1", "127.0.0.1:2", CimMode::Auto, &["HTTP at 0.0.0.0:1 is plaintext beyond loopback"]),
            ("127.0.0.1:1", "[::]:2", CimMode::Off, &["the long connections at [::]:2 are plaintext"]),
            ("10.0.0.1:1", "10.0.0.1:2", CimMode::Off, &["HTTP at 10.0.0.1:1", "the long connections at 10.0.0.1:2"]),
            ("127.0.0.1:1", "10.0.0.1:2", CimMode::On, &["the long connections at", "cim's dialects are on beyond"]),
        ];
        for (http, tcp, cim, expected) in table {
            let config = Config { http: http.parse().unwrap(), tcp: tcp.parse().unwrap(), cim, ..Config::default() };
            let said: Vec<_> = config.warnings().iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), expected.len(), "{http} {tcp} {cim:?}: {said:?}");
            for (said, expected) in said.iter().zip(expected) {
                assert!(said.starts_with(expected), "{http} {tcp} {cim:?}: {said}");
            }
        }
    }
}
