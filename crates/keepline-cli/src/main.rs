//! The binary `keepline`.

fn main() {}
