//! Long-lived connections on tokio.

pub use keepline_proto as proto;
