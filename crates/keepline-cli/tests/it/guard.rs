//! Guard: rows A9, A10, B5 to B9, B11, C1, C3, C4 and D3: what strangers may cost a server with the limits that it has by default.

mod bad_frames;
mod bad_logins;
mod bearer;
mod bombs;
mod crowd;
mod files;
mod flood;
mod full;
mod given_up;
mod place;
mod proxied;
mod schemathesis;
mod slow_hello;
mod slow_http;
mod smuggling;
mod tickets;
mod web_crowd;
