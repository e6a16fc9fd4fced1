//! Giving space back. The library merges tables when there are many of them, not when there is much removed in them:
//! what is removed last stays on the disk, and with it what it hides.

use std::sync::atomic::Ordering;
use std::thread;

use super::place::POLL;
use super::tables::{Counts, Tables};
use super::{ArchiveError, Shared};

impl Shared {
    /// Merges all tables if at least a third of what they hold are removals: each hides an entry at most, so two
    /// thirds go. The work is in proportion to what was removed since the last time.
    pub(super) fn compact(&self) -> Result<(), ArchiveError> {
        let Some(_alone) = self.compaction.try_lock() else { return Ok(()) };
        if self.merge()? {
            // The library lets go of tables that were replaced when something was written after that.
            self.turn()?;
        }
        Ok(())
    }

    fn merge(&self) -> Result<bool, ArchiveError> {
        let tables = self.tables()?;
        let in_memory = self.removed.load(Ordering::Relaxed);
        let Counts { entries, removals } = tables.counts();
        if !is_worth(entries, removals + in_memory) {
            return Ok(false);
        }
        self.removed.fetch_sub(in_memory, Ordering::Relaxed);
        tables.flush()?;
        if !self.wait_until_flushed(&tables)? {
            return Err(ArchiveError::Stalled);
        }
        let Counts { entries, removals } = tables.counts();
        let is_worth = is_worth(entries, removals);
        if is_worth {
            tables.merge()?;
        }
        Ok(is_worth)
    }

    fn wait_until_flushed(&self, tables: &Tables) -> Result<bool, ArchiveError> {
        for _ in 0..self.place.options.stall_polls {
            if tables.is_flushed() {
                return Ok(true);
            }
            tables.check()?;
            thread::sleep(POLL);
        }
        Ok(false)
    }
}

fn is_worth(entries: u64, removals: u64) -> bool {
    0 < removals && entries <= removals.saturating_mul(3)
}
