//! Storing a message: its number, its recipient, the limits; then its place in the log and its record.

use ackd_wire::v1::EndReason;
use ackd_wire::{ClientId, MessageId, Seq};

use super::Shared;
use super::group::{Appended, Group, Pending, Placed};
use super::outbox::{Outbox, Verdict};
use super::receipts::{self, told_at_once, told_bytes};
use super::records::{MessageRecord, kind};
use super::submit::Step;
use crate::api::{
    Append, Lengths, LogKey, Message, OutboxKey, Pass, Recipient, Refusal, Target, Unknown,
};
use crate::disk::Disk;

/// Who a message is from, as the record says it.
pub(super) struct Sender {
    pub(super) number: u64,
    pub(super) id: ClientIdText,
}

/// A copy of a name: what it is borrowed from changes while the record is written.
pub(super) type ClientIdText = smallvec::SmallVec<[u8; 128]>;

impl<D: Disk> Step<'_, D> {
    pub(super) fn append(&mut self, append: &Append<'_>) {
        if let Target::Room { name, live } = append.to {
            return self.append_to_room(append, (name, live));
        }
        let log = self.resolve(append.to);
        if let Some((outbox, n)) = append.number {
            match self.look_up(outbox, n, log) {
                Verdict::New => {}
                Verdict::Repeat => return self.repeat(outbox, n),
                Verdict::Refused(refusal) => return self.refuse(refusal),
            }
        }
        match self.check(append, log) {
            Ok((log, sender)) => self.store(append, log, &sender),
            Err(refusal) => self.refuse_number(append.number, refusal),
        }
    }

    /// A number that is decided here and delivered from memory elsewhere.
    pub(super) fn pass(&mut self, pass: &Pass<'_>) {
        let (outbox, n) = pass.number;
        let scope = scope(pass.scope);
        match self.look_up(outbox, n, Some(scope)) {
            Verdict::New => {}
            Verdict::Repeat => return self.repeat(outbox, n),
            Verdict::Refused(Refusal::Refused) if pass.refusal.is_none() => {
                return self.refuse(Refusal::OutcomeUnknown);
            }
            Verdict::Refused(refusal) => return self.refuse(refusal),
        }
        if let Some(refusal) = pass.refusal {
            return self.refuse_number(Some(pass.number), refusal);
        }
        let id = self.numbered_id(outbox, n);
        if let Some(outbox) = self.shared.state.outbox(outbox) {
            outbox.accept(n, scope);
            outbox.last_used = self.now;
        }
        let (dup, recipient) = (false, Recipient::Unasked);
        self.answer(crate::api::Answer::Accepted { id, dup, recipient });
    }

    fn resolve(&mut self, to: Target<'_>) -> Option<u64> {
        let state = &mut self.shared.state;
        let identity = match to {
            Target::Mailbox(LogKey(log)) => state.identities.get_mut(&log)?,
            Target::Name(name) => state.by_name(name)?,
            Target::Room { .. } => return None,
        };
        (!identity.ended).then_some(identity.number)
    }

    pub(super) fn look_up(&mut self, key: OutboxKey, n: u64, scope: Option<u64>) -> Verdict {
        if self.shared.group.poisoned {
            // What memory says may not be on the disk: it is open until the restart.
            return Verdict::Refused(Refusal::StoreUnavailable);
        }
        let session = self.tag.session;
        match self.shared.state.outbox(key) {
            Some(outbox) => outbox.look_up(session, n, scope),
            None => Verdict::Refused(Refusal::OutboxTaken),
        }
    }

    /// A repeat is answered when what it repeats is stored.
    pub(super) fn repeat(&mut self, key: OutboxKey, n: u64) {
        let id = self.numbered_id(key, n);
        let group = self.shared.state.outbox(key).map_or(0, |outbox| outbox.group);
        let (dup, recipient) = (true, Recipient::Unasked);
        if group <= self.shared.group.stored {
            return self.answer(crate::api::Answer::Accepted { id, dup, recipient });
        }
        self.shared.group.answer(self.tag, Pending::Accepted { id, dup, recipient });
    }

    fn numbered_id(&mut self, key: OutboxKey, n: u64) -> MessageId {
        let state = &self.shared.state;
        let outbox = state.outboxes.get(&key.0);
        let identity = outbox.and_then(|outbox| state.identities.get(&outbox.identity));
        match (identity, outbox) {
            (Some(identity), Some(outbox)) => {
                MessageId::derive(identity.id.as_str(), outbox.name.as_str(), n)
            }
            _ => MessageId([0; 16]),
        }
    }

    pub(super) fn refuse_number(&mut self, number: Option<(OutboxKey, u64)>, refusal: Refusal) {
        if let Some((outbox, n)) = number
            && let Some(outbox) = self.shared.state.outbox(outbox)
        {
            outbox.refuse(n, refusal);
        }
        self.refuse(refusal);
    }

    /// All that speaks against storing it; nothing has changed yet but, for mail to nobody, the name's having mail.
    fn check(&mut self, append: &Append<'_>, log: Option<u64>) -> Result<(u64, Sender), Refusal> {
        if let Some(refusal) = append.refusal {
            return Err(refusal);
        }
        let sender = self.sender(append)?;
        let bytes = text_bytes(append, &sender);
        if let Some(log) = log {
            self.check_limits(log, sender.number, bytes)?;
            self.make_room(log, bytes);
        }
        let told = if append.receipt { told_bytes(append.mark) } else { 0 };
        let more = self.first_records_bytes(append.number, log) + told;
        let record_bytes = (bytes + more) as usize + RECORD_BYTES;
        if !self.admits(record_bytes) {
            return Err(self.no_room(record_bytes));
        }
        let log = match (log, append.to, append.unknown) {
            (Some(log), _, _) => log,
            (None, Target::Name(name), Unknown::Keep) => self.unheld(name, bytes)?,
            _ => return Err(Refusal::UnknownRecipient),
        };
        Ok((log, sender))
    }

    /// What the journal has to know before the message: whose mailbox and whose outbox it is.
    pub(super) fn first_records_bytes(
        &self,
        number: Option<(OutboxKey, u64)>,
        log: Option<u64>,
    ) -> u64 {
        let state = &self.shared.state;
        let outbox = number.and_then(|(key, _)| state.outboxes.get(&key.0));
        let identity = |number: u64| {
            let identity = state.identities.get(&number).filter(|identity| !identity.stored);
            identity.map_or(0, |identity| IDENTITY_BYTES + identity.mailbox.header_bytes())
        };
        let new_outbox = outbox.filter(|outbox| !outbox.stored).map_or(0, Outbox::record_bytes);
        new_outbox + outbox.map_or(0, |outbox| identity(outbox.identity)) + log.map_or(0, identity)
    }

    pub(super) fn sender(&mut self, append: &Append<'_>) -> Result<Sender, Refusal> {
        let state = &mut self.shared.state;
        if let Some(key) = append.sender {
            let sender = state.identity(key).ok_or(Refusal::UnknownIdentity)?;
            return Ok(Sender { number: sender.number, id: sender.id.as_str().as_bytes().into() });
        }
        let number = state.names.get(append.from).copied().unwrap_or(0);
        Ok(Sender { number, id: append.from.as_bytes().into() })
    }

    fn check_limits(&mut self, log: u64, sender: u64, bytes: u64) -> Result<(), Refusal> {
        let state = &mut self.shared.state;
        let limits = &state.limits;
        let identity = state.identities.get(&log).ok_or(Refusal::UnknownRecipient)?;
        let mailbox = &identity.mailbox;
        let full =
            |sender| Refusal::MailboxFull { sender, retry_after_ms: limits.full_retry_after_ms };
        let (messages_max, sender_max) =
            (u64::from(limits.mailbox_messages), u64::from(limits.mailbox_sender_messages));
        let is_near = messages_max <= mailbox.waiting()
            || limits.mailbox_bytes < mailbox.waiting_bytes() + bytes
            || sender_max <= mailbox.sent_by(sender);
        if is_near {
            let unacked = mailbox.unacked(sender);
            if messages_max <= unacked.messages || limits.mailbox_bytes < unacked.bytes + bytes {
                return Err(full(false));
            }
            if sender_max <= unacked.sent {
                return Err(full(true));
            }
        }
        let unclaimed = identity.secret.is_none();
        if unclaimed && limits.unclaimed_bytes < state.unclaimed_bytes + bytes {
            return Err(full(false));
        }
        Ok(())
    }

    /// For devices that lag as much again is kept as for the first; what is oldest of it ends.
    fn make_room(&mut self, log: u64, bytes: u64) {
        loop {
            let state = &mut self.shared.state;
            let limits = &state.limits;
            let (messages_max, bytes_max) =
                (2 * u64::from(limits.mailbox_messages), limits.mailbox_bytes.saturating_mul(2));
            let Some(identity) = state.identities.get(&log) else { return };
            let mailbox = &identity.mailbox;
            let (messages, waiting_bytes) = mailbox.messages();
            if messages < messages_max && waiting_bytes + bytes <= bytes_max {
                return;
            }
            let oldest = mailbox.oldest_lagging((messages_max / 64).clamp(1, 1024) as usize);
            let lost = (log, oldest.as_slice(), EndReason::Full);
            if oldest.is_empty() || !self.engine.lose(self.shared, lost, self.outcome) {
                return;
            }
        }
    }

    /// Mail for a name that nobody holds waits for whoever claims it.
    fn unheld(&mut self, name: &str, bytes: u64) -> Result<u64, Refusal> {
        let id = ClientId::parse(name).map_err(|_| Refusal::UnknownRecipient)?;
        let state = &mut self.shared.state;
        if state.names.contains_key(name) {
            return Err(Refusal::UnknownRecipient); // a claimed name that has ended
        }
        let limits = &state.limits;
        if limits.unclaimed_bytes < state.unclaimed_bytes + bytes {
            let retry_after_ms = limits.full_retry_after_ms;
            return Err(Refusal::MailboxFull { sender: false, retry_after_ms });
        }
        Ok(state.insert(id, self.now).number)
    }

    fn store(&mut self, append: &Append<'_>, log: u64, sender: &Sender) {
        self.store_identity(log);
        let id = self.id_of(append);
        self.store_outbox(append.number, log);
        let bytes = text_bytes(append, sender);
        let now = self.now;
        let state = &mut self.shared.state;
        let admitted = state.change_log(log, |log| log.admit(sender.number, bytes));
        let (Some(seq), Some(identity)) = (admitted, state.identities.get_mut(&log)) else {
            return;
        };
        if identity.secret.is_none() {
            state.ends.remove(&(identity.end(&state.limits), log));
            identity.last_seen = now;
            state.ends.insert((identity.end(&state.limits), log));
        }
        let recipient = match (identity.secret, identity.connections) {
            (None, _) => Recipient::Unclaimed,
            (_, 0) => Recipient::Away,
            _ => Recipient::Here,
        };
        self.write_message(append, (log, seq, id), sender);
        if append.receipt && recipient != Recipient::Here {
            self.tell_at_once(append, (log, seq, id), sender.number);
        }
        self.shared.group.answer(self.tag, Pending::Accepted { id, dup: false, recipient });
        // Nobody may wait for the answer, but whoever reads the mailbox waits for the message.
        self.shared.group.sync = true;
    }

    /// The message's ID: what it has, or what its number says, or a new one.
    pub(super) fn id_of(&mut self, append: &Append<'_>) -> MessageId {
        match (append.id, append.number) {
            (Some(id), _) => id,
            (None, Some((outbox, n))) => self.numbered_id(outbox, n),
            (None, None) => self.shared.state.message_id(self.now),
        }
    }

    /// Writes the record of a message that has its place.
    pub(super) fn write_message(
        &mut self,
        append: &Append<'_>,
        (log, seq, id): (u64, Seq, MessageId),
        sender: &Sender,
    ) {
        let number = append.number.map_or((0, 0), |(outbox, n)| (outbox.0, n));
        let ttl_max = self.shared.state.limits.message_ttl_ms;
        let ttl_ms = append.ttl_ms.unwrap_or(ttl_max).min(ttl_max);
        let mark = append.mark.filter(|_| append.receipt);
        let mark_bytes = mark.map(|mark| mark.len() as u16);
        let record = MessageRecord {
            log,
            seq,
            id,
            at: self.now,
            ttl_ms,
            sender: sender.number,
            outbox: number.0,
            n: number.1,
            encoding: append.body.encoding,
            address: append.address,
            receipt: append.receipt,
            told: 0,
            lengths: Lengths {
                from: sender.id.len() as u8,
                room: append.room.len() as u8,
                mark: mark_bytes,
            },
            text: [
                &sender.id,
                append.room.as_bytes(),
                mark.unwrap_or_default().as_bytes(),
                append.body.bytes,
            ],
        };
        write(&mut self.shared.group, &record);
    }

    /// Its recipient is away: the sender learns with the next group already that it waits.
    fn tell_at_once(&mut self, append: &Append<'_>, of: (u64, Seq, MessageId), sender: u64) {
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(identity) = state.identities.get(&of.0) else { return };
        let n = append.number.map_or(0, |(_, n)| n);
        let owed = told_at_once(of, (sender, n, append.mark), identity.id.clone(), self.now);
        if let Some(owner) = receipts::write((state, group), &owed, self.outcome) {
            self.engine.limit_receipts(self.shared, owner, self.outcome);
        }
    }

    /// The recipient must be known to the journal before its mail is.
    pub(super) fn store_identity(&mut self, number: u64) {
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(identity) = state.identities.get_mut(&number) else { return };
        if identity.stored {
            return;
        }
        identity.stored = true;
        let (record, header) = (identity.record(), identity.mailbox.header(number));
        group.record(kind::IDENTITY, Some(Placed::Identity(number)), |into| record.encode(into));
        group.record(kind::HEADER, Some(Placed::Header(number)), |into| header.encode(into));
    }

    pub(super) fn store_outbox(&mut self, number: Option<(OutboxKey, u64)>, log: u64) {
        let Some((key, n)) = number else { return };
        let Some(outbox) = self.shared.state.outboxes.get(&key.0) else { return };
        let identity = outbox.identity;
        self.store_identity(identity);
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(outbox) = state.outboxes.get_mut(&key.0) else { return };
        if !outbox.stored {
            outbox.stored = true;
            let record = outbox.record();
            group.record(kind::OUTBOX, Some(Placed::Outbox(key.0)), |into| record.encode(into));
        }
        outbox.accept(n, log);
        outbox.group = group.number;
        outbox.last_used = self.now;
    }
}

/// Puts a message in the group.
pub(super) fn write(group: &mut Group, record: &MessageRecord<'_>) {
    let whole = group.record(kind::MESSAGE, None, |into| record.encode(into));
    let text = whole.end - record.text_bytes()..whole.end;
    let (message, lengths) = (message(record), record.lengths);
    let number = (record.outbox, record.n);
    let (log, sender, told) = (record.log, record.sender, record.told);
    group.appended.push(Appended { log, message, lengths, text, sender, number, told });
}

/// What a message counts.
fn text_bytes(append: &Append<'_>, sender: &Sender) -> u64 {
    let mark = append.mark.filter(|_| append.receipt).map_or(0, str::len);
    (sender.id.len() + append.room.len() + mark + append.body.bytes.len()) as u64
}

/// A message as its record says, without its text.
pub(super) fn message(record: &MessageRecord<'_>) -> Message {
    Message::without_text(
        (record.seq, record.id),
        (record.at, record.at.saturating_add(record.ttl_ms)),
        (record.encoding, record.address),
        record.receipt,
    )
}

/// Order counts within a room, or within `all`: numbers that no log has (FNV-1a, marked by the top bit).
pub(super) fn scope(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash | 1 << 63
}

/// What a message's records take beside its text, those of a new name without a holder included.
pub(super) const RECORD_BYTES: usize = 768;
/// What an identity's record takes.
const IDENTITY_BYTES: u64 = 256;
