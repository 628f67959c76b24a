//! The memory that the kernel holds for sockets: this machine's, so both ends of a loopback line together.

use std::{fs, io};

use super::unknown;

/// Kernel memory at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Objects in all slab caches, in bytes.
    pub(crate) objects: u64,
    /// Pages that TCP holds for data that is under way (`sockstat`).
    pub(crate) tcp_pages: u64,
}

impl Sample {
    /// Reads the kernel's counters.
    ///
    /// All caches are summed, since the kernel merges caches of one size under one of their names; what other
    /// processes do meanwhile is part of the figure.
    ///
    /// # Errors
    /// `slabinfo` may be read by root alone.
    pub(crate) fn read() -> io::Result<Self> {
        let slabs = "/proc/slabinfo";
        let objects = parse_slabinfo(&fs::read_to_string(slabs)?).ok_or_else(|| unknown(slabs))?;
        let sockets = "/proc/net/sockstat";
        let tcp_pages = parse_sockstat(&fs::read_to_string(sockets)?).ok_or_else(|| unknown(sockets))?;
        Ok(Self { objects, tcp_pages })
    }
}

/// The sum of active objects times object size over all caches of a version 2 table.
fn parse_slabinfo(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    lines.next()?.strip_prefix("slabinfo - version: 2")?;
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let active: u64 = fields.next()?.parse().ok()?;
            let size: u64 = fields.nth(1)?.parse().ok()?;
            active.checked_mul(size)
        })
        .sum()
}

/// The number behind `mem` in the line of TCP.
fn parse_sockstat(text: &str) -> Option<u64> {
    let tcp = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = tcp.split_ascii_whitespace().skip_while(|word| *word != "mem");
    words.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLABS: &str = "slabinfo - version: 2.1\n\
        # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables\n\
        TCP                  100    104   2368   13    8 : tunables    0    0    0 : slabdata      8      8      0\n\
        filp                1000   1024    192   21    1 : tunables    0    0    0 : slabdata     49     49      0\n";

    #[test]
    fn active_objects_by_size() {
        assert_eq!(parse_slabinfo(SLABS), Some(100 * 2368 + 1000 * 192));
        assert_eq!(parse_slabinfo("slabinfo - version: 3.0\n"), None);
        assert_eq!(parse_slabinfo("slabinfo - version: 2.1\nTCP many\n"), None);
    }

    #[test]
    fn the_pages_of_tcp() {
        let text = "sockets: used 280\nTCP: inuse 5 orphan 0 tw 2 alloc 7 mem 252\nUDP: inuse 2 mem 9\n";
        assert_eq!(parse_sockstat(text), Some(252));
        assert_eq!(parse_sockstat("UDP: inuse 2 mem 9\n"), None);
    }
}
