//! The instant messaging server of keepline, as a library: it runs in tests without a process of its own.

pub mod accounts;
pub mod clock;
pub mod conversation;
mod entity;
pub mod groups;
pub mod http;
pub mod id;
pub mod message;
pub mod metrics;
pub mod schedule;
pub mod store;
