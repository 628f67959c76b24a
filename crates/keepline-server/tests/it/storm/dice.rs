//! Dice: randomness from a seed (SplitMix64, Steele, Lea and Flood 2014), and rests of random length.

/// Randomness from a seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Dice of its own for another task.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// Below `limit`, evenly enough.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    /// True once in so many times.
    pub(super) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Lets others go on for a while: some turns, or up to so many milliseconds.
    pub(super) async fn rest(&mut self, most: usize) {
        if self.one_in(3) {
            tokio::time::sleep(std::time::Duration::from_millis(self.below(most + 1) as u64)).await;
        }
        for _ in 0..self.below(4) {
            tokio::task::yield_now().await;
        }
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
