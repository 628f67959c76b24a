//! Which addresses a benchmark may load.

use std::net::{SocketAddr, ToSocketAddrs as _};

use super::Error;

/// A server that runs already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Its process, if its memory and time are to be read.
    pub(crate) pid: Option<u32>,
}

/// Finds the address of `name`, as `localhost:12345`.
///
/// # Errors
/// [`Error::Unreachable`] for a name without an address, [`Error::Usage`] for an address of another machine without
/// `allow_remote`.
pub(crate) fn resolve(name: &str, allow_remote: bool) -> Result<SocketAddr, Error> {
    let addresses: Vec<SocketAddr> = name
        .to_socket_addrs()
        .map_err(|error| Error::Unreachable(format!("{name} has no address: {error}; write it as HOST:PORT")))?
        .collect();
    if let Some(remote) = addresses.iter().find(|addr| !addr.ip().is_loopback()).filter(|_| !allow_remote) {
        return Err(Error::Usage(format!(
            "{name} is {}, not a loopback address: thousands of connections to another machine are an attack unless \
             its owner agreed; use a loopback address, or --allow-remote if the machine is yours",
            remote.ip()
        )));
    }
    addresses.first().copied().ok_or_else(|| Error::Unreachable(format!("{name} has no address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_without_leave() {
        for (name, allow_remote, want) in [
            ("127.0.0.1:80", false, Ok("127.0.0.1:80")),
            ("127.9.9.9:80", false, Ok("127.9.9.9:80")),
            ("[::1]:80", false, Ok("[::1]:80")),
            ("192.0.2.1:80", false, Err(2)),
            ("0.0.0.0:80", false, Err(2)),
            ("192.0.2.1:80", true, Ok("192.0.2.1:80")),
            ("127.0.0.1", false, Err(3)),
        ] {
            let got = resolve(name, allow_remote).map_err(|error| error.exit_code());
            assert_eq!(got, want.map(|addr| addr.parse().unwrap()), "{name}, remote allowed: {allow_remote}");
        }
    }
}
