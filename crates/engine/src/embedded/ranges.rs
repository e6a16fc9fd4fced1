//! A set of numbers as ascending, disjoint, non-adjacent ranges: small where numbers come nearly in order.

/// The set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// Inclusive; `end < next start - 1`.
    ranges: Vec<(u64, u64)>,
}

impl Ranges {
    pub(crate) fn first(&self) -> Option<u64> {
        self.ranges.first().map(|range| range.0)
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        let place = self.ranges.partition_point(|range| range.1 < number);
        self.ranges.get(place).is_some_and(|range| range.0 <= number)
    }

    pub(crate) fn insert(&mut self, number: u64) {
        self.insert_range(number, number);
    }

    pub(crate) fn insert_range(&mut self, start: u64, end: u64) {
        let from = self.ranges.partition_point(|range| range.1.saturating_add(1) < start);
        let to = self.ranges.partition_point(|range| range.0 <= end.saturating_add(1));
        if from == to {
            return self.ranges.insert(from, (start, end));
        }
        let merged = (self.ranges[from].0.min(start), self.ranges[to - 1].1.max(end));
        self.ranges.drain(from + 1..to);
        self.ranges[from] = merged;
    }

    pub(crate) fn remove(&mut self, number: u64) {
        let place = self.ranges.partition_point(|range| range.1 < number);
        let Some(&(start, end)) = self.ranges.get(place) else { return };
        if number < start {
            return;
        }
        self.ranges.remove(place);
        if number < end {
            self.ranges.insert(place, (number + 1, end));
        }
        if start < number {
            self.ranges.insert(place, (start, number - 1));
        }
    }

    /// Forgets everything up to `number`.
    pub(crate) fn remove_up_to(&mut self, number: u64) {
        let place = self.ranges.partition_point(|range| range.1 <= number);
        self.ranges.drain(..place);
        if let Some(first) = self.ranges.first_mut() {
            first.0 = first.0.max(number.saturating_add(1));
        }
    }

    /// Forgets everything from `number` on.
    pub(crate) fn remove_from(&mut self, number: u64) {
        let place = self.ranges.partition_point(|range| range.0 < number);
        self.ranges.truncate(place);
        if let Some(last) = self.ranges.last_mut() {
            last.1 = last.1.min(number.saturating_sub(1));
        }
    }

    pub(crate) fn clear(&mut self) {
        self.ranges = Vec::new();
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (u64, u64)> {
        self.ranges.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_behaves_as_a_set(steps in proptest::collection::vec((0..5u8, 0..40u64, 0..5u64), 0..80)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (verb, number, more) in steps {
                match verb {
                    0 => { ranges.insert(number); set.insert(number); }
                    1 => { ranges.remove(number); set.remove(&number); }
                    2 => { ranges.remove_up_to(number / 2); set.retain(|n| number / 2 < *n); }
                    3 => { ranges.remove_from(20 + number); set.retain(|n| *n < 20 + number); }
                    _ => { ranges.insert_range(number, number + more); set.extend(number..=number + more); }
                }
                let listed: Vec<u64> = ranges.iter().flat_map(|(start, end)| start..=end).collect();
                prop_assert_eq!(&listed, &set.iter().copied().collect::<Vec<_>>());
                prop_assert!(ranges.ranges.windows(2).all(|two| two[0].1 + 1 < two[1].0));
                prop_assert_eq!(ranges.first(), set.first().copied());
                prop_assert_eq!(ranges.contains(number), set.contains(&number));
            }
        }
    }
}
