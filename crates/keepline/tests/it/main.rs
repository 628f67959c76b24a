//! Integration tests of the library, one binary: one file a subject.

mod client;
mod drain;
mod ending;
mod frames;
mod heartbeats;
mod idle_events;
mod limits;
mod long;
mod pause;
mod serve_support;
mod server;
mod silence;
mod slow_peer;
mod support;
mod threads;
mod transports;
mod unread;
mod upgrade;
