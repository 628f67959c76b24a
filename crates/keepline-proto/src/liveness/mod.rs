//! Liveness: is the peer still there?

pub mod idle;
