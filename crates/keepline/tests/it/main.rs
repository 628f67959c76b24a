//! Integration tests of the library, one binary: one file a subject.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod acknowledged;
mod client;
mod client_events;
mod client_examples;
mod client_garbled;
mod client_go_away;
mod client_handshake;
mod client_liveness;
mod client_net;
mod client_options;
mod client_panic;
mod client_pushes;
mod client_reconnect;
mod client_verdicts;
mod drain;
mod ending;
mod farewell;
mod frame_limit;
mod frames;
mod heartbeats;
mod idle_events;
mod im;
mod limits;
mod long;
mod longest_pause;
mod panics;
mod pause;
mod proxied;
mod serve_support;
mod server;
mod silence;
mod slow_peer;
mod support;
mod threads;
mod transports;
mod unread;
mod upgrade;
mod wake;
