//! The instant messaging server of keepline, as a library: it runs in tests without a process of its own.

pub mod conversation;
pub mod http;
pub mod id;
pub mod message;
pub mod metrics;
pub mod store;
