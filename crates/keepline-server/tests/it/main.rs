//! The server's tests against itself, in one process.

mod http;
