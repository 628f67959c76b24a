//! Columns: what of a session stands in the list, and what it is sorted by.

use super::figures::{bytes, minute, time};
use crate::api::{LiveSession, SortBy};
use crate::output::round_trip;

/// A column of the list.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) sort: SortBy,
    pub(super) width: usize,
    /// Whether it stands on the right of its place, as numbers do.
    pub(super) right: bool,
    cell: fn(&LiveSession) -> String,
}

/// In the order of the screen. On a narrow one those that do not fit any more are left out, from the last on; they can
/// be sorted by all the same.
pub(super) const COLUMNS: [Column; 11] = [
    column("USER", SortBy::User, 12, false, |live| live.user.clone()),
    column("DEVICE", SortBy::Device, 10, false, |live| live.device.clone()),
    column("IDLE", SortBy::Silent, 6, true, |live| time(live.silent_ms)),
    column("RTT", SortBy::Rtt, 7, true, |live| live.rtt_us.map_or_else(unknown, round_trip)),
    column("QUEUE", SortBy::Queue, 6, true, |live| live.queue.messages.to_string()),
    column("IN", SortBy::BytesIn, 5, true, |live| live.bytes_in.map_or_else(unknown, bytes)),
    column("OUT", SortBy::BytesOut, 5, true, |live| live.bytes_out.map_or_else(unknown, bytes)),
    column("VIA", SortBy::Dialect, 7, false, |live| format!("{}/{}", live.dialect, live.transport)),
    column("SINCE", SortBy::Since, 11, false, |live| minute(live.since_ms)),
    column("PEER", SortBy::Peer, 21, false, |live| live.peer.clone().unwrap_or_else(unknown)),
    column("SESSION", SortBy::Session, 16, false, |live| live.session.to_string()),
];

const fn column(
    head: &'static str,
    sort: SortBy,
    width: usize,
    right: bool,
    cell: fn(&LiveSession) -> String,
) -> Column {
    Column { head, sort, width, right, cell }
}

impl Column {
    /// What stands in it, not escaped.
    pub(super) fn cell(&self, live: &LiveSession) -> String {
        (self.cell)(live)
    }

    /// The one that is sorted by this.
    pub(super) fn of(sort: SortBy) -> usize {
        COLUMNS.iter().position(|column| column.sort == sort).unwrap_or_default()
    }
}

fn unknown() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_order_has_its_column_and_a_head_fits_with_its_arrow() {
        for sort in SortBy::value_variants() {
            assert_eq!(COLUMNS[Column::of(*sort)].sort, *sort);
        }
        for column in &COLUMNS {
            assert!(column.head.len() < column.width, "{}", column.head);
        }
    }
}
