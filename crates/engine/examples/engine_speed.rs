//! What the embedded engine costs a message: 50 senders to 50 receivers, numbered appends of 128 bytes in batches of 64,
//! each settled by its reader; then how long it takes to open a store of 1 GiB, all settled and all waiting.
//!
//! `cargo run --release -p ackd-engine --example engine_speed -- DIRECTORY` (it makes and removes files there)

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use ackd_engine::{
    Address, Answer, Append, Body, Command, Connect, Connected, Credential, Durability, Embedded,
    Encoding, Engine, Entropy, Limits, Mode, Notice, Outcome, RealDisk, Recovered, SessionKey,
    Settings, Settle, SimArchive, SimDisk, Sink, Submission, Tag, Target, Unknown,
};
use ackd_wire::{ClientId, Name, Token};
use parking_lot::Mutex;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const PAIRS: u64 = 50;
const BATCH: u64 = 64;
const BODY: [u8; 128] = [b'7'; 128];

fn main() -> Fallible<()> {
    let directory = std::env::args_os().nth(1).map_or_else(|| "engine-speed".into(), PathBuf::from);
    // Each pair's batch is a commit of its own; and all pairs' batches in one.
    for (durability, group) in [
        (Durability::Os, 1),
        (Durability::Os, PAIRS),
        (Durability::Fsync, 1),
        (Durability::Fsync, PAIRS),
    ] {
        let mut load = Load::open(&directory, durability)?.0;
        load.enter();
        load.run(20, group, true);
        let (begin, cpu) = (now(), cpu_ns());
        let rounds = if durability == Durability::Os { 400 } else { 100 };
        let messages = load.run(rounds, group, true);
        let (elapsed, cpu) = (begin.elapsed().as_secs_f64(), cpu_ns() - cpu);
        println!(
            "{durability:?}, {:4} messages a commit: {:4} ns of CPU a message, {:8.0} messages/s",
            group * BATCH,
            cpu / messages,
            messages as f64 / elapsed,
        );
        drop(load);
        std::fs::remove_dir_all(&directory)?;
    }
    recover(&directory, true)?;
    recover(&directory, false)
}

/// How long it takes to open a store whose journal has 1 GiB.
fn recover(directory: &Path, settled: bool) -> Fallible<()> {
    let (mut load, _) = Load::open(directory, Durability::Os)?;
    load.enter();
    while load.engine.stats().journal_bytes < 1 << 30 {
        load.run(20, PAIRS, settled);
    }
    drop(load);
    let begin = now();
    let (load, Recovered { messages, segments, .. }) = Load::open(directory, Durability::Os)?;
    let elapsed = begin.elapsed().as_secs_f64();
    println!("opening {segments} segments, {messages} messages waiting: {elapsed:.2} s");
    drop(load);
    Ok(std::fs::remove_dir_all(directory)?)
}

/// The engine and everybody who uses it.
struct Load {
    engine: Embedded<RealDisk>,
    answers: Arc<Answers>,
    senders: Vec<Connected>,
    receivers: Vec<Connected>,
    names: Vec<ClientId>,
    last_n: u64,
}

/// Keeps who has entered, and how far each mailbox reaches.
#[derive(Debug, Default)]
struct Answers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    connected: Vec<Connected>,
    /// Log and last `seq`.
    stored: Vec<(u64, u64)>,
    accepted: u64,
}

impl Sink for Answers {
    fn deliver(&self, outcome: &mut Outcome) {
        let mut kept = self.0.lock();
        for (_, answer) in outcome.answers.drain(..) {
            match answer {
                Answer::Connected(connected) => kept.connected.push(*connected),
                Answer::Accepted { .. } => kept.accepted += 1,
                _ => {}
            }
        }
        for notice in outcome.notices.drain(..) {
            let Notice::Stored { log, message } = notice else { continue };
            match kept.stored.last_mut() {
                Some(last) if last.0 == log.0 => last.1 = message.seq,
                _ => kept.stored.push((log.0, message.seq)),
            }
        }
    }
}

impl Load {
    fn open(directory: &Path, durability: Durability) -> Fallible<(Self, Recovered)> {
        let limits = Limits {
            mailbox_messages: u32::MAX,
            mailbox_bytes: u64::MAX,
            mailbox_sender_messages: u32::MAX,
            room_messages: 10_000,
            room_bytes: 1 << 24,
            rooms: 16,
            unclaimed_bytes: 1 << 20,
            devices: 16,
            outboxes: 16,
            identity_ttl_ms: 1 << 40,
            message_ttl_ms: 1 << 40,
            dedup_window_ms: 1 << 40,
            full_retry_after_ms: 5_000,
        };
        let settings = Settings {
            limits,
            durability,
            segment_bytes: 64 << 20,
            journal_bytes: 8 << 30,
            index_bytes: 8 << 30,
            mode: Mode::Manual,
        };
        let answers = Arc::new(Answers::default());
        let disk = RealDisk::open(directory)?;
        let archive = Arc::new(SimArchive::new(&SimDisk::default()));
        let entropy = Box::new(Counting(7));
        let (engine, recovered) =
            Embedded::open(settings, (disk, archive), entropy, answers.clone(), 1)?;
        let (senders, receivers, names) = (Vec::new(), Vec::new(), Vec::new());
        Ok((Self { engine, answers, senders, receivers, names, last_n: 0 }, recovered))
    }

    fn enter(&mut self) {
        for pair in 0..PAIRS {
            let sender = self.enter_one(pair, &format!("sender-{pair:026}"));
            let receiver = self.enter_one(PAIRS + pair, &format!("receiver-{pair:024}"));
            self.names.push(receiver.id.clone());
            self.senders.push(sender);
            self.receivers.push(receiver);
        }
    }

    fn enter_one(&self, session: u64, id: &str) -> Connected {
        let (id, token) = (ClientId::parse(id).expect("an ID"), Token::new([1; 32]));
        let (device, outbox) =
            (Name::default(), Name::parse_outbox("outbox-0123456789").expect("a name"));
        let credential = Credential::Claim(&id, &token);
        let connect = Connect { credential, device: &device, outbox: Some(&outbox), acked: None };
        let command = Command::Connect(connect);
        self.engine.submit(1, &mut vec![Submission { tag: tag(session, 0), command }]);
        self.engine.commit();
        self.answers.0.lock().connected.pop().expect("it has entered")
    }

    /// Each sender sends a batch, `group` of them are committed together, each receiver settles what it got.
    fn run(&mut self, rounds: u64, group: u64, settle: bool) -> u64 {
        self.answers.0.lock().accepted = 0;
        for round in 0..rounds {
            for pair in 0..PAIRS {
                let mut batch = (1..=BATCH).map(|n| self.send(pair, self.last_n + n)).collect();
                self.engine.submit(round, &mut batch);
                if (pair + 1) % group == 0 {
                    self.engine.commit();
                    self.settle(round, settle);
                }
            }
            self.last_n += BATCH;
        }
        let accepted = self.answers.0.lock().accepted;
        assert_eq!(accepted, rounds * PAIRS * BATCH, "every message is accepted");
        accepted
    }

    fn send(&self, pair: u64, n: u64) -> Submission<'_> {
        let sender = &self.senders[pair as usize];
        let append = Append {
            sender: Some(sender.identity),
            from: "",
            number: sender.outbox.map(|outbox| (outbox, n)),
            to: Target::Name(self.names[pair as usize].as_str()),
            id: None,
            address: Address::Direct,
            room: "",
            body: Body { encoding: Encoding::Json, bytes: &BODY },
            ttl_ms: None,
            receipt: false,
            mark: None,
            refusal: None,
            unknown: Unknown::Refuse,
        };
        Submission { tag: tag(pair, n as u32), command: Command::Append(append) }
    }

    fn settle(&self, round: u64, settle: bool) {
        let stored = std::mem::take(&mut self.answers.0.lock().stored);
        if !settle {
            return;
        }
        for (log, seq) in stored {
            let mut readers = self.receivers.iter().map(|receiver| receiver.reader);
            let Some(reader) = readers.find(|reader| reader.log.0 == log) else { continue };
            let settle = Settle { reader, up_to: Some(seq), seqs: Vec::new() };
            let submission =
                Submission { tag: tag(log, Tag::QUIET), command: Command::Settle(settle) };
            self.engine.submit(round, &mut vec![submission]);
        }
    }
}

fn tag(session: u64, slot: u32) -> Tag {
    Tag { session: SessionKey(session), slot }
}

/// Names, not numbers of the system: the run is the same each time.
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

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}

/// CPU time of this thread, in the kernel too.
fn cpu_ns() -> u64 {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    times.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}
