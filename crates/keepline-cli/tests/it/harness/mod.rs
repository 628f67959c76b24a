//! Harness: the processes, peers and networks that a test starts, all of which end with it.

mod cast;
mod cgroup;
mod ends;
mod faketime;
mod fleet;
mod folder;
mod host;
mod im;
mod java;
mod lines;
mod net;
mod people;
mod process;
mod queues;
mod raw;
mod relay;

use std::time::Duration;

pub(crate) use cast::{CLIENT_PATIENCE, Cast};
pub(crate) use cgroup::{Cgroup, Controller};
pub(crate) use ends::{Client, Event, Server};
pub(crate) use faketime::{Faketime, wall_ms};
pub(crate) use fleet::Fleet;
pub(crate) use folder::Folder;
pub(crate) use host::Host;
pub(crate) use im::{Im, SessionEnd, hello, hello_of};
pub(crate) use java::Java;
pub(crate) use net::{Namespace, Net, command};
pub(crate) use people::{People, Plan, user};
pub(crate) use process::{Ended, Process};
pub(crate) use raw::{PING, PONG, Raw, data, is_closed};
pub(crate) use relay::{Delay, Relay};

/// A deadline's slot: what the library may be late by.
pub(crate) const SLOT: Duration = Duration::from_millis(100);

/// What the machine may add to that: two tests at a time, each with a few processes (a starting JVM takes a core for
/// half a second), on two cores that other programs use too. Only for what may not be late; nothing may be early.
pub(crate) const SCHEDULING: Duration = Duration::from_millis(800);

/// For what has no stated limit: only a test that would hang meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The token of the admin listeners of the tests' servers, which have it from [`ADMIN_VARIABLE`].
pub(crate) const ADMIN_TOKEN: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const ADMIN_VARIABLE: &str = "KEEPLINE_ADMIN__TOKEN";

/// Whether the run may take its time: `scripts/test --long`.
pub(crate) fn is_long() -> bool {
    std::env::var("KEEPLINE_LONG").is_ok_and(|long| long == "1")
}

/// A time in whole milliseconds.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
