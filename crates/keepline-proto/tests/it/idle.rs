//! Idle: the published timelines of Netty's detector, and its rules one by one.

mod output;
mod pause;
pub(crate) mod rig;
mod rules;
mod timelines;
