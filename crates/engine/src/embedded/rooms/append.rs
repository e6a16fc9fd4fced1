//! A send to a room: written to its log where it has durable members, else only decided, and delivered from memory by
//! whoever asked.

use crate::api::{Answer, Append, Recipient, Refusal};
use crate::disk::Disk;
use crate::embedded::append::{RECORD_BYTES, scope};
use crate::embedded::group::Pending;
use crate::embedded::outbox::Verdict;
use crate::embedded::submit::Step;

impl<D: Disk> Step<'_, D> {
    /// `live`: the caller delivers it where nothing is stored.
    pub(in crate::embedded) fn append_to_room(
        &mut self,
        append: &Append<'_>,
        (name, live): (&str, bool),
    ) {
        let room = self.shared.state.rooms.by_name(name).filter(|room| room.members != 0);
        let log = room.map(|room| room.number);
        if let Some((outbox, n)) = append.number {
            match self.look_up(outbox, n, Some(log.unwrap_or_else(|| scope(name)))) {
                Verdict::New => {}
                Verdict::Repeat => return self.repeat(outbox, n),
                Verdict::Refused(Refusal::Refused) if log.is_none() && append.refusal.is_none() => {
                    return self.refuse(Refusal::OutcomeUnknown);
                }
                Verdict::Refused(refusal) => return self.refuse(refusal),
            }
        }
        let decided = match (append.refusal, log) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(log)) => self.store_in_room(append, log),
            (None, None) if live => return self.pass_to_room(append, name),
            (None, None) => {
                Err(Refusal::Forbidden("a room without durable members takes `miss` or `never`"))
            }
        };
        if let Err(refusal) = decided {
            self.refuse_number(append.number, refusal);
        }
    }

    fn store_in_room(&mut self, append: &Append<'_>, log: u64) -> Result<(), Refusal> {
        let sender = self.sender(append)?;
        let bytes = sender.id.len() + append.room.len() + append.body.bytes.len();
        let record_bytes =
            bytes + self.first_records_bytes(append.number, None) as usize + RECORD_BYTES;
        if !self.admits(record_bytes) {
            return Err(self.no_room(record_bytes));
        }
        let id = self.id_of(append);
        self.store_outbox(append.number, log);
        let admitted = self.shared.state.rooms.change(log, |room| {
            room.next_seq += 1;
            room.next_seq - 1
        });
        let seq = admitted.ok_or(Refusal::NotAMember)?;
        self.write_message(append, (log, seq, id), &sender);
        let recipient = Recipient::Unasked;
        self.shared.group.answer(self.tag, Pending::Accepted { id, dup: false, recipient });
        self.shared.group.sync = true;
        Ok(())
    }

    /// A number, if it has one, is taken; nothing is stored.
    fn pass_to_room(&mut self, append: &Append<'_>, name: &str) {
        let id = self.id_of(append);
        if let Some((outbox, n)) = append.number
            && let Some(outbox) = self.shared.state.outbox(outbox)
        {
            outbox.accept(n, scope(name));
            outbox.last_used = self.now;
        }
        self.answer(Answer::Accepted { id, dup: false, recipient: Recipient::Live });
    }
}
