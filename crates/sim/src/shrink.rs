//! A failing plan made smaller: fewer steps, fewer identities, fewer kinds of faults, spans of steps left out; as long as
//! the same promise is broken.

use std::ops::Range;

use crate::plan::{Fault, Plan};
use crate::run::run;
use crate::violation::Promise;

/// The smallest plan that was found to break the same promise, in at most so many runs.
pub fn shrink(plan: &Plan, promise: Promise, mut runs: u64) -> Plan {
    let mut fails = |plan: &Plan| {
        if runs == 0 {
            return false;
        }
        runs -= 1;
        run(plan).violation.is_some_and(|violation| violation.promise == promise)
    };
    let mut best = plan.clone();
    fewer_steps(&mut best, &mut fails);
    for fault in Fault::ALL {
        let smaller = Plan { faults: best.faults.but(fault), ..best.clone() };
        if best.faults.has(fault) && fails(&smaller) {
            best = smaller;
        }
    }
    for identities in (2..best.identities).rev() {
        let smaller = Plan { identities, ..best.clone() };
        if fails(&smaller) {
            best = smaller;
        }
    }
    skip_spans(&mut best, &mut fails);
    fewer_steps(&mut best, &mut fails);
    best
}

/// The shortest run that fails is found by halving: more steps fail too, mostly.
fn fewer_steps(best: &mut Plan, fails: &mut impl FnMut(&Plan) -> bool) {
    let (mut low, mut high) = (0, best.steps);
    while low < high {
        let steps = low.midpoint(high);
        if fails(&Plan { steps, ..best.clone() }) {
            high = steps;
        } else {
            low = steps + 1;
        }
    }
    best.steps = high;
}

/// Leaves out halves, then quarters and so on.
fn skip_spans(best: &mut Plan, fails: &mut impl FnMut(&Plan) -> bool) {
    let mut span = best.steps / 2;
    while 0 < span {
        let mut start = 0;
        while start < best.steps {
            let range = start..(start + span).min(best.steps);
            let mut smaller = best.clone();
            smaller.skipped.push(range);
            smaller.skipped = joined(std::mem::take(&mut smaller.skipped));
            if smaller.skipped != best.skipped && fails(&smaller) {
                *best = smaller;
            }
            start += span;
        }
        span /= 2;
    }
}

/// The same steps in as few ranges as possible.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined() {
        assert_eq!(joined(vec![7..9, 0..3, 3..5, 8..12]), [0..5, 7..12]);
    }

    #[test]
    fn the_shortest_failing_run_is_found() {
        let mut plan = Plan::new(1, 1_000);
        fewer_steps(&mut plan, &mut |plan| 217 <= plan.steps);
        assert_eq!(plan.steps, 217);
        skip_spans(&mut plan, &mut |plan| !plan.skips(200));
        assert_eq!(plan.skipped, [0..200, 201..217]);
    }
}
