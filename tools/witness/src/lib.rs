//! A client of the IM server that keeps a true history of what it was told, for tests.
//!
//! A [`Witness`] is one device of one user. It speaks version 1 of the protocol over TCP, comes back after every cut
//! with jitter, sends again under the same id until it has an answer, drops what its application has, acknowledges what
//! it took, and writes each of these into a [`History`] *before* it acts on it. `keepline-check` judges the histories.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use keepline_witness::{History, Options, Server, Witness, private};
//!
//! let server = Server { http: "127.0.0.1:8083".parse()?, tcp: "127.0.0.1:11211".parse()? };
//! let history = History::create("run/p1.jsonl".as_ref(), "p1")?;
//! for user in ["ann", "bob"] {
//!     server.register(user, "a long password").await?;
//! }
//! let token = server.token("ann", "a long password", "phone").await?;
//! let ann = Witness::connect(Options::new(server.tcp, "ann", "phone", &token), &history).await?;
//! let verdict = ann.send(&private("ann", "bob"), b"hello").await?;
//! println!("{verdict:?}");
//! ann.cut().await; // and it comes back by itself
//! ann.until(|seen| seen.logins == 2).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here has a time limit of its own: a test puts one around what it waits for.

mod account;
mod application;
mod client;
mod history;
mod http;
mod options;
mod seen;
mod store;
mod swarm;
mod witness;

pub use account::{AccountError, Server, private};
pub use application::Application;
pub use history::History;
pub use http::{HttpError, Response, request};
pub use options::{Acks, Options};
pub use seen::{Line, Seen, Taken};
pub use swarm::{Load, Swarm, swarm};
pub use witness::{Ended, Verdict, Witness};
