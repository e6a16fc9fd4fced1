//! What the engine holds and has done, for whoever asks now and then. Sums are kept; nothing is counted here.

use super::Embedded;
use crate::disk::Disk;

/// The engine at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Identities held, ended claims and names with mail but no holder included.
    pub identities: usize,
    /// Outboxes that are remembered.
    pub outboxes: usize,
    /// Messages that wait, those on their way to the disk included.
    pub messages: u64,
    /// Their bytes: names and bodies.
    pub bytes: u64,
    /// Of the messages, those in memory; the others are in the archive.
    pub in_memory: u64,
    /// Bytes of memory that those take, about: what `index_bytes` of the settings bounds.
    pub index_bytes: u64,
    /// Bytes of the messages for names that nobody holds yet.
    pub unclaimed_bytes: u64,
    /// Rooms that have a log.
    pub rooms: usize,
    /// Devices of durable members of rooms.
    pub room_members: usize,
    /// Rejected messages that are kept aside.
    pub dead: usize,
    /// Commits since the store was opened, those of trailing acks included.
    pub commits: u64,
    /// Bytes of the journal's segments in use.
    pub journal_bytes: u64,
    /// Bytes of its spare segments.
    pub spare_bytes: u64,
    /// Bytes of the archive on the disk.
    pub archive_bytes: u64,
    /// No write is taken until the store is opened anew.
    pub poisoned: bool,
    /// The last spare segment could not be made: the disk is full.
    pub disk_full: bool,
}

impl<D: Disk> Embedded<D> {
    /// So many messages begin to wait: whoever watches is told.
    pub(super) fn note_archived(&self, messages: u64) {
        if let (1.., Some(observer)) = (messages, &self.observer) {
            observer.archived(messages);
        }
    }

    /// The engine at this moment. Waits for a write that is under way.
    pub fn stats(&self) -> Stats {
        // Looked up in its directory, without a lock of the engine's.
        let archive_bytes = self.archive.usage().disk_bytes;
        let journal_bytes = self.journal.lock().bytes();
        let shared = self.shared.lock();
        let (state, group) = (&shared.state, &shared.group);
        Stats {
            identities: state.identities.len(),
            outboxes: state.outboxes.len(),
            messages: state.waiting,
            bytes: state.waiting_bytes,
            in_memory: state.in_memory,
            index_bytes: state.index_bytes(),
            unclaimed_bytes: state.unclaimed_bytes,
            rooms: state.rooms.len(),
            room_members: state.rooms.seats_len(),
            dead: state.dead.len(),
            commits: group.stored,
            journal_bytes,
            spare_bytes: self.spares.bytes(),
            archive_bytes,
            poisoned: group.poisoned,
            disk_full: group.disk_full,
        }
    }
}
