//! When what trails (acks, departures) is written, and when it is synced. Pure: whoever has the clock asks. Deadlines
//! count from the first that trails: a steady trickle of more puts neither off.

use ackd_wire::Millis;

/// What trails, as the committer has seen it.
#[derive(Debug, Default)]
pub(super) struct Trailing {
    /// Since when something is not written.
    unwritten: Option<Millis>,
    /// Since when something is written and not synced.
    unsynced: Option<Millis>,
}

/// What is to be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Write it: a dead process loses nothing then.
    Write,
    /// Write and sync it: a dead machine loses nothing then.
    Sync,
}

impl Trailing {
    /// What is due next, and when; `None` while nothing trails. `trails`: something is not written now.
    pub(super) fn next(&mut self, now: Millis, trails: bool) -> Option<(Millis, Due)> {
        // Where nothing trails any more, a commit has taken it along.
        self.unwritten = trails.then(|| self.unwritten.unwrap_or(now));
        let write = self.unwritten.map(|since| (since.saturating_add(WRITE_MS), Due::Write));
        let sync = self.unsynced.map(|since| (since.saturating_add(SYNC_MS), Due::Sync));
        match (write, sync) {
            (Some(write), Some(sync)) => Some(if sync.0 <= write.0 { sync } else { write }),
            (write, sync) => write.or(sync),
        }
    }

    /// It is being done.
    pub(super) fn done(&mut self, due: Due) {
        let since = self.unsynced.or(self.unwritten);
        self.unwritten = None;
        self.unsynced = since.filter(|_| due == Due::Write);
    }
}

/// What trails is written so soon …
const WRITE_MS: Millis = 5;
/// … and synced so soon: within 100 ms with the sync itself.
const SYNC_MS: Millis = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_trails_is_written_and_then_synced() {
        let mut trailing = Trailing::default();
        assert_eq!(trailing.next(100, false), None);
        assert_eq!(trailing.next(100, true), Some((105, Due::Write)));
        assert_eq!(trailing.next(103, true), Some((105, Due::Write)));
        trailing.done(Due::Write);
        assert_eq!(trailing.next(105, false), Some((160, Due::Sync)));
        trailing.done(Due::Sync);
        assert_eq!(trailing.next(160, false), None);
    }

    /// An ack every `pace` milliseconds, and a committer that is woken by each: how long one waits at most for its
    /// write, and for its sync.
    fn longest_waits(pace: Millis) -> (Millis, Millis) {
        let (mut trailing, mut longest) = (Trailing::default(), (0, 0));
        let (mut unwritten, mut unsynced) = (None, None);
        for now in 1000..3000 {
            if now % pace == 0 {
                unwritten = unwritten.or(Some(now));
                unsynced = unsynced.or(Some(now));
            }
            let due = trailing.next(now, unwritten.is_some()).filter(|(at, _)| *at <= now);
            let Some((_, due)) = due else { continue };
            trailing.done(due);
            longest.0 = longest.0.max(unwritten.take().map_or(0, |since| now - since));
            if due == Due::Sync {
                longest.1 = longest.1.max(unsynced.take().map_or(0, |since| now - since));
            }
        }
        longest
    }

    #[test]
    fn a_trickle_puts_neither_the_write_nor_the_sync_off() {
        for pace in 1..=100 {
            assert_eq!(longest_waits(pace), (WRITE_MS, SYNC_MS), "{pace}");
        }
    }

    #[test]
    fn what_a_commit_took_along_is_not_due_any_more() {
        let mut trailing = Trailing::default();
        trailing.next(100, true);
        assert_eq!(trailing.next(102, false), None);
        assert_eq!(trailing.next(200, true), Some((205, Due::Write)));
    }
}
