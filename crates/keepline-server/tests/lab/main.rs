//! The storage lab: kills, power cuts, full and broken disks, on file systems that the tests make themselves.
//!
//! Names begin with the row they prove: E1 a kill at any instant, E2 a power cut, E3 damage, E4 a full disk, E5 failing
//! syncs, E6 a disk that hangs, E7 folders that were not synced. All but E3 need root, and are skipped loudly without.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod appender;
mod damage;
mod disk;
mod full;
mod hang;
mod kill;
mod power;
mod scene;
mod sync_error;
mod verdict;
