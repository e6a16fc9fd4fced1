//! Entering an identity: by its secret, by claiming its name, or as a new one. Nothing is answered before it is stored.

use ackd_wire::{ClientId, Epoch, Token, TokenHash};

use super::Shared;
use super::group::{Pending, Placed};
use super::log::Reader;
use super::outbox::Outbox;
use super::records::{SeenRecord, kind};
use super::state::State;
use super::submit::Step;
use crate::api::{
    Answer, Connect, Connected, Credential, IdentityKey, LogKey, OutboxKey, ReaderKey, Refusal,
};
use crate::disk::Disk;

/// An identity that may be entered.
struct Entry {
    number: u64,
    new: bool,
    /// The secret that was made here.
    token: Option<Token>,
    /// Whether its record has changed.
    changed: bool,
}

impl<D: Disk> Step<'_, D> {
    pub(super) fn connect(&mut self, connect: &Connect<'_>) {
        match self.enter(connect) {
            Ok((connected, stored)) => {
                if stored {
                    self.shared.group.answer(self.tag, Pending::Connected(connected));
                } else {
                    self.answer(Answer::Connected(connected));
                }
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn enter(&mut self, connect: &Connect<'_>) -> Result<(Box<Connected>, bool), Refusal> {
        if !self.admits(CONNECT_BYTES) {
            return Err(Refusal::StoreUnavailable);
        }
        let entry = self.authorise(&connect.credential)?;
        let index = self.reader(entry.number, connect)?;
        let outbox = self.take_outbox(entry.number, connect)?;
        let renewed = self.position(entry.number, index, connect);
        let number = entry.number;
        let fresh = matches!(connect.credential, Credential::Fresh);
        if entry.changed && !fresh {
            self.write_identity(number);
        }
        if renewed && !fresh {
            self.write_header(number);
        }
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(identity) = state.identities.get_mut(&number) else {
            return Err(Refusal::UnknownIdentity);
        };
        state.ends.remove(&(identity.end(&state.limits), number));
        identity.connections += 1;
        identity.last_seen = self.now;
        if identity.stored {
            let seen = SeenRecord { number, online: true, at: self.now };
            group.record(kind::SEEN, Some(Placed::Seen(number)), |into| seen.encode(into));
        }
        let connected = Connected {
            id: identity.id.clone(),
            token: entry.token,
            new: entry.new,
            identity: IdentityKey(number),
            reader: ReaderKey { log: LogKey(number), index },
            outbox: outbox.map(|(key, _)| key),
            epoch: Epoch(identity.mailbox.epoch),
            acked: 0,
            end: 0,
            pending: 0,
            sent: outbox.map_or(0, |(_, sent)| sent),
            expires: identity.end(&state.limits),
        };
        Ok((Box::new(connected), identity.stored))
    }

    fn authorise(&mut self, credential: &Credential<'_>) -> Result<Entry, Refusal> {
        match *credential {
            Credential::Issue | Credential::Fresh => Ok(self.issue()),
            Credential::Token(id, token) => self.by_token(id, &token.hash()),
            Credential::Claim(id, token) => self.claim(id, token.hash(), None),
            Credential::ClaimIssued(id) => {
                let token = Token::new(self.shared.state.random());
                if self.held(id) {
                    return Err(Refusal::Unauthorized);
                }
                self.claim(id, token.hash(), Some(token))
            }
            Credential::Open(id) => self.open_claim(id),
        }
    }

    fn issue(&mut self) -> Entry {
        let now = self.now;
        let state = &mut self.shared.state;
        let id = ClientId::issued(state.random());
        let token = Token::new(state.random());
        let identity = state.insert(id, now);
        identity.secret = Some(token.hash());
        Entry { number: identity.number, new: true, token: Some(token), changed: true }
    }

    /// Whether a secret guards the ID, of an ended claim too.
    fn held(&mut self, id: &ClientId) -> bool {
        self.end_if_due(id);
        self.shared.state.by_name(id.as_str()).is_some_and(|identity| identity.secret.is_some())
    }

    /// An identity whose time is over has ended, even if nobody has looked since.
    fn end_if_due(&mut self, id: &ClientId) {
        let Some(number) = self.shared.state.names.get(id.as_str()).copied() else { return };
        let state = &self.shared.state;
        let due = state.identities.get(&number).is_some_and(|identity| {
            identity.connections == 0 && !identity.ended && identity.end(&state.limits) <= self.now
        });
        if due {
            super::expire::end(self.shared, number);
        }
    }

    fn by_token(&mut self, id: &ClientId, hash: &TokenHash) -> Result<Entry, Refusal> {
        self.end_if_due(id);
        let identity = self.shared.state.by_name(id.as_str()).ok_or(Refusal::UnknownIdentity)?;
        let Some(secret) = identity.secret.filter(|_| !identity.ended) else {
            return Err(Refusal::UnknownIdentity);
        };
        let number = identity.number;
        let entry = |changed| Entry { number, new: false, token: None, changed };
        if secret == *hash {
            return Ok(entry(false));
        }
        if identity.next_secret == Some(*hash) {
            identity.secret = identity.next_secret.take();
            return Ok(entry(true));
        }
        Err(Refusal::Unauthorized)
    }

    /// A name that nobody holds is the claimant's from now on; a held one is entered if the secret is its own.
    fn claim(
        &mut self,
        id: &ClientId,
        hash: TokenHash,
        token: Option<Token>,
    ) -> Result<Entry, Refusal> {
        self.end_if_due(id);
        let now = self.now;
        let state = &mut self.shared.state;
        let Some(number) = state.names.get(id.as_str()).copied() else {
            let identity = state.insert(id.clone(), now);
            (identity.secret, identity.claimed) = (Some(hash), true);
            return Ok(Entry { number: identity.number, new: true, token, changed: true });
        };
        let epoch = state.random_u64();
        let State { identities, unclaimed_bytes, ends, limits, .. } = state;
        let identity = identities.get_mut(&number).ok_or(Refusal::UnknownIdentity)?;
        match identity.secret {
            None => {
                *unclaimed_bytes -= identity.unclaimed_bytes();
                ends.remove(&(identity.end(limits), number));
                (identity.secret, identity.claimed) = (Some(hash), true);
                Ok(Entry { number, new: true, token, changed: true })
            }
            Some(secret) if identity.ended && secret == hash => {
                identity.ended = false;
                identity.mailbox.renew(epoch);
                Ok(Entry { number, new: true, token, changed: true })
            }
            Some(_) if identity.ended => Err(Refusal::Unauthorized),
            Some(_) => self.by_token(id, &hash),
        }
    }

    /// The original server's way: whoever knows the name.
    fn open_claim(&mut self, id: &ClientId) -> Result<Entry, Refusal> {
        let token = Token::new(self.shared.state.random());
        if !self.held(id) {
            return self.claim(id, token.hash(), Some(token));
        }
        let epoch = self.shared.state.random_u64();
        let identity = self.shared.state.by_name(id.as_str()).ok_or(Refusal::UnknownIdentity)?;
        let revived = std::mem::take(&mut identity.ended);
        if revived {
            identity.mailbox.renew(epoch);
        }
        Ok(Entry { number: identity.number, new: revived, token: None, changed: revived })
    }

    /// The device that reads. The first starts at the oldest message kept, a later one at the end.
    fn reader(&mut self, number: u64, connect: &Connect<'_>) -> Result<u16, Refusal> {
        let state = &mut self.shared.state;
        let devices = usize::from(state.limits.devices);
        let log = state.log(LogKey(number)).ok_or(Refusal::UnknownIdentity)?;
        let known = log.readers.iter().position(|reader| reader.device == *connect.device);
        if let Some(index) = known {
            return Ok(index as u16);
        }
        if devices <= log.readers.len() {
            return Err(Refusal::Forbidden("this identity has too many devices"));
        }
        let end = log.next_seq - 1;
        let start = if log.readers.is_empty() { 0 } else { end };
        log.readers.push(Reader::new(connect.device.clone(), start));
        log.segment = 0; // its header is to be written
        Ok((log.readers.len() - 1) as u16)
    }

    fn take_outbox(
        &mut self,
        number: u64,
        connect: &Connect<'_>,
    ) -> Result<Option<(OutboxKey, u64)>, Refusal> {
        let Some(name) = connect.outbox else { return Ok(None) };
        let (session, now) = (self.tag.session, self.now);
        let state = &mut self.shared.state;
        let outboxes = usize::from(state.limits.outboxes);
        let identity = state.identities.get(&number).ok_or(Refusal::UnknownIdentity)?;
        let mut known = identity.outboxes.iter().copied();
        let known = known.find(|key| state.outboxes.get(key).is_some_and(|o| o.name == *name));
        let full = outboxes <= identity.outboxes.len();
        let key = match known {
            Some(key) => key,
            None if full => {
                return Err(Refusal::Forbidden("this identity has too many outboxes"));
            }
            None => {
                let key = state.next_number();
                state.outboxes.insert(key, Outbox::new(key, number, name.clone(), now));
                if let Some(identity) = state.identities.get_mut(&number) {
                    identity.outboxes.push(key);
                }
                key
            }
        };
        let outbox = state.outboxes.get_mut(&key).ok_or(Refusal::UnknownIdentity)?;
        outbox.take(session);
        Ok(Some((OutboxKey(key), outbox.highest())))
    }

    /// What the client has processed counts in the present epoch; beyond the end it proves that the store has lost
    /// something: then nothing is settled and a new epoch begins. True if the header is to be written.
    fn position(&mut self, number: u64, index: u16, connect: &Connect<'_>) -> bool {
        let epoch = self.shared.state.random_u64();
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(log) = state.log(LogKey(number)) else { return false };
        let new_reader = log.segment == 0;
        match connect.acked {
            Some((known, acked)) if known.0 == log.epoch && log.end < acked => {
                log.renew(epoch);
                return true;
            }
            Some((known, acked)) if known.0 == log.epoch && log.settle(index, Some(acked), &[]) => {
                group.dirty.push((number, index));
            }
            _ => {}
        }
        new_reader
    }

    fn write_identity(&mut self, number: u64) {
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(identity) = state.identities.get_mut(&number) else { return };
        identity.stored = true;
        let record = identity.record();
        group.record(kind::IDENTITY, Some(Placed::Identity(number)), |into| record.encode(into));
    }

    fn write_header(&mut self, number: u64) {
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(identity) = state.identities.get_mut(&number) else { return };
        let header = identity.mailbox.header(number);
        group.record(kind::HEADER, Some(Placed::Header(number)), |into| header.encode(into));
    }

    pub(super) fn keep(&mut self, identity: IdentityKey) {
        if self.shared.state.identity(identity).is_none() {
            return self.refuse(Refusal::UnknownIdentity);
        }
        if !self.admits(CONNECT_BYTES) {
            return self.refuse(Refusal::StoreUnavailable);
        }
        self.store_identity(identity.0);
        self.shared.group.answer(self.tag, Pending::Ready(Answer::Done));
    }

    pub(super) fn rotate(&mut self, identity: IdentityKey, token: TokenHash) {
        if !self.admits(CONNECT_BYTES) {
            return self.refuse(Refusal::StoreUnavailable);
        }
        let Some(identity) = self.shared.state.identity(identity) else {
            return self.refuse(Refusal::UnknownIdentity);
        };
        identity.next_secret = Some(token);
        let number = identity.number;
        self.write_identity(number);
        self.shared.group.answer(self.tag, Pending::Ready(Answer::Done));
    }

    pub(super) fn take_room_number(&mut self) {
        if !self.admits(CONNECT_BYTES) {
            return self.refuse(Refusal::StoreUnavailable);
        }
        let Shared { state, group, .. } = &mut *self.shared;
        state.counters.room_number += 1;
        let counters = state.counters;
        group.record(kind::COUNTER, Some(Placed::Counter), |into| counters.encode(into));
        let answer = Answer::RoomNumber(counters.room_number);
        group.answer(self.tag, Pending::Ready(answer));
    }
}

/// What the records of an entry take, a header with all its readers included where they have settled in order.
const CONNECT_BYTES: usize = 8 * 1024;
