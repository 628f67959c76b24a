//! Our own API.

mod description;
mod groups;
mod history;
mod leaks;
mod messages;
mod refusals;
mod schedules;
mod server;
mod strangers;
mod tokens;
mod unread;
mod users;
