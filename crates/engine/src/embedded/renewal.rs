//! New epochs for every log of a store that may have been rolled back. A file beside the journal orders it; it is there
//! until the new epochs are durable, so a crash in between only makes for newer ones.

use std::io;

use super::group::Placed;
use super::open_error::OpenError;
use super::records::kind;
use super::{Embedded, Shared};
use crate::disk::{Disk, DiskFile};

/// That every epoch is to be renewed at the next start.
pub(crate) struct Renewal;

impl Renewal {
    /// Orders it, durably.
    pub(crate) fn order<D: Disk>(disk: &D) -> io::Result<()> {
        if !Self::is_ordered(disk)? {
            disk.create(FILE)?.sync_data()?;
        }
        disk.sync_dir()
    }

    pub(super) fn is_ordered<D: Disk>(disk: &D) -> io::Result<bool> {
        Ok(disk.list()?.iter().any(|name| name == FILE))
    }

    fn done<D: Disk>(disk: &D) -> io::Result<()> {
        disk.remove(FILE)?;
        disk.sync_dir()
    }
}

impl<D: Disk + Clone> Embedded<D> {
    /// Does what was ordered. Nobody has been served before it returns.
    pub(super) fn renew_as_ordered(&self, disk: &D) -> Result<(), OpenError> {
        self.renew_epochs();
        let mut left = usize::MAX;
        while left != 0 {
            self.make_durable().map_err(io::Error::other)?;
            let before = left;
            left = self.shared.lock().group.rooms.logs.len();
            if before <= left {
                return Err(io::Error::from(io::ErrorKind::StorageFull).into());
            }
        }
        Ok(Renewal::done(disk)?)
    }

    /// The store may have lost its last writes: no `seq` that was given may be given again.
    pub(super) fn renew_epochs(&self) {
        let mut numbers: Vec<u64> = self.shared.lock().state.identities.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            let mut shared = self.shared.lock();
            let epoch = shared.state.random_u64();
            let Shared { state, group, .. } = &mut *shared;
            let Some(identity) = state.identities.get_mut(&number) else { continue };
            identity.mailbox.renew(epoch);
            let header = identity.mailbox.header(number);
            let placed = Some(Placed::Header(number));
            group.record(kind::HEADER, placed, |into| header.encode(into));
            if !group.fits(RENEWAL_BYTES, 0) {
                drop(shared);
                self.commit_with(true);
            }
        }
        self.commit_with(true);
        self.renew_rooms();
    }

    fn renew_rooms(&self) {
        let numbers = self.shared.lock().state.rooms.numbers();
        for number in numbers {
            let shared = &mut *self.shared.lock();
            let epoch = shared.state.random_u64();
            shared.state.rooms.change(number, |room| room.renew(epoch));
            shared.group.rooms.logs.insert(number);
        }
        self.commit_with(true);
    }
}

/// Beside the journal's segments, whose names are others.
const FILE: &str = "renew-epochs";
/// Room for the next header.
const RENEWAL_BYTES: u64 = 8 * 1024;
