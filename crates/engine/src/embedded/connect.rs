//! Entering an identity: by its secret, by claiming its name, or as a new one. Nothing is answered before it is stored,
//! and what is refused has changed nothing.

use ackd_wire::{ClientId, Epoch, Name, Token, TokenHash};

use super::Shared;
use super::group::{Pending, Placed};
use super::log::Reader;
use super::outbox::Outbox;
use super::records::kind;
use super::state::{Identity, State};
use super::submit::Step;
use crate::api::{
    Answer, Connect, Connected, Credential, IdentityKey, LogKey, OutboxKey, ReaderKey, Refusal,
};
use crate::disk::Disk;

/// What a credential opens; found without changing anything.
struct Entry {
    way: Way,
    /// The secret that was made here.
    token: Option<Token>,
    /// Its hash, or that of the claimant's own.
    secret: Option<TokenHash>,
}

/// How an identity is entered.
enum Way {
    /// It is made.
    New { id: ClientId, claimed: bool },
    /// Nobody holds the name yet, but mail waits for whoever claims it.
    Unheld(u64),
    /// Its claim had ended.
    Ended(u64),
    /// As it is; `promote`: the next secret was used, and the old one ends.
    Held { number: u64, promote: bool },
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
        self.admit_entry(&connect.credential)?;
        let entry = self.authorise(&connect.credential)?;
        self.check_places(&entry.way, connect)?;
        let fresh = matches!(connect.credential, Credential::Fresh);
        let new = !matches!(entry.way, Way::Held { .. });
        let changed = !matches!(entry.way, Way::Held { promote: false, .. });
        let number = self.open(entry.way, entry.secret);
        let forgotten = self.forget_devices(number);
        let (index, new_reader) = self.reader(number, connect.device)?;
        self.arrive(number, index);
        self.enter_rooms(number, index);
        let outbox = self.take_outbox(number, connect)?;
        let renewed = self.position(number, index, connect);
        self.write_entry(number, (changed && !fresh, new_reader || forgotten || renewed));
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(identity) = state.identities.get_mut(&number) else {
            return Err(Refusal::UnknownIdentity);
        };
        state.ends.remove(&(identity.end(&state.limits), number));
        identity.connections += 1;
        identity.last_seen = self.now;
        if identity.stored {
            let seen = identity.seen();
            group.record(kind::SEEN, Some(Placed::Seen(number)), |into| seen.encode(into));
        }
        let connected = Connected {
            id: identity.id.clone(),
            token: entry.token,
            new,
            identity: IdentityKey(number),
            reader: ReaderKey { log: LogKey(number), index },
            outbox: outbox.map(|(key, _)| key),
            epoch: Epoch(identity.mailbox.epoch),
            acked: 0,
            end: 0,
            pending: 0,
            sent: outbox.map_or(0, |(_, sent)| sent),
            expires: identity.end(&state.limits),
            rooms: Vec::new(),
        };
        Ok((Box::new(connected), identity.stored))
    }

    /// Whether all that an entry may write surely fits.
    fn admit_entry(&mut self, credential: &Credential<'_>) -> Result<(), Refusal> {
        let id = match credential {
            Credential::Issue | Credential::Fresh => None,
            Credential::Token(id, _)
            | Credential::Claim(id, _)
            | Credential::ClaimIssued(id)
            | Credential::Open(id) => Some(id.as_str()),
        };
        let state = &mut self.shared.state;
        let header = id.and_then(|id| state.by_name(id)).map_or(0, |i| i.mailbox.header_bytes());
        let bytes = ENTRY_BYTES + header as usize;
        if self.admits(bytes) { Ok(()) } else { Err(self.no_room(bytes)) }
    }

    fn authorise(&mut self, credential: &Credential<'_>) -> Result<Entry, Refusal> {
        match *credential {
            Credential::Issue | Credential::Fresh => {
                let id = ClientId::issued(self.shared.state.random());
                let token = Token::new(self.shared.state.random());
                let way = Way::New { id, claimed: false };
                Ok(Entry { way, secret: Some(token.hash()), token: Some(token) })
            }
            Credential::Token(id, token) => self.by_token(id, &token.hash()),
            Credential::Claim(id, token) => self.claim(id, token.hash()),
            Credential::ClaimIssued(id) if self.held(id) => Err(Refusal::Unauthorized),
            Credential::Open(id) if self.held(id) => self.open_held(id),
            Credential::ClaimIssued(id) | Credential::Open(id) => self.claim_issued(id),
        }
    }

    /// Whether a secret guards the ID, of an ended claim too.
    fn held(&mut self, id: &ClientId) -> bool {
        self.end_if_due(id);
        self.shared.state.by_name(id.as_str()).is_some_and(|identity| identity.secret.is_some())
    }

    /// An identity whose time is over has ended, even if nobody has looked since.
    pub(super) fn end_if_due(&mut self, id: &ClientId) {
        let Some(number) = self.shared.state.names.get(id.as_str()).copied() else { return };
        let state = &self.shared.state;
        let due = state.identities.get(&number).is_some_and(|identity| {
            identity.connections == 0 && !identity.ended && identity.end(&state.limits) <= self.now
        });
        if due {
            super::expire::end(self.shared, number, self.now);
        }
    }

    fn by_token(&mut self, id: &ClientId, hash: &TokenHash) -> Result<Entry, Refusal> {
        self.end_if_due(id);
        let identity = self.shared.state.by_name(id.as_str()).ok_or(Refusal::UnknownIdentity)?;
        let Some(secret) = identity.secret.filter(|_| !identity.ended) else {
            return Err(Refusal::UnknownIdentity);
        };
        let number = identity.number;
        let held =
            |promote| Entry { way: Way::Held { number, promote }, token: None, secret: None };
        if secret == *hash {
            return Ok(held(false));
        }
        if identity.next_secret == Some(*hash) {
            Ok(held(true))
        } else {
            Err(Refusal::Unauthorized)
        }
    }

    /// A name that nobody holds is the claimant's from now on; a held one is entered if the secret is its own.
    fn claim(&mut self, id: &ClientId, hash: TokenHash) -> Result<Entry, Refusal> {
        self.end_if_due(id);
        let way = match self.shared.state.by_name(id.as_str()) {
            None => Way::New { id: id.clone(), claimed: true },
            Some(identity) => match identity.secret {
                None => Way::Unheld(identity.number),
                Some(secret) if identity.ended && secret == hash => Way::Ended(identity.number),
                Some(_) if identity.ended => return Err(Refusal::Unauthorized),
                Some(_) => return self.by_token(id, &hash),
            },
        };
        Ok(Entry { way, token: None, secret: Some(hash) })
    }

    fn claim_issued(&mut self, id: &ClientId) -> Result<Entry, Refusal> {
        let token = Token::new(self.shared.state.random());
        let entry = self.claim(id, token.hash())?;
        Ok(Entry { token: Some(token), ..entry })
    }

    /// The original server's way: whoever knows the name.
    fn open_held(&mut self, id: &ClientId) -> Result<Entry, Refusal> {
        let identity = self.shared.state.by_name(id.as_str()).ok_or(Refusal::UnknownIdentity)?;
        let number = identity.number;
        let way =
            if identity.ended { Way::Ended(number) } else { Way::Held { number, promote: false } };
        Ok(Entry { way, token: None, secret: None })
    }

    /// Whether the identity has a place for this device and this outbox.
    fn check_places(&mut self, way: &Way, connect: &Connect<'_>) -> Result<(), Refusal> {
        let (Way::Unheld(number) | Way::Ended(number) | Way::Held { number, .. }) = way else {
            return Ok(());
        };
        let state = &self.shared.state;
        let identity = state.identities.get(number).ok_or(Refusal::UnknownIdentity)?;
        let readers = &identity.mailbox.readers;
        let since = self.now.saturating_sub(state.limits.identity_ttl_ms);
        let kept = || readers.iter().filter(|r| !r.gone && (r.here != 0 || since < r.used));
        let known = kept().any(|reader| reader.device == *connect.device);
        let full = usize::from(state.limits.devices) <= kept().count();
        if !known && (full || usize::from(READERS_MAX) <= readers.len()) {
            return Err(Refusal::Forbidden("this identity has too many devices"));
        }
        let Some(name) = connect.outbox else { return Ok(()) };
        let window = state.limits.dedup_window_ms;
        let outboxes = || identity.outboxes.iter().filter_map(|key| state.outboxes.get(key));
        let kept = outboxes().filter(|outbox| !outbox.is_forgettable(self.now, window)).count();
        if usize::from(state.limits.outboxes) <= kept && !outboxes().any(|o| o.name == *name) {
            return Err(Refusal::Forbidden("this identity has too many outboxes"));
        }
        Ok(())
    }

    /// Does what the way says. The number of the identity.
    fn open(&mut self, way: Way, secret: Option<TokenHash>) -> u64 {
        let now = self.now;
        let state = &mut self.shared.state;
        let number = match way {
            Way::New { id, claimed } => {
                let identity = state.insert(id, now);
                (identity.secret, identity.claimed) = (secret, claimed);
                return identity.number;
            }
            Way::Unheld(number) | Way::Ended(number) | Way::Held { number, .. } => number,
        };
        let State { identities, unclaimed_bytes, ends, limits, .. } = state;
        let Some(identity) = identities.get_mut(&number) else { return number };
        match way {
            Way::Unheld(_) => {
                *unclaimed_bytes -= identity.unclaimed_bytes();
                ends.remove(&(identity.end(limits), number));
                (identity.secret, identity.claimed) = (secret, true);
            }
            // Its mailbox has a new epoch since it ended.
            Way::Ended(_) => identity.ended = false,
            Way::Held { promote: true, .. } => identity.secret = identity.next_secret.take(),
            Way::Held { .. } | Way::New { .. } => {}
        }
        number
    }

    /// The device that reads, and whether it is new. The first starts at the oldest message kept, a later one at the end.
    fn reader(&mut self, number: u64, device: &Name) -> Result<(u16, bool), Refusal> {
        let log = self.shared.state.log(LogKey(number)).ok_or(Refusal::UnknownIdentity)?;
        let is_it = |reader: &Reader| !reader.gone && reader.device == *device;
        let known = log.readers.iter().position(is_it);
        if let Some(index) = known {
            return Ok((index as u16, false));
        }
        let end = log.next_seq - 1;
        let start = if log.readers.is_empty() { 0 } else { end };
        log.push_reader(Reader::new(device.clone(), start));
        Ok(((log.readers.len() - 1) as u16, true))
    }

    /// Devices that nobody has used for as long as an identity lives are forgotten. Whether there were any.
    fn forget_devices(&mut self, number: u64) -> bool {
        let state = &mut self.shared.state;
        let since = self.now.saturating_sub(state.limits.identity_ttl_ms);
        state.change_log(number, |log| log.forget_devices(since)).unwrap_or_default()
    }

    fn arrive(&mut self, number: u64, index: u16) {
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(log) = state.log(LogKey(number)) else { return };
        if log.arrive(index) && !log.is_dirty(index) {
            log.mark_dirty(index);
            group.dirty.push((number, index));
        }
    }

    fn take_outbox(
        &mut self,
        number: u64,
        connect: &Connect<'_>,
    ) -> Result<Option<(OutboxKey, u64)>, Refusal> {
        let Some(name) = connect.outbox else { return Ok(None) };
        let (session, now) = (self.tag.session, self.now);
        let state = &mut self.shared.state;
        state.forget_outboxes(number, now);
        let identity = state.identities.get(&number).ok_or(Refusal::UnknownIdentity)?;
        let mut known = identity.outboxes.iter().copied();
        let known = known.find(|key| state.outboxes.get(key).is_some_and(|o| o.name == *name));
        let key = if let Some(key) = known {
            key
        } else {
            let key = state.next_number();
            state.outboxes.insert(key, Outbox::new(key, number, name.clone(), now));
            if let Some(identity) = state.identities.get_mut(&number) {
                identity.outboxes.push(key);
            }
            key
        };
        let outbox = state.outboxes.get_mut(&key).ok_or(Refusal::UnknownIdentity)?;
        outbox.take(session, now);
        Ok(Some((OutboxKey(key), outbox.highest())))
    }

    /// What the client has processed counts in the present epoch; beyond the end it proves that the store has lost
    /// something: then nothing is settled and a new epoch begins. True if the header is to be written.
    fn position(&mut self, number: u64, index: u16, connect: &Connect<'_>) -> bool {
        let epoch = self.shared.state.random_u64();
        let Some(log) = self.shared.state.log(LogKey(number)) else { return false };
        let Some((_, acked)) = connect.acked.filter(|(known, _)| known.0 == log.epoch) else {
            return false;
        };
        if log.end < acked {
            log.renew(epoch);
            return true;
        }
        self.settle_in_memory(ReaderKey { log: LogKey(number), index }, Some(acked), Vec::new());
        false
    }

    /// Writes what has changed, of an identity that the journal knows or is to know from now on.
    fn write_entry(&mut self, number: u64, (identity_changed, header_changed): (bool, bool)) {
        let stored = self.shared.state.identities.get(&number).is_some_and(|i| i.stored);
        if !stored {
            if identity_changed {
                self.store_identity(number);
            }
            return;
        }
        if identity_changed {
            self.write_identity(number);
        }
        if header_changed {
            let Shared { state, group, .. } = &mut *self.shared;
            let Some(identity) = state.identities.get_mut(&number) else { return };
            let header = identity.mailbox.header(number);
            group.record(kind::HEADER, Some(Placed::Header(number)), |into| header.encode(into));
        }
    }

    fn write_identity(&mut self, number: u64) {
        let Shared { state, group, .. } = &mut *self.shared;
        let Some(identity) = state.identities.get_mut(&number) else { return };
        let record = identity.record();
        group.record(kind::IDENTITY, Some(Placed::Identity(number)), |into| record.encode(into));
    }

    pub(super) fn keep(&mut self, identity: IdentityKey) {
        match self.admit_identity(identity) {
            Ok(_) => {
                self.store_identity(identity.0);
                self.shared.group.answer(self.tag, Pending::Ready(Answer::Done));
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    pub(super) fn rotate(&mut self, identity: IdentityKey, token: TokenHash) {
        let (number, stored) = match self.admit_identity(identity) {
            Ok(identity) => {
                identity.next_secret = Some(token);
                (identity.number, identity.stored)
            }
            Err(refusal) => return self.refuse(refusal),
        };
        if stored {
            self.write_identity(number);
        } else {
            self.store_identity(number);
        }
        self.shared.group.answer(self.tag, Pending::Ready(Answer::Done));
    }

    /// An identity whose records surely fit.
    pub(super) fn admit_identity(&mut self, key: IdentityKey) -> Result<&mut Identity, Refusal> {
        let identity = self.shared.state.identity(key).filter(|identity| !identity.ended);
        let header = identity.ok_or(Refusal::UnknownIdentity)?.mailbox.header_bytes();
        let bytes = ENTRY_BYTES + header as usize;
        if !self.admits(bytes) {
            return Err(self.no_room(bytes));
        }
        Ok(self.shared.state.identity(key).ok_or(Refusal::UnknownIdentity)?)
    }

    pub(super) fn take_room_number(&mut self) {
        if !self.admits(ENTRY_BYTES) {
            return self.refuse(self.no_room(ENTRY_BYTES));
        }
        let Shared { state, group, .. } = &mut *self.shared;
        state.counters.room_number += 1;
        let counters = state.counters;
        group.record(kind::COUNTER, Some(Placed::Counter), |into| counters.encode(into));
        let answer = Answer::RoomNumber(counters.room_number);
        group.answer(self.tag, Pending::Ready(answer));
    }
}

/// Devices that an identity may have had, forgotten ones too: their numbers are not given again.
const READERS_MAX: u16 = 1024;
/// What the records of an entry take beside a header, those of the same name's last end included.
const ENTRY_BYTES: usize = 2 * 1024;
