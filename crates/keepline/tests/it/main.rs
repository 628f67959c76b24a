//! Integration tests of the library, one binary: one file a subject.

mod client;
mod ending;
mod frames;
mod heartbeats;
mod idle_events;
mod pause;
mod server;
mod silence;
mod slow_peer;
mod support;
mod unread;
