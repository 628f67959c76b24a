//! Integration tests of the core, one binary: one file a subject.

mod backoff;
mod corpus;
mod idle;
mod idle_model;
mod wire;
mod wire_line;
mod wire_props;
mod wire_table;
