//! A store on a simulated disk, its answers, and the commands of the tests.

use std::sync::Arc;

use ackd_engine::{
    Address, Answer, Append, Archive, Body, Command, Connect, Connected, CrashPlan, Credential,
    Delivery, Durability, Embedded, Encoding, Engine, Entropy, Limits, Mode, Notice, OpenError,
    Outcome, Read, Refusal, SessionKey, Settings, Settle, SimArchive, SimDisk, Sink, Submission,
    Tag, Target, Unknown,
};
use ackd_wire::{ClientId, MessageId, Name, Token};
use parking_lot::Mutex;

/// Keeps all outcomes.
#[derive(Debug, Default)]
struct Answers(Mutex<Outcome>);

impl Sink for Answers {
    fn deliver(&self, outcome: &mut Outcome) {
        let mut all = self.0.lock();
        all.answers.append(&mut outcome.answers);
        all.notices.append(&mut outcome.notices);
    }
}

/// Counts up: the same run gives the same bytes.
#[derive(Debug)]
struct Counting(u64);

impl Entropy for Counting {
    fn fill(&mut self, buf: &mut [u8]) {
        for byte in buf {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

pub(crate) struct Rig {
    pub(crate) disk: SimDisk,
    archive: SimArchive,
    pub(crate) engine: Embedded<SimDisk>,
    pub(crate) now: u64,
    settings: Settings,
    answers: Arc<Answers>,
}

pub(crate) fn limits() -> Limits {
    Limits {
        mailbox_messages: 100,
        mailbox_bytes: 1 << 20,
        mailbox_sender_messages: 60,
        room_messages: 8,
        room_bytes: 10_000,
        rooms: 3,
        unclaimed_bytes: 100,
        devices: 3,
        outboxes: 4,
        identity_ttl_ms: 10_000,
        message_ttl_ms: 5_000,
        dedup_window_ms: 1 << 40,
        full_retry_after_ms: 5_000,
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        limits: limits(),
        durability: Durability::Fsync,
        segment_bytes: 128 * 1024,
        journal_bytes: 256 * 1024,
        index_bytes: 32 * 1024,
        mode: Mode::Manual,
    }
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::open(SimDisk::default(), 1, 1000).expect("a new store opens")
    }

    /// Opens what is on the disk; `life` makes its random numbers differ from those of other lives.
    pub(crate) fn open(disk: SimDisk, life: u64, now: u64) -> Result<Self, OpenError> {
        Self::with(settings(), disk, life, now)
    }

    pub(crate) fn with(
        settings: Settings,
        disk: SimDisk,
        life: u64,
        now: u64,
    ) -> Result<Self, OpenError> {
        let archive = SimArchive::new(&disk);
        Self::on(settings, (disk, archive), life, now)
    }

    pub(crate) fn on(
        settings: Settings,
        (disk, archive): (SimDisk, SimArchive),
        life: u64,
        now: u64,
    ) -> Result<Self, OpenError> {
        let answers = Arc::new(Answers::default());
        let entropy = Box::new(Counting(life));
        let store = (disk.clone(), Arc::new(archive.clone()) as Arc<dyn Archive>);
        let (engine, _) = Embedded::open(settings.clone(), store, entropy, answers.clone(), now)?;
        Ok(Self { disk, archive, engine, now, settings, answers })
    }

    /// What a backup holds, on another disk: what is there, and opens with the next start.
    pub(crate) fn restored(backup: &[u8]) -> (SimDisk, SimArchive) {
        let disk = SimDisk::default();
        let archive = SimArchive::new(&disk);
        ackd_engine::restore(&mut &*backup, &disk, &archive).expect("it is whole");
        (disk, archive)
    }

    /// The power goes, and decides what survives of what was not synced.
    pub(crate) fn crash(&mut self, plan: CrashPlan) {
        self.archive = self.archive.crash(plan);
        self.disk.crash(plan);
    }

    /// The same disk after its owner has gone without a word.
    pub(crate) fn reopen(self) -> Self {
        let life = self.now + 7;
        let Self { disk, archive, engine, now, settings, .. } = self;
        drop(engine);
        Self::on(settings, (disk, archive), life, now + 1).expect("the store opens again")
    }

    pub(crate) fn submit(&self, session: u64, slot: u32, command: Command<'_>) {
        let tag = Tag { session: SessionKey(session), slot };
        self.engine.submit(self.now, &mut vec![Submission { tag, command }]);
    }

    /// Submits, commits, and takes the one answer.
    pub(crate) fn ask(&self, session: u64, command: Command<'_>) -> Answer {
        self.take();
        self.submit(session, 1, command);
        self.engine.commit();
        self.take().answers.pop().expect("an answer").1
    }

    pub(crate) fn take(&self) -> Outcome {
        std::mem::take(&mut *self.answers.0.lock())
    }

    pub(crate) fn enter(
        &self,
        session: u64,
        credential: Credential<'_>,
    ) -> Result<Connected, Refusal> {
        let (device, outbox) = (Name::default(), Name::parse_outbox("o").expect("a name"));
        let outbox = Some(&outbox);
        let connect = Connect { credential, device: &device, outbox, acked: None };
        match self.ask(session, Command::Connect(connect)) {
            Answer::Connected(connected) => Ok(*connected),
            Answer::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn claim(&self, session: u64, id: &str) -> Connected {
        let id = ClientId::parse(id).expect("an ID");
        self.enter(session, Credential::Claim(&id, &token(&id))).expect("it is free or its own")
    }

    pub(crate) fn send(&self, session: u64, from: &Connected, to: &str, n: u64) -> Answer {
        self.ask(session, Command::Append(append(from, to, n, b"\"hello\"")))
    }

    pub(crate) fn read(&self, session: u64, who: &Connected) -> Vec<Delivery> {
        let read = Read { reader: who.reader, after: 0, messages: 1000, bytes: u32::MAX };
        match self.ask(session, Command::Read(read)) {
            Answer::Page { messages, .. } => messages,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn settle(
        &self,
        session: u64,
        who: &Connected,
        up_to: Option<u64>,
        seqs: &[u64],
    ) -> Answer {
        let settle = Settle { reader: who.reader, up_to, seqs: seqs.to_vec() };
        self.ask(session, Command::Settle(settle))
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.take().notices
    }

    pub(crate) fn archive(&self) -> &SimArchive {
        &self.archive
    }

    /// Bytes in its archive.
    pub(crate) fn archived_bytes(&self) -> u64 {
        self.archive.usage().disk_bytes
    }

    pub(crate) fn segment_bytes(&self) -> u64 {
        self.settings.segment_bytes
    }
}

pub(crate) fn token(id: &ClientId) -> Token {
    let mut bytes = [0; 32];
    bytes[..id.as_str().len()].copy_from_slice(id.as_str().as_bytes());
    Token::new(bytes)
}

/// A numbered send; `n` 0: without a number.
pub(crate) fn append<'a>(from: &Connected, to: &'a str, n: u64, body: &'a [u8]) -> Append<'a> {
    Append {
        sender: Some(from.identity),
        from: "",
        number: from.outbox.filter(|_| n != 0).map(|outbox| (outbox, n)),
        to: Target::Name(to),
        id: None,
        address: Address::Direct,
        room: "",
        body: Body { encoding: Encoding::Json, bytes: body },
        ttl_ms: None,
        receipt: false,
        mark: None,
        refusal: None,
        unknown: Unknown::Refuse,
    }
}

pub(crate) fn accepted(answer: &Answer) -> Option<(MessageId, bool)> {
    match answer {
        Answer::Accepted { id, dup, .. } => Some((*id, *dup)),
        _ => None,
    }
}

pub(crate) fn refused(answer: &Answer) -> Option<Refusal> {
    match answer {
        Answer::Refused(refusal) => Some(*refusal),
        _ => None,
    }
}

pub(crate) fn seqs(messages: &[Delivery]) -> Vec<u64> {
    messages.iter().map(|delivery| delivery.message.seq).collect()
}
