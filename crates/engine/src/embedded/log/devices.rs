//! When the devices of a mailbox were used last, and which of them are forgotten for it.

use ackd_wire::{Millis, Seq};

use super::{Log, Reader};

impl Log {
    /// One more connection of this device. Whether that is to be recorded: a device alone lives as long as its identity.
    pub(in crate::embedded) fn arrive(&mut self, index: u16) -> bool {
        let others = self.has_others();
        let Some(reader) = self.readers.get_mut(usize::from(index)) else { return false };
        reader.here += 1;
        reader.used = Millis::MAX;
        reader.here == 1 && others
    }

    /// One less. Whether that is to be recorded.
    pub(in crate::embedded) fn depart(&mut self, index: u16, now: Millis) -> bool {
        let others = self.has_others();
        let Some(reader) = self.readers.get_mut(usize::from(index)) else { return false };
        reader.here = reader.here.saturating_sub(1);
        if reader.here == 0 {
            reader.used = now;
        }
        reader.here == 0 && others
    }

    /// Devices that are not forgotten.
    pub(in crate::embedded) fn devices(&self) -> impl Iterator<Item = &Reader> {
        self.readers.iter().filter(|reader| !reader.gone)
    }

    fn has_others(&self) -> bool {
        1 < self.devices().take(2).count()
    }

    /// Forgets devices that were not used since then, but for the one used last. Whether there were any.
    pub(in crate::embedded) fn forget_devices(&mut self, since: Millis) -> bool {
        let Some(newest) = self.devices().map(|reader| reader.used).max() else { return false };
        let unused = |reader: &Reader| {
            !reader.gone && reader.here == 0 && reader.used <= since && reader.used < newest
        };
        if !self.readers.iter().any(unused) {
            return false;
        }
        for reader in self.readers.iter_mut().filter(|reader| unused(reader)) {
            reader.gone = true;
            reader.attempts.clear();
        }
        self.drop_over(0, Seq::MAX);
        self.owe(0, Seq::MAX);
        self.forget_lost();
        true
    }

    /// The server starts, and nobody is here. Who was when it stopped was until now; a device alone is as old as its identity.
    pub(in crate::embedded) fn all_away(&mut self, now: Millis, last_seen: Millis) {
        let others = self.has_others();
        for reader in &mut self.readers {
            match reader.used {
                Millis::MAX => reader.used = now,
                0 => reader.used = last_seen,
                _ if !others => reader.used = last_seen,
                _ => {}
            }
        }
    }

    /// What a record says of it: nothing where it is the only device.
    pub(super) fn used_on_disk(&self, reader: &Reader) -> Millis {
        if self.has_others() { reader.used } else { 0 }
    }
}
