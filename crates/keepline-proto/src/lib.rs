//! The sans-IO core of keepline: bytes and instants in, actions and bytes out.
//!
//! No clock, no socket, no lock, no runtime and no global randomness: the same inputs give the same outputs.

pub mod backoff;
pub mod disconnect;
pub mod liveness;
mod random;
pub mod time;
pub mod wire;

pub use backoff::{Backoff, BackoffError, BackoffSettings, RetryHint};
pub use disconnect::{Reason, Reconnect, Side};
pub use time::{Duration, Instant};
