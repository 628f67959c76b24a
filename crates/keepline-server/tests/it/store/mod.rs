//! Store: one conformance suite for every engine, and what each engine promises beyond it.

mod backup;
mod cases;
pub(crate) mod engine;
mod fake;
mod limits;
mod model;
mod mounts;
mod redb;
mod rows;
