//! One line: its drive loop, its handle, and the seam to the program.
//!
//! [`Driver`] owns the socket and is the only one to touch it; [`Connection`] is the handle for everyone else; a
//! [`Handler`] says what the line is for.

mod clocks;
mod connection;
mod driver;
mod ending;
mod environment;
mod flow;
mod handler;
mod idle_watch;
mod line_id;
mod outbox;
mod rare;
mod receive;
mod report;
mod scratch;
mod shared;
mod size;
mod state;
mod transmit;
mod transport;
mod turn;

pub use connection::{Answer, Connection, SendError};
pub use driver::Driver;
#[cfg(any(feature = "serve", feature = "client"))]
pub(crate) use environment::Environment;
#[cfg(feature = "serve")]
pub(crate) use environment::{Books, Deadlines};
pub use flow::Flow;
pub use handler::{Beat, Handler};
pub use line_id::LineId;
pub use outbox::{OutboxLimits, Queued};
#[cfg(feature = "serve")]
pub(crate) use report::reason_of;
pub use report::{Cause, Report};
pub(crate) use shared::Shared;
pub use transport::{Plain, Transport};
pub use turn::Turn;
