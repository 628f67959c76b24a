//! Crash: the whole server is killed, cut off the power, and given bad disks, while witnesses send; and servers that
//! break their word on purpose, to see that the checker notices.
//!
//! Names begin with the row of the table of faults that they prove. The storage engine alone has such tests too, in
//! the laboratory of keepline-server, whose disks are used here.

mod crowd;
#[path = "../../../keepline-server/tests/lab/disk.rs"]
#[expect(clippy::unwrap_used, reason = "in a test a panic is the report")]
mod disk;
mod full;
mod hang;
mod inside;
mod kill;
mod people;
mod poison;
mod power;
mod sabotage;
mod saboteur;
mod serving;
mod sync_error;
