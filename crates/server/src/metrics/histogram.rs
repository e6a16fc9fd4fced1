//! A histogram of fixed buckets: two relaxed adds for each value or run of equal ones, no lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of values by size.
#[derive(Debug)]
pub(super) struct Histogram {
    /// Upper bounds, ascending; what is larger has a bucket of its own.
    bounds: &'static [u64],
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// A histogram at one moment, as it is told.
#[derive(Debug)]
pub(super) struct Buckets {
    /// Upper bounds with the number of values in each bucket; the last bound is infinite.
    pub(super) counts: Vec<(f64, u64)>,
    pub(super) sum: f64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [u64]) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1);
        Self { bounds, counts: counts.collect(), sum: AtomicU64::default() }
    }

    pub(super) fn observe(&self, value: u64) {
        self.observe_many(value, 1);
    }

    /// The same value so many times.
    pub(super) fn observe_many(&self, value: u64, count: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(count, Ordering::Relaxed);
        self.sum.fetch_add(value.saturating_mul(count), Ordering::Relaxed);
    }

    /// The sum of histograms that have the same bounds, divided by `unit`.
    pub(super) fn sum<'a>(histograms: impl Iterator<Item = &'a Self>, unit: f64) -> Buckets {
        let mut counts = Vec::new();
        let mut sum = 0;
        for histogram in histograms {
            if counts.is_empty() {
                let bounds = histogram.bounds.iter().map(|bound| *bound as f64 / unit);
                counts = bounds.chain([f64::INFINITY]).map(|bound| (bound, 0)).collect();
            }
            for ((_, total), count) in counts.iter_mut().zip(&histogram.counts) {
                *total += count.load(Ordering::Relaxed);
            }
            sum += histogram.sum.load(Ordering::Relaxed);
        }
        Buckets { counts, sum: sum as f64 / unit }
    }
}

impl Buckets {
    pub(super) fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_bound_is_below_it_and_sums_are_over_all() {
        let (one, two) = (Histogram::new(&[1, 10]), Histogram::new(&[1, 10]));
        for value in [0, 1, 2] {
            one.observe(value);
        }
        for value in [10, 11] {
            two.observe(value);
        }
        let buckets = Histogram::sum([&one, &two].into_iter(), 10.0);
        assert_eq!(buckets.counts, [(0.1, 2), (1.0, 2), (f64::INFINITY, 1)]);
        assert_eq!((buckets.count(), buckets.sum), (5, 2.4));
    }
}
