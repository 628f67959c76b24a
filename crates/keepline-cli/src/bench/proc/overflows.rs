//! Connections that a listener's queue had no room for: the kernel's count, of this machine's network as a whole.

use std::{fs, io};

use super::unknown;

/// How many there were so far (`TcpExt: ListenOverflows`).
///
/// # Errors
/// The file can't be read, or is another one.
pub(crate) fn read() -> io::Result<u64> {
    let path = "/proc/net/netstat";
    parse(&fs::read_to_string(path)?).ok_or_else(|| unknown(path))
}

/// A line of names, and behind it one of numbers, each beginning with the name of the table.
fn parse(text: &str) -> Option<u64> {
    let mut rows = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, numbers) = (rows.next()?, rows.next()?);
    let mut pairs = names.split_ascii_whitespace().zip(numbers.split_ascii_whitespace());
    pairs.find(|(name, _)| *name == "ListenOverflows")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use socket2::{Domain, Socket, Type};

    use super::*;

    /// A listener with room for one, and more than that at its door: the kernel counts those.
    #[test]
    fn the_kernel_counts_who_finds_no_room() {
        let socket = || Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None).unwrap();
        let listener = socket();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let addr = listener.local_addr().unwrap();
        let before = read().unwrap();
        let clients: Vec<Socket> = (0..4).map(|_| socket()).collect();
        for client in &clients {
            // It would wait: that is what EINPROGRESS says.
            let _ = client.connect(&addr);
        }
        assert!(read().unwrap() > before);
    }

    #[test]
    fn the_number_below_its_name() {
        let text = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 1 22 333\nIpExt: A\nIpExt: 4\n";
        assert_eq!(parse(text), Some(22));
        assert_eq!(parse("TcpExt: SyncookiesSent\nTcpExt: 1\n"), None);
        assert_eq!(parse("IpExt: ListenOverflows\nIpExt: 4\n"), None);
    }
}
