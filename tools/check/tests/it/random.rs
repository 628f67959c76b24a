//! Randomness from a seed: the same seed is the same history.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(u64);

/// The seed of the run: `KEEPLINE_SEED`, or 1; printed.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("KEEPLINE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("KEEPLINE_SEED={seed}");
    seed
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a bound fits");
        usize::try_from(self.number() % bound).expect("it is below a usize")
    }

    /// One of them, if there are any.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.below(from.len())]) }
    }
}
