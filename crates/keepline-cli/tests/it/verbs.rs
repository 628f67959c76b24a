//! Verbs: the commands that ask a server something and end, each run as a process.

mod credentials;
mod escape;
mod exits;
mod fake;
mod limits;
mod scene;
mod send;
mod sessions;
mod sub;
mod terminal;
mod words;
