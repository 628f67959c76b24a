//! Integration tests of the core, one binary: one file a subject.

mod corpus;
