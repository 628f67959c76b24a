//! Seed: the randomness behind a client's waits, when none is given.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

/// Another number at each call, for [`Options::seed`](super::Options::seed): draw it yourself to log it, so that a run
/// can be repeated. Not for secrets.
#[must_use]
pub fn random_seed() -> u64 {
    // The standard library's keys are the one source of randomness that needs no dependency.
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ_within_a_process() {
        assert_ne!(random_seed(), random_seed());
    }
}
