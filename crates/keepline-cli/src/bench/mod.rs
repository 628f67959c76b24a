//! `keepline bench`: loads a server, and measures it from outside. What speaks the echo frame is here; [`chat`] has the
//! IM server's.
//!
//! ```text
//! commands::bench ── flags ──> contest ── starts, interleaves ──> contestant ──> server (a process or a target)
//!                                 │
//!        storm, echo, idle (footprint, evict) ── open, talk ──> load ──> line ──> frame
//!                                 │                 │            └─ reactor (one epoll thread, for `chat` too)
//!                                 │                 └─ ledger, schedule     proc (memory, CPU), strace
//!                                 └── rounds of figures ──> report (table or JSON)
//! ```
//! The load is one thread without an async runtime, so that the generator costs less than what it measures.

mod arrivals;
pub(crate) mod chat;
pub(crate) mod contest;
pub(crate) mod contestant;
mod deadline;
pub(crate) mod echo;
mod error;
mod evict;
mod figure;
mod footprint;
mod frame;
pub(crate) mod idle;
mod ledger;
mod line;
mod load;
mod machine;
mod open;
mod proc;
mod process;
mod progress;
mod reactor;
mod report;
mod schedule;
mod server;
mod socket;
mod stats;
pub(crate) mod storm;
mod strace;
mod talk;
pub(crate) mod target;

pub(crate) use deadline::Deadline;
pub(crate) use error::Error;
pub(crate) use machine::Pin;
pub(crate) use report::Report;
