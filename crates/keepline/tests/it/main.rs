//! Integration tests of the library, one binary: one file a subject.

mod client;
mod server;
