//! Long-lived connections on tokio: heartbeats, eviction, reconnect, failover.

mod clock;
pub mod conn;
mod observe;
#[cfg(feature = "serve")]
pub mod serve;
mod settings;
mod wheel;

pub use conn::{
    Answer, Beat, Cause, Connection, Driver, Flow, Handler, LineId, OutboxLimits, Plain, Report, SendError, Transport,
    Turn,
};
pub use keepline_proto::{Duration, Instant, Reason, Reconnect, Side, disconnect, liveness, wire};
pub use observe::Observer;
pub use settings::Settings;
