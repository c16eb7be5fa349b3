//! Choices that a seed repeats: xorshift64*.

#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Each `stream` of a seed has choices of its own.
    pub(crate) fn new(seed: u64, stream: usize) -> Self {
        let mut mixed = seed ^ (stream as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Self(mixed | 1)
    }

    #[inline]
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        ((high * end as u64) >> 32) as usize
    }

    #[inline]
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}
