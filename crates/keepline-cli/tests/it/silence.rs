//! Silence: ends that say nothing any more, and no packet that says so.

mod crowd;
mod cut;
mod stopped;
