//! Where every input comes from.

/// SplitMix64: a stream of numbers that a seed, a target and an index fix, on every machine.
pub struct Random(u64);

impl Random {
    /// The stream of one input.
    pub fn new(seed: u64, target: &str, index: u64) -> Self {
        let mut random = Self(seed);
        for part in target.bytes().map(u64::from).chain([index]) {
            random.0 = random.next() ^ part;
        }
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of 0, 1, …, n − 1; 0 where n is 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// True once in n times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }

    /// A place in a list that is not empty.
    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Mostly 1, seldom up to `most`.
    pub fn few(&mut self, most: usize) -> usize {
        let mut count = 1;
        while count < most && self.one_in(2) {
            count += 1;
        }
        count
    }

    /// A whole number at which arithmetic goes wrong, if it does.
    pub fn awkward(&mut self) -> u64 {
        const EDGES: [u64; 16] = [
            0,
            1,
            2,
            3,
            7,
            255,
            256,
            65_535,
            1 << 20,
            (1 << 31) - 1,
            1 << 31,
            u32::MAX as u64,
            1 << 32,
            1 << 62,
            i64::MAX as u64,
            u64::MAX,
        ];
        match self.below(4) {
            0 => self.next() >> self.below(64),
            _ => *self.of(&EDGES),
        }
    }
}
