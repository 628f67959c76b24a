//! Warning: what a server does as it was told to, and its operator should know.

use std::fmt;
use std::net::SocketAddr;

use super::Config;

/// Something that strangers could make use of, in settings that work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Nothing is encrypted, and others share the way.
    Plaintext {
        /// What listens there.
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
        let mut warnings = Vec::new();
        for (what, address) in self.plaintext() {
            warnings.push(Warning::Plaintext { what, address });
        }
        if self.speaks_cim() && !self.cim_from.is_empty() {
            warnings.push(Warning::OpenCim);
        }
        warnings
    }

    /// What listens beyond loopback, and where.
    fn beyond_loopback(&self) -> Vec<(&'static str, SocketAddr)> {
        let public = [("HTTP", self.http), ("the IM port", self.tcp)];
        public.into_iter().filter(|(_, address)| !address.ip().to_canonical().is_loopback()).collect()
    }

    /// What is plaintext where others can read it.
    pub(super) fn plaintext(&self) -> Vec<(&'static str, SocketAddr)> {
        if self.tls.is_some() { Vec::new() } else { self.beyond_loopback() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plaintext { what, address } => write!(
                f,
                "{what} at {address} is plaintext beyond loopback: passwords, tokens and messages can be read on the \
                 way, but between here and what ends TLS in front of it"
            ),
            Self::OpenCim => f.write_str(
                "cim's dialects are on beyond loopback: they have no authentication, so whoever is in a network of \
                 --cim-from can be any user of cim's. Name only networks whose users you trust",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_can_reach_is_warned_of() {
        let table: [(&str, &str, &[&str], &[&str]); 7] = [
            ("127.0.0.1:1", "127.0.0.1:2", &[], &[]),
            ("[::1]:1", "127.9.9.9:2", &[], &[]),
            ("[::ffff:127.0.0.1]:1", "127.0.0.1:2", &[], &[]),
            ("0.0.0.0:1", "127.0.0.1:2", &[], &["HTTP at 0.0.0.0:1 is plaintext beyond loopback"]),
            ("127.0.0.1:1", "[::]:2", &[], &["the IM port at [::]:2 is plaintext"]),
            ("10.0.0.1:1", "10.0.0.1:2", &[], &["HTTP at 10.0.0.1:1", "the IM port at 10.0.0.1:2"]),
            ("127.0.0.1:1", "10.0.0.1:2", &["10.0.0.0/8"], &["the IM port at", "cim's dialects are on beyond"]),
        ];
        for (http, tcp, cim_from, expected) in table {
            let mut config = Config { http: http.parse().unwrap(), tcp: tcp.parse().unwrap(), ..Config::default() };
            config.cim_from = cim_from.iter().map(|network| network.parse().unwrap()).collect();
            let said: Vec<_> = config.warnings().iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), expected.len(), "{http} {tcp} {cim_from:?}: {said:?}");
            for (said, expected) in said.iter().zip(expected) {
                assert!(said.starts_with(expected), "{http} {tcp} {cim_from:?}: {said}");
            }
        }
    }
}
