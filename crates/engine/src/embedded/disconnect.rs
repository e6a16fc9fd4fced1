//! A session leaves: what it had in flight waits again, its outbox is free, and the identity's time begins to run when
//! it was the last one. Nothing is answered; the record trails.

use super::Shared;
use super::group::Placed;
use super::records::kind;
use super::submit::Step;
use crate::api::Disconnect;
use crate::disk::Disk;

impl<D: Disk> Step<'_, D> {
    pub(super) fn disconnect(&mut self, disconnect: &Disconnect) {
        let now = self.now;
        let writable = self.admits(SEEN_BYTES);
        self.release(disconnect);
        let Shared { state, group, .. } = &mut *self.shared;
        let number = disconnect.identity.0;
        let Some(identity) = state.identities.get_mut(&number) else { return };
        let index = usize::from(disconnect.reader.index);
        if let Some(reader) = identity.mailbox.readers.get_mut(index) {
            disconnect.unacked.iter().for_each(|(seq, attempts)| reader.came_back(*seq, *attempts));
        }
        let mailbox = &mut identity.mailbox;
        if mailbox.depart(disconnect.reader.index, now)
            && !mailbox.is_dirty(disconnect.reader.index)
        {
            mailbox.mark_dirty(disconnect.reader.index);
            group.dirty.push((number, disconnect.reader.index));
        }
        identity.connections = identity.connections.saturating_sub(1);
        if identity.connections != 0 {
            return;
        }
        if !identity.stored {
            return state.remove(number);
        }
        // What came again before was known to wait already.
        let first = disconnect.unacked.iter().filter(|(_, attempts)| *attempts <= 1);
        self.engine.note_archived(first.count() as u64);
        identity.last_seen = now;
        state.ends.insert((identity.end(&state.limits), number));
        identity.mailbox.detach_all();
        if writable {
            let seen = identity.seen();
            group.record(kind::SEEN, Some(Placed::Seen(number)), |into| seen.encode(into));
        }
        state.owe_archived(number, None, now);
        self.have_receipts_written();
    }

    /// The outbox is free, unless another connection has taken it since.
    fn release(&mut self, disconnect: &Disconnect) {
        let (session, now) = (self.tag.session, self.now);
        let state = &mut self.shared.state;
        if let Some(outbox) = disconnect.outbox.and_then(|key| state.outbox(key)) {
            outbox.release(session);
            state.forget_outboxes(disconnect.identity.0, now);
        }
    }
}

/// What a seen record takes.
const SEEN_BYTES: usize = 64;
