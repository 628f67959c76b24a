//! Long-lived connections on tokio: heartbeats, eviction, reconnect, failover.

#[cfg(feature = "client")]
pub mod client;
mod clock;
pub mod conn;
mod kernel;
mod observe;
#[cfg(feature = "serve")]
pub mod serve;
mod settings;
mod wheel;

pub use conn::{
    Answer, Beat, Cause, Connection, Driver, Flow, Handler, LineId, OutboxLimits, Plain, Report, SendError, Transport,
    Turn,
};
pub use keepline_proto::{
    BackoffSettings, Duration, Instant, Reason, Reconnect, RetryHint, Side, backoff, disconnect, liveness, wire,
};
pub use kernel::KernelWatch;
pub use observe::Observer;
pub use settings::Settings;
