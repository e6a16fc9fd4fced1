//! What is done now and then so that the store stays small: memory relieved, segments freed, settled messages taken out of
//! the archive, and after a while of idleness everything put in order.

use ackd_wire::Millis;

use super::archive::Halt;
use super::{Embedded, Shared};
use crate::disk::Disk;

/// Since when nothing was stored.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// The last batch of the journal that was seen.
    batch: u64,
    since: Millis,
    /// Everything was put in order after it.
    tidy: bool,
}

impl<D: Disk + Clone> Embedded<D> {
    /// Does what is due.
    pub(super) fn keep_house(&self, now: Millis) {
        match self.try_keep_house(now) {
            // Whoever found that the archive has failed has said so.
            Ok(()) | Err(Halt::Archive(_)) => {}
            Err(Halt::Full) => tracing::warn!("no space for the archive: trying again later"),
            Err(Halt::Journal(error)) => {
                tracing::error!(%error, "the journal could not be moved to the archive");
            }
        }
        self.relieved.notify_all();
    }

    fn try_keep_house(&self, now: Millis) -> Result<(), Halt> {
        if self.is_poisoned() {
            return Ok(());
        }
        self.shared.lock().state.tell_time(now);
        self.sweep(now)?;
        self.read_owed()?;
        self.relieve()?;
        self.checkpoint()?;
        self.trim_spares(self.settings.journal_bytes);
        if self.owes_much() {
            self.reclaim()?;
        }
        self.rest(now)
    }

    /// Whether taking out what is settled is worth a commit.
    fn owes_much(&self) -> bool {
        let state = &self.shared.lock().state;
        !state.owing.is_empty() || state.rooms.owes() || REMOVALS < state.removals.len()
    }

    /// After a minute without anything stored, everything is moved out of the journal.
    fn rest(&self, now: Millis) -> Result<(), Halt> {
        {
            let stored = self.shared.lock().completed_batch;
            let mut idle = self.idle.lock();
            if idle.batch != stored {
                *idle = Idle { batch: stored, since: now, tidy: false };
            }
            if idle.tidy || now < idle.since.saturating_add(IDLE_MS) {
                return Ok(());
            }
        }
        self.checkpoint_all()?;
        self.trim_spares(0);
        self.reclaim()?;
        self.archive.compact().map_err(|error| self.archive_failed(error))?;
        let stored = self.shared.lock().completed_batch;
        *self.idle.lock() = Idle { batch: stored, since: now, tidy: true };
        Ok(())
    }

    /// Gives spares back to the disk that are more than it takes to make the journal so large.
    fn trim_spares(&self, journal_bytes: u64) {
        let room = journal_bytes.saturating_sub(self.journal.lock().bytes());
        self.spares.trim((room / self.settings.segment_bytes) as usize);
    }

    /// How long until the store has rested for long enough, if it has not been put in order since.
    pub(super) fn rest_due(&self, now: Millis, shared: &Shared) -> Option<Millis> {
        let idle = self.idle.lock();
        if idle.tidy && idle.batch == shared.completed_batch {
            return None;
        }
        Some(idle.since.saturating_add(IDLE_MS).saturating_sub(now).min(IDLE_MS))
    }
}

/// Idle for so long.
const IDLE_MS: Millis = 60_000;
/// So many endings are taken out of the archive together.
const REMOVALS: usize = 1024;
