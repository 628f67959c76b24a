//! HTTP: cim's endpoints, our own API under `/v1`, and the admin listener.
//!
//! Each is a `Router` without a socket, so that tests call it in memory; [`serve`](serve::serve) puts one on a listener.

pub mod serve;
