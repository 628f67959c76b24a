//! Our own API.

mod description;
mod groups;
mod messages;
mod refusals;
mod schedules;
mod tokens;
