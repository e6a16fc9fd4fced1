//! The session driven by hand: commands and signals in, events and requests out.

mod delivering;
mod entering;
mod presence;
mod sending;

use std::sync::Arc;

use ackd_engine::{
    Answer, Command as Verb, Connected, Delivery, Encoding, IdentityKey, LogKey, Message,
    OutboxKey, ReaderKey,
};
use ackd_wire::{ClientId, Epoch, MessageId, Millis, Name, Seq};

use super::*;

/// A session, its clock, and what its last step wanted.
struct Driver {
    session: Session,
    now: Millis,
    events: Vec<Event>,
    requests: Vec<Request<'static>>,
}

pub(super) const READER: ReaderKey = ReaderKey { log: LogKey(7), index: 0 };

fn rules() -> Rules {
    Rules {
        ack_timeout_ms: 30_000,
        connect_timeout_ms: 10_000,
        max_message: 100,
        max_attempts: 0,
        anonymous: true,
        claims: true,
        allow_all: false,
        open_claims: false,
        keep_unknown: false,
    }
}

impl Driver {
    fn new(rules: Rules, dialect: DialectKind) -> Self {
        let session = Session::new(Arc::new(rules), dialect, 1, 0);
        Self { session, now: 0, events: Vec::new(), requests: Vec::new() }
    }

    /// A v1 session that is in, with this window, on a mailbox of `end` messages of which `acked` are settled.
    fn connected(window: u64, acked: Seq, end: Seq) -> Self {
        let mut driver = Self::new(rules(), DialectKind::V1);
        driver.command(connect(Credential::Issue, Some(window)));
        let slot = driver.slot();
        driver.signal(Signal::Answer(slot, entry("ann", acked, end)));
        driver
    }

    fn step(&mut self, f: impl FnOnce(&mut Session, Millis, &mut Output<'static>)) {
        let mut out = Output::default();
        f(&mut self.session, self.now, &mut out);
        self.session.pump(&mut out);
        (self.events, self.requests) = (out.events, out.requests);
    }

    fn command(&mut self, command: Command<'static>) {
        self.step(|session, now, out| session.command(now, command, out));
    }

    fn signal(&mut self, signal: Signal) {
        self.step(|session, now, out| session.signal(now, signal, out));
    }

    fn tick_at(&mut self, now: Millis) {
        self.now = now;
        self.step(Session::tick);
    }

    /// The slot of the last request that has one.
    fn slot(&self) -> u32 {
        let slot = self.requests.iter().rev().find_map(|request| match request {
            Request::Connect { slot, .. }
            | Request::Append { slot, .. }
            | Request::Pass { slot, .. }
            | Request::Join { slot, .. }
            | Request::Leave { slot, .. }
            | Request::Engine { slot, .. } => Some(*slot),
            _ => None,
        });
        slot.expect("a request with a slot")
    }

    /// Sequence numbers and attempts of the messages that the last step delivered.
    fn delivered(&self) -> Vec<(Seq, u16)> {
        let messages = self.events.iter().filter_map(|event| match event {
            Event::Message { message, attempt, .. } => Some((message.seq, *attempt)),
            _ => None,
        });
        messages.collect()
    }

    /// What the last step settled.
    fn settled(&self) -> Option<(Option<Seq>, Vec<Seq>)> {
        self.requests.iter().find_map(|request| match request {
            Request::Engine { command: Verb::Settle(settle), .. } => {
                Some((settle.up_to, settle.seqs.clone()))
            }
            _ => None,
        })
    }

    /// Where the last step reads on, and how much.
    fn read(&self) -> Option<(Seq, u16)> {
        self.requests.iter().find_map(|request| match request {
            Request::Engine { command: Verb::Read(read), .. } => Some((read.after, read.messages)),
            _ => None,
        })
    }

    fn codes(&self) -> Vec<&'static str> {
        let errors = self.events.iter().filter_map(|event| match event {
            Event::Error(error) => Some(error.code.as_str()),
            _ => None,
        });
        errors.collect()
    }

    fn close_code(&self) -> Option<CloseCode> {
        self.events.iter().find_map(|event| match event {
            Event::Close(code) => Some(*code),
            _ => None,
        })
    }
}

fn connect(credential: Credential, window: Option<u64>) -> Command<'static> {
    let (device, outbox) = (Name::default(), Some(Name::parse_outbox("o1").unwrap()));
    let r#ref = Some(ackd_wire::Ref::parse("c").unwrap());
    Command::Connect(Connect { r#ref, credential, device, outbox, acked: None, window })
}

fn entry(id: &str, acked: Seq, end: Seq) -> Answer {
    Answer::Connected(Box::new(Connected {
        id: ClientId::parse(id).unwrap(),
        token: None,
        new: true,
        identity: IdentityKey(3),
        reader: READER,
        outbox: Some(OutboxKey(5)),
        epoch: Epoch(1),
        acked,
        end,
        pending: end - acked,
        sent: 0,
        expires: 1,
        rooms: Vec::new(),
    }))
}

fn message(seq: Seq) -> Message {
    let id = MessageId(u128::from(seq).to_be_bytes());
    let body = (Encoding::Json, b"1".as_slice());
    let mut message = Message::live(id, 0, "bob", None, body).unwrap();
    message.seq = seq;
    message
}

fn page(seqs: impl IntoIterator<Item = Seq>, read_to: Seq, end: Seq) -> Answer {
    let messages = seqs.into_iter().map(|seq| Delivery { message: message(seq), attempts: 0 });
    Answer::Page { messages: messages.collect(), lost: Vec::new(), read_to, end }
}
