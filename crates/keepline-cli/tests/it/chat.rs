//! Chat: `keepline chat` as people and scripts use it, against a real server that is killed, and with clients that are
//! frozen.

mod commands;
mod document;
mod ends;
mod frozen;
mod restart;
pub(crate) mod scene;
pub(crate) mod screen;
mod shell;
mod talk;
mod terminal;
mod tutorial;
mod unread;
