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

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The end of the range that this number is in.
    pub(crate) fn end_of(&self, number: u64) -> Option<u64> {
        let place = self.ranges.partition_point(|range| range.1 < number);
        self.ranges.get(place).filter(|range| range.0 <= number).map(|range| range.1)
    }

    /// The start of the range that this number is in.
    pub(crate) fn start_of(&self, number: u64) -> Option<u64> {
        let place = self.ranges.partition_point(|range| range.1 < number);
        self.ranges.get(place).filter(|range| range.0 <= number).map(|range| range.0)
    }

    /// How many numbers of `start..=end` are in the set.
    pub(crate) fn count_within(&self, start: u64, end: u64) -> u64 {
        self.within(start, end).map(|(start, end)| end - start + 1).sum()
    }

    /// The parts of the set within `start..=end`.
    pub(crate) fn within(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, u64)> {
        let from = self.ranges.partition_point(|range| range.1 < start);
        let parts = self.ranges[from..].iter();
        let parts = parts.take_while(move |range| range.0 <= end && start <= end);
        parts.map(move |range| (range.0.max(start), range.1.min(end)))
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
        self.remove_range(number, number);
    }

    pub(crate) fn remove_range(&mut self, start: u64, end: u64) {
        let from = self.ranges.partition_point(|range| range.1 < start);
        let to = self.ranges.partition_point(|range| range.0 <= end);
        if to <= from {
            return;
        }
        let (first, last) = (self.ranges[from].0, self.ranges[to - 1].1);
        let before = (first < start).then(|| (first, start - 1));
        let after = (end < last).then(|| (end + 1, last));
        self.ranges.splice(from..to, before.into_iter().chain(after));
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
        fn it_behaves_as_a_set(steps in proptest::collection::vec((0..6u8, 0..40u64, 0..5u64), 0..80)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (verb, number, more) in steps {
                match verb {
                    0 => { ranges.insert(number); set.insert(number); }
                    1 => { ranges.remove(number); set.remove(&number); }
                    2 => { ranges.remove_up_to(number / 2); set.retain(|n| number / 2 < *n); }
                    4 => { ranges.remove_range(number, number + more); set.retain(|n| *n < number || number + more < *n); }
                    3 => { ranges.remove_from(20 + number); set.retain(|n| *n < 20 + number); }
                    _ => { ranges.insert_range(number, number + more); set.extend(number..=number + more); }
                }
                let listed: Vec<u64> = ranges.iter().flat_map(|(start, end)| start..=end).collect();
                prop_assert_eq!(&listed, &set.iter().copied().collect::<Vec<_>>());
                prop_assert!(ranges.ranges.windows(2).all(|two| two[0].1 + 1 < two[1].0));
                prop_assert_eq!(ranges.first(), set.first().copied());
                prop_assert_eq!(ranges.contains(number), set.contains(&number));
                let within: Vec<u64> = ranges.within(number, 30).flat_map(|(start, end)| start..=end).collect();
                prop_assert_eq!(ranges.count_within(number, 30), within.len() as u64);
                prop_assert_eq!(within, set.iter().copied().filter(|n| number <= *n && *n <= 30).collect::<Vec<_>>());
                let end = (number..=64).take_while(|n| set.contains(n)).last();
                prop_assert_eq!(ranges.end_of(number), end);
                let start = (0..=number).rev().take_while(|n| set.contains(n)).last();
                prop_assert_eq!(ranges.start_of(number), start);
            }
        }
    }
}
