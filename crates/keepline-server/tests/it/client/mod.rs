//! The library's client of our protocol, against this server, in memory.

mod ends;
mod exchange;
mod house;
mod lost_lines;
mod marks;
mod pressure;
mod storm;
