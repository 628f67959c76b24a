//! Connections that stay open for days, and are known within a stated time to be dead.
#![doc = include_str!("../README.md")]

#[cfg(feature = "client")]
pub mod client;
mod clock;
pub mod conn;
pub mod echo;
#[cfg(feature = "im")]
pub mod im;
mod kernel;
mod observe;
#[cfg(feature = "serve")]
pub mod serve;
mod settings;
mod wheel;

pub use bytes::Bytes;
pub use conn::{
    Answer, Beat, Cause, Connection, Driver, Flow, Handler, LineId, OutboxLimits, Plain, Queued, Report, SendError,
    Transport, Turn,
};
pub use keepline_proto::{
    BackoffSettings, Duration, Instant, Reason, Reconnect, RetryHint, Side, backoff, disconnect, liveness, wire,
};
pub use kernel::KernelWatch;
pub use observe::Observer;
pub use settings::{Settings, SettingsError};
