//! The server's tests against itself, in one process.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod accounts;
mod answers;
mod burst;
mod cim;
mod cim_end;
mod cim_flaws;
mod client;
mod delivery;
mod fan_out;
mod fence;
mod group;
mod groups;
mod history;
mod http;
mod login;
mod marks;
mod node;
mod overflow;
mod past;
mod reload;
mod retention;
mod revoked;
mod schedule;
mod stage;
mod store;
mod storm;
mod support;
mod tls;
mod window;
