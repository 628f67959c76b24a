//! The echo pair as its users meet it: processes, sockets, signals.

mod article;
mod flags;
mod frames;
mod json;
mod pair;
mod peers;
mod process;
mod reconnect;
mod silence;
mod stop;

use process::{Process, Server};
