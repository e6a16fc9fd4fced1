//! What the tests of the suite speak through: a store, a clock, and the commands in their shortest form.

use ackd_wire::v1::EndReason;
use ackd_wire::{ClientId, Epoch, MessageId, Name, Seq, Token};

use super::{OpenEmpty, Store};
use crate::api::{
    Address, Answer, Append, Body, Command, Connect, Connected, Credential, Delivery, Disconnect,
    Encoding, Limits, Notice, Read, Recipient, Refusal, SessionKey, Settle, Submission, Tag,
    Target, Unknown,
};

/// A store and the time.
pub(super) struct Rig {
    store: Box<dyn Store>,
    pub(super) now: u64,
}

/// Small enough to be reached.
pub(super) fn limits() -> Limits {
    Limits {
        mailbox_messages: 20,
        mailbox_bytes: 10_000,
        mailbox_sender_messages: 12,
        room_messages: 8,
        room_bytes: 2_000,
        rooms: 3,
        unclaimed_bytes: 100,
        devices: 3,
        outboxes: 4,
        identity_ttl_ms: 10_000,
        message_ttl_ms: 5_000,
        dedup_window_ms: 50_000,
        full_retry_after_ms: 5_000,
    }
}

/// How a session enters, beside its credential.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) device: &'a str,
    pub(super) outbox: &'a str,
    pub(super) acked: Option<(Epoch, Seq)>,
}

impl Default for Entry<'_> {
    fn default() -> Self {
        Self { device: "", outbox: "o", acked: None }
    }
}

impl Rig {
    pub(super) fn new(open: OpenEmpty<'_>) -> Self {
        Self { store: open(limits()), now: 1000 }
    }

    pub(super) fn reopen(&mut self) {
        self.flush();
        self.now += 1;
        self.store.reopen(self.now);
    }

    pub(super) fn flush(&self) {
        self.store.flush(self.now);
    }

    pub(super) fn submit(&self, session: u64, slot: u32, command: Command<'_>) {
        let tag = Tag { session: SessionKey(session), slot };
        self.store.engine().submit(self.now, &mut vec![Submission { tag, command }]);
    }

    /// Submits several in one batch, numbered from 1, and takes their answers.
    pub(super) fn ask_all(&self, session: u64, commands: Vec<Command<'_>>) -> Vec<Answer> {
        self.store.outcome();
        let tagged = (1..).zip(commands).map(|(slot, command)| Submission {
            tag: Tag { session: SessionKey(session), slot },
            command,
        });
        self.store.engine().submit(self.now, &mut tagged.collect());
        self.flush();
        self.store.outcome().answers.into_iter().map(|(_, answer)| answer).collect()
    }

    pub(super) fn ask(&self, session: u64, command: Command<'_>) -> Answer {
        self.ask_all(session, vec![command]).pop().expect("an answer")
    }

    pub(super) fn notices(&self) -> Vec<Notice> {
        self.flush();
        self.store.outcome().notices
    }

    pub(super) fn enter_as(
        &self,
        session: u64,
        credential: Credential<'_>,
        entry: Entry<'_>,
    ) -> Result<Connected, Refusal> {
        let device = Name::parse_device(entry.device).expect("a name");
        let outbox = Name::parse_outbox(entry.outbox).ok();
        let (outbox, acked) = (outbox.as_ref(), entry.acked);
        let connect = Connect { credential, device: &device, outbox, acked };
        match self.ask(session, Command::Connect(connect)) {
            Answer::Connected(connected) => Ok(*connected),
            Answer::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn enter(
        &self,
        session: u64,
        credential: Credential<'_>,
    ) -> Result<Connected, Refusal> {
        self.enter_as(session, credential, Entry::default())
    }

    /// Enters by claiming the name, with its own secret.
    pub(super) fn claim(&self, session: u64, name: &str) -> Connected {
        self.claim_as(session, name, Entry::default()).expect("it is free or its own")
    }

    pub(super) fn claim_as(
        &self,
        session: u64,
        name: &str,
        entry: Entry<'_>,
    ) -> Result<Connected, Refusal> {
        let id = id(name);
        self.enter_as(session, Credential::Claim(&id, &token(name)), entry)
    }

    pub(super) fn leave(&self, session: u64, who: &Connected, unacked: Vec<(Seq, u16)>) {
        let (identity, reader, outbox) = (who.identity, who.reader, who.outbox);
        let leave = Disconnect { identity, reader, outbox, unacked };
        self.submit(session, Tag::QUIET, Command::Disconnect(leave));
        self.flush();
    }

    /// Sends number `n`, or without a number.
    pub(super) fn send(&self, session: u64, from: &Connected, to: &str, n: u64) -> Answer {
        self.ask(session, Command::Append(append(from, to, n)))
    }

    pub(super) fn read(&self, session: u64, who: &Connected) -> Vec<Delivery> {
        let read = Read { reader: who.reader, after: 0, messages: 1000, bytes: u32::MAX };
        page(self.ask(session, Command::Read(read))).0
    }

    /// What ended before its reader had it: first and last number, and why.
    pub(super) fn lost(&self, session: u64, who: &Connected) -> Vec<(Seq, Seq, EndReason)> {
        let read = Read { reader: who.reader, after: 0, messages: 1000, bytes: u32::MAX };
        match self.ask(session, Command::Read(read)) {
            Answer::Page { lost, .. } => {
                lost.into_iter().map(|lost| (lost.from, lost.to, lost.reason)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn waiting(&self, session: u64, who: &Connected) -> Vec<Seq> {
        seqs(&self.read(session, who))
    }

    pub(super) fn settle(
        &self,
        session: u64,
        who: &Connected,
        up_to: Option<Seq>,
        seqs: &[Seq],
    ) -> Answer {
        let settle = Settle { reader: who.reader, up_to, seqs: seqs.to_vec() };
        self.ask(session, Command::Settle(settle))
    }
}

pub(super) fn id(name: &str) -> ClientId {
    ClientId::parse(name).expect("an ID")
}

/// The secret that goes with a name in these tests.
pub(super) fn token(name: &str) -> Token {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Token::new(bytes)
}

/// A numbered send; `n` 0: without a number.
pub(super) fn append<'a>(from: &Connected, to: &'a str, n: u64) -> Append<'a> {
    Append {
        sender: Some(from.identity),
        from: "",
        number: from.outbox.filter(|_| n != 0).map(|outbox| (outbox, n)),
        to: Target::Name(to),
        id: None,
        address: Address::Direct,
        room: "",
        body: Body { encoding: Encoding::Json, bytes: b"\"hello\"" },
        ttl_ms: None,
        receipt: false,
        mark: None,
        refusal: None,
        unknown: Unknown::Refuse,
    }
}

/// The message's ID and whether it is a repeat, if it was accepted.
pub(super) fn accepted(answer: &Answer) -> Option<(MessageId, bool)> {
    match answer {
        Answer::Accepted { id, dup, .. } => Some((*id, *dup)),
        _ => None,
    }
}

pub(super) fn recipient(answer: &Answer) -> Option<Recipient> {
    match answer {
        Answer::Accepted { recipient, .. } => Some(*recipient),
        _ => None,
    }
}

pub(super) fn refused(answer: &Answer) -> Option<Refusal> {
    match answer {
        Answer::Refused(refusal) => Some(*refusal),
        _ => None,
    }
}

/// Messages, how far was looked, and the end.
pub(super) fn page(answer: Answer) -> (Vec<Delivery>, Seq, Seq) {
    match answer {
        Answer::Page { messages, read_to, end, .. } => (messages, read_to, end),
        other => panic!("{other:?}"),
    }
}

pub(super) fn seqs(messages: &[Delivery]) -> Vec<Seq> {
    messages.iter().map(|delivery| delivery.message.seq).collect()
}
