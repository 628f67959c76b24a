//! Integration tests of the core, one binary: one file a subject.

mod backoff;
mod corpus;
mod dialect;
mod heartbeat;
mod idle;
mod idle_model;
#[cfg(feature = "im")]
mod im;
mod link;
mod monitor;
mod monitor_mute;
mod monitor_props;
mod monitor_rules;
mod scene;
mod sim;
mod wire;
mod wire_line;
mod wire_props;
mod wire_table;
