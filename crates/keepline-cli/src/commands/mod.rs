//! One file a command: its flags, and what it does with them.

pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod chat;
pub(crate) mod config;
pub(crate) mod conns;
pub(crate) mod doctor;
pub(crate) mod echo;
mod errand;
pub(crate) mod groups;
pub(crate) mod history;
pub(crate) mod manual;
pub(crate) mod ready;
pub(crate) mod restore;
pub(crate) mod schedule;
pub(crate) mod send;
pub(crate) mod serve;
pub(crate) mod sub;
mod target;
pub(crate) mod token;
pub(crate) mod top;
pub(crate) mod users;
mod words;
