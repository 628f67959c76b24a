//! Store: one conformance suite for every engine, and what each engine promises beyond it.

mod cases;
mod engine;
mod limits;
mod mounts;
mod redb;
