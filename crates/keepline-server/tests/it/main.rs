//! The server's tests against itself, in one process.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod accounts;
mod groups;
mod http;
mod schedule;
mod store;
mod support;
