//! The server's tests against itself, in one process.
