//! Liveness: is the peer still there?
//!
//! [`Heartbeat`] holds the checked settings, [`Monitor`] judges one line by them. [`Idle`] is Netty's idle
//! detector in full, for those who want its events; a line does not need it.

mod frame_clock;
mod heartbeat;
pub mod idle;
mod monitor;
mod rtt;

pub use frame_clock::{FRAME_RATE, FRAME_WITHIN, SMALL_FRAME};
pub use heartbeat::{Heartbeat, HeartbeatBuilder, HeartbeatError};
pub use idle::{Idle, IdleEvent, IdleKind, IdleSettings, OutputSnapshot};
pub use monitor::{Action, Monitor};
pub use rtt::Rtt;
