//! The client of our protocol against a server that says what the test wants.

mod ends;
mod holes;
mod outgoing;
mod server;
mod terms;
