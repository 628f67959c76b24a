//! Addresses of a request: from where it came, and where it was sent. Handlers find them among its extensions.

use std::net::SocketAddr;

/// The server's own address that a client dialled: where `0.0.0.0` is listened on, it differs by client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "one value")]
pub struct Dialled(pub SocketAddr);

/// The address of the client: of its end of the connection, or the one that a trusted proxy names, with port 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "one value")]
pub struct Peer(pub SocketAddr);
