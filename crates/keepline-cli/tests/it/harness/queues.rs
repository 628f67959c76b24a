//! Queues: what the kernel holds back of a loopback connection, by its table of sockets.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The table as it was a moment ago. It may list thousands of sockets (those in TIME_WAIT too), so that tests which ask
/// at the same time share a copy.
static TABLE: Mutex<Option<(Instant, Arc<str>)>> = Mutex::new(None);

/// Whether all that was written before `since`, from one port of loopback to another, has been read at the other end:
/// it is neither in the send queue here nor in the receive queue there.
pub(super) fn are_empty(from: u16, to: u16, since: Instant) -> bool {
    let table = table(since);
    let [sending, _] = queues(&table, from, to);
    let [_, receiving] = queues(&table, to, from);
    // A socket that is gone holds nothing back.
    sending.unwrap_or(0) == 0 && receiving.unwrap_or(0) == 0
}

/// A copy of the table that was begun after `since`.
fn table(since: Instant) -> Arc<str> {
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((begun, table)) = &*table
        && *begun > since
    {
        return Arc::clone(table);
    }
    let begun = Instant::now();
    // Java's sockets are of the sixth version, also where they speak the fourth.
    let read: Arc<str> =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default()).concat().into();
    *table = Some((begun, Arc::clone(&read)));
    read
}

/// The lengths of the send and the receive queue of the socket at `own`, connected to `other`.
fn queues(table: &str, own: u16, other: u16) -> [Option<u64>; 2] {
    const LOOPBACK: [&str; 2] = ["0100007F", "0000000000000000FFFF00000100007F"];
    let found = LOOPBACK.iter().find_map(|ip| {
        let ends = format!(" {ip}:{own:04X} {ip}:{other:04X} ");
        let row = &table[table.find(&ends)? + ends.len()..];
        // The state, then `tx_queue:rx_queue`.
        row.split_ascii_whitespace().nth(1)?.split_once(':')
    });
    let Some((sending, receiving)) = found else { return [None, None] };
    [sending, receiving].map(|queue| u64::from_str_radix(queue, 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_both_versions_are_found() {
        let table = "   0: 0100007F:1F90 0100007F:C350 01 00000005:0000000A 00:00000000\n   \
                     1: 0000000000000000FFFF00000100007F:C350 0000000000000000FFFF00000100007F:1F90 01 00000000:000000FF 0\n";
        assert_eq!(queues(table, 0x1F90, 0xC350), [Some(5), Some(10)]);
        assert_eq!(queues(table, 0xC350, 0x1F90), [Some(0), Some(255)]);
        assert_eq!(queues(table, 1, 2), [None, None]);
    }
}
