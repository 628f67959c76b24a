//! The instant messaging server of keepline, as a library: it runs in tests without a process of its own.

pub mod accounts;
pub mod audit;
pub mod clock;
pub mod config;
pub mod conversation;
pub mod delivery;
pub mod directory;
mod entity;
pub mod groups;
pub mod guard;
pub mod history;
pub mod http;
pub mod id;
pub mod line;
mod live;
pub mod message;
pub mod metrics;
pub mod node;
pub mod overload;
pub mod retention;
pub mod room;
pub mod schedule;
pub mod session;
pub mod store;
pub mod tls;

pub use config::{CimMode, Config, ConfigError};
pub use node::{Addresses, Node, StartError};

/// The programs that the pages show, as tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/tutorial.md")]
    struct Tutorial;

    #[doc = include_str!("../../../docs/howto.md")]
    struct HowTo;
}
