//! Choices, one after the other.

/// Where choices come from.
pub enum Choices<'a> {
    /// Bytes, each of which is a choice; without more of them, the first of everything is chosen.
    Bytes(&'a [u8]),
    /// Numbers that look random and are the same each time.
    Seed(u64),
}

impl<'a> Choices<'a> {
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }

    pub fn from_seed(seed: u64) -> Self {
        // Seeds in a row are not to begin alike.
        Self::Seed(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        match self {
            Self::Bytes(bytes) => match bytes.split_first() {
                Some((first, rest)) => {
                    *bytes = rest;
                    u64::from(*first)
                }
                None => 0,
            },
            Self::Seed(state) => {
                // xorshift64*
                *state ^= *state >> 12;
                *state ^= *state << 25;
                *state ^= *state >> 27;
                state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
            }
        }
    }

    /// A number from 0 up to `bound`, which it never is.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = if bound > 256 { self.next() << 8 | self.next() & 255 } else { self.next() };
        (wide % bound as u64) as usize
    }

    /// Whether something happens that does so once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Up to `most` of what `make` makes.
    pub fn several<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }

    /// Changes, removes or doubles some bytes of `bytes`.
    pub fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes[at] = self.below(256) as u8,
                1 => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                _ => {
                    let end = bytes.len().min(at + 1 + self.below(16));
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
    }
}
