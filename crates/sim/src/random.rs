//! Seeded randomness. Each step of a run has a stream of its own, so that leaving a step out changes no other step's
//! numbers; the engine has its own too.

use ackd_engine::Entropy;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// A stream of numbers that seed and stream number fix.
#[derive(Debug)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of this seed and number.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut numbers = ChaCha8Rng::seed_from_u64(seed);
        numbers.set_stream(stream);
        Self(numbers)
    }

    /// Any number.
    pub(crate) fn any(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number of `0..below`.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.any() % below.max(1)
    }

    /// A number of `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `of` times.
    pub(crate) fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// True in so many of a hundred times.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// The bytes of a secret.
    pub(crate) fn secret(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Puts a list in any order.
    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            list.swap(last, other);
        }
    }
}

/// The engine's randomness in one life of the store.
#[derive(Debug)]
pub(crate) struct SeededEntropy(ChaCha8Rng);

impl SeededEntropy {
    /// Another stream than any step has.
    pub(crate) fn new(seed: u64, life: u64) -> Self {
        let mut numbers = ChaCha8Rng::seed_from_u64(!seed);
        numbers.set_stream(life);
        Self(numbers)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, buf: &mut [u8]) {
        self.0.fill_bytes(buf);
    }
}
