//! What several tests need: names in short, a store that fails on cue, a wall clock that can be set.

pub(crate) mod cue;
pub(crate) mod wall;

use std::fmt::Debug;
use std::str::FromStr;

/// A name from its text.
pub(crate) fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}
