//! Taking out of the archive what all readers have settled: in bulk, some time after it was settled. Until then only
//! positions say that it is gone.

use std::ops::ControlFlow;

use ackd_wire::Seq;

use super::archive::{Halt, put_header};
use super::log::Moved;
use super::records::MessageRecord;
use super::{Embedded, keys};
use crate::archive::ArchiveBatch;
use crate::disk::Disk;

/// What one log gives back.
struct Reclaimed {
    log: u64,
    /// These numbers were looked at.
    ranges: Vec<(Seq, Seq)>,
    /// Their messages that were still there.
    gone: Vec<Moved>,
    low: Seq,
}

impl<D: Disk + Clone> Embedded<D> {
    /// Takes out everything that is settled.
    pub(super) fn reclaim(&self) -> Result<(), Halt> {
        let _one_at_a_time = self.archiver.lock();
        loop {
            let owing: Vec<u64> = {
                let shared = self.shared.lock();
                shared.state.owing.iter().copied().take(LOGS).collect()
            };
            if owing.is_empty() {
                self.reclaim_rooms()?;
                return self.remove_ended();
            }
            let mut batch = ArchiveBatch::new();
            let mut reclaimed = Vec::new();
            for log in owing {
                let one = self.settled_of(log, &mut batch)?;
                reclaimed.extend(one);
                if BATCH_BYTES < batch.bytes() {
                    break;
                }
            }
            self.put_reclaimed(&mut reclaimed, &mut batch);
            self.write_archive(&mut batch)?;
            self.apply(&reclaimed);
        }
    }

    /// What is settled in a log and still there; a bounded part of it.
    fn settled_of(&self, log: u64, batch: &mut ArchiveBatch) -> Result<Option<Reclaimed>, Halt> {
        let settled: Vec<(Seq, Seq)> = {
            let mut shared = self.shared.lock();
            let state = &mut shared.state;
            let archived =
                state.identities.get(&log).and_then(|identity| identity.mailbox.archived());
            let settled = archived.map(|archived| archived.settled.iter().collect());
            let settled: Vec<_> = settled.unwrap_or_default();
            if settled.is_empty() {
                state.owing.remove(&log);
                return Ok(None);
            }
            settled
        };
        let mut one = Reclaimed { log, ranges: Vec::new(), gone: Vec::new(), low: 0 };
        for (start, end) in settled {
            let reached = self.settled_within(&mut one, (start, end), batch)?;
            one.ranges.push((start, reached));
            if MESSAGES <= one.gone.len() {
                break;
            }
        }
        Ok(Some(one))
    }

    /// Collects what is there of a range. How far it came.
    fn settled_within(
        &self,
        one: &mut Reclaimed,
        (start, end): (Seq, Seq),
        batch: &mut ArchiveBatch,
    ) -> Result<Seq, Halt> {
        let mut reached = end;
        let from = keys::placed(keys::MESSAGE, one.log, start);
        let to = keys::placed(keys::MESSAGE, one.log, end + 1);
        let scanned = self.archive.scan(&from, &to, &mut |key, value| {
            let Ok(MessageRecord { seq, sender, text, .. }) = MessageRecord::decode(value) else {
                return ControlFlow::Continue(());
            };
            batch.remove(key);
            let bytes = text[0].len() as u64;
            one.gone.push(Moved { seq, sender, bytes, wanted: false, told: false });
            if one.gone.len() < MESSAGES {
                return ControlFlow::Continue(());
            }
            reached = seq;
            ControlFlow::Break(())
        });
        scanned.map_err(|error| self.archive_failed(error))?;
        Ok(reached)
    }

    /// The logs' records as they will be.
    fn put_reclaimed(&self, reclaimed: &mut [Reclaimed], batch: &mut ArchiveBatch) {
        let shared = self.shared.lock();
        for one in reclaimed {
            let Some(identity) = shared.state.identities.get(&one.log) else { continue };
            let log = &identity.mailbox;
            one.low = log.low_without(&one.ranges);
            put_header(one.log, log, &log.archived_without(&one.gone, one.low), batch);
        }
    }

    fn apply(&self, reclaimed: &[Reclaimed]) {
        let state = &mut self.shared.lock().state;
        for Reclaimed { log, ranges, gone, low } in reclaimed {
            let owes = state.change_log(*log, |log| {
                log.reclaimed(gone, ranges, *low);
                log.owes()
            });
            if owes == Some(false) {
                state.owing.remove(log);
            }
        }
    }
}

/// Logs looked at in one go.
const LOGS: usize = 1024;
/// Messages of one log taken out in one go.
const MESSAGES: usize = 16 * 1024;
/// So many bytes of keys are removed in one go.
const BATCH_BYTES: usize = 512 * 1024;
