//! Benchmarks of the IM server, and of brokers beside it: logins by password, sessions at rest, all logging in at once,
//! durable sends, fan-out, the return of all.
//!
//! ```text
//! commands::bench::chat ── flags ──> stage ── who, how often, where ──> town (accounts and tokens, by `http`)
//!                                      │                                 └─ host (keepline serve, or a broker)
//!     session, storm,                  │
//!     send, fanout, resume ────────────┴──> swarm (on the reactor) ──> peer ──> speech (v1, mqtt, nats)
//!                                                                       └─ pipe (plain, or TLS by `secure`)
//! ```
//! Accounts are made under the cheapest limits; then the server is started anew on their data, under the limits that
//! are measured. So no figure has the making of accounts in it; `login` makes its own, at the cost that
//! it measures.

pub(crate) mod fanout;
mod host;
mod http;
pub(crate) mod login;
mod mqtt;
mod nats;
mod peer;
mod pipe;
pub(crate) mod resume;
pub(crate) mod secure;
pub(crate) mod send;
pub(crate) mod session;
mod speech;
pub(crate) mod stage;
pub(crate) mod storm;
mod swarm;
mod town;
mod v1;

pub(crate) use host::Brand;
