//! Chance that comes out the same each time: what a crash does is decided by a number.

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap_or_default() % limit
    }

    pub(super) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Which pieces of a write of `length` bytes at `at` survive: blocks of 4096 or 512 bytes in any
    /// choice, or the bytes up to anywhere.
    pub(super) fn surviving_blocks(&mut self, at: usize, length: usize) -> Vec<(usize, usize)> {
        let block = match self.below(4) {
            0 => return vec![(0, self.below(length + 1))],
            1 => {
                return if self.coin() {
                    vec![(0, length)]
                } else {
                    Vec::new()
                };
            }
            2 => 512,
            _ => 4096,
        };
        let mut kept = Vec::new();
        let mut start = 0;
        while start < length {
            let end = length.min((at + start) / block * block + block - at);
            if self.coin() {
                kept.push((start, end));
            }
            start = end;
        }
        kept
    }
}
