//! The engine with its threads: several submitters at once, each waits for its own answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ackd_engine::{
    Answer, Archive, Command, Connect, Connected, Credential, Disk, Embedded, Engine, Entropy,
    Mode, Outcome, RealDisk, SessionKey, Settings, Settle, SimArchive, SimDisk, Sink, Submission,
    Tag, Threads,
};
use ackd_wire::{ClientId, Name};
use parking_lot::{Condvar, Mutex};

use crate::rig::{accepted, append, limits, settings, token};

/// Answers by session; who waits is woken.
#[derive(Debug, Default)]
struct Waiting {
    answers: Mutex<Vec<(Tag, Answer)>>,
    came: Condvar,
}

impl Sink for Waiting {
    fn deliver(&self, outcome: &mut Outcome) {
        self.answers.lock().append(&mut outcome.answers);
        outcome.notices.clear();
        self.came.notify_all();
    }
}

impl Waiting {
    fn wait(&self, tag: Tag) -> Answer {
        let mut answers = self.answers.lock();
        loop {
            if let Some(place) = answers.iter().position(|(other, _)| *other == tag) {
                return answers.swap_remove(place).1;
            }
            self.came.wait(&mut answers);
        }
    }
}

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

/// An engine, its sink, and the time, which stands still.
struct Running<D: Disk> {
    engine: Arc<Embedded<D>>,
    waiting: Arc<Waiting>,
}

impl<D: Disk + Clone> Running<D> {
    fn open(disk: D, archive: Arc<dyn Archive>, life: u64) -> Self {
        let waiting = Arc::new(Waiting::default());
        let limits = ackd_engine::Limits { mailbox_sender_messages: 100, ..limits() };
        let settings = Settings { limits, mode: Mode::Inline, ..settings() };
        let entropy = Box::new(Counting(life));
        let opened = Embedded::open(settings, (disk, archive), entropy, waiting.clone(), 1000);
        Self { engine: Arc::new(opened.expect("it opens").0), waiting }
    }

    fn ask(&self, session: u64, slot: u32, command: Command<'_>) -> Answer {
        let tag = Tag { session: SessionKey(session), slot };
        self.engine.submit(1000, &mut vec![Submission { tag, command }]);
        self.waiting.wait(tag)
    }

    fn claim(&self, session: u64, name: &str) -> Connected {
        let id = ClientId::parse(name).expect("an ID");
        let (device, outbox) = (Name::default(), Name::parse_outbox("o").expect("a name"));
        let token = token(&id);
        let credential = Credential::Claim(&id, &token);
        let connect = Connect { credential, device: &device, outbox: Some(&outbox), acked: None };
        match self.ask(session, 0, Command::Connect(connect)) {
            Answer::Connected(connected) => *connected,
            other => panic!("{other:?}"),
        }
    }

    /// Sends to itself, repeats, and settles: every answer comes.
    fn live(&self, session: u64, sends: u64) -> u64 {
        let name = format!("client-{session}");
        let who = self.claim(session, &name);
        let mut count = 0;
        for n in 1..=sends {
            let send = || Command::Append(append(&who, &name, n, b"1"));
            let first = accepted(&self.ask(session, 1, send()));
            let again = accepted(&self.ask(session, 2, send()));
            assert_eq!((first.map(|a| a.1), again.map(|a| a.1)), (Some(false), Some(true)));
            let settle = Settle { reader: who.reader, up_to: Some(n), seqs: Vec::new() };
            assert!(matches!(self.ask(session, 3, Command::Settle(settle)), Answer::Done));
            count += 1;
        }
        count
    }
}

#[test]
fn every_answer_comes_while_all_threads_are_at_work() {
    let directory = tempfile::tempdir().expect("a directory");
    let disk = RealDisk::open(directory.path()).expect("nobody else has it");
    let archive: Arc<dyn Archive> = Arc::new(SimArchive::new(&SimDisk::default()));
    let running = Running::open(disk.clone(), archive.clone(), 1);
    let threads = Threads::spawn(&running.engine, Arc::new(|| 1000)).expect("threads start");
    let count = AtomicU64::new(0);
    let (sends, clients) = (50, 6);
    std::thread::scope(|scope| {
        for session in 1..=clients {
            scope.spawn({
                let (count, running) = (&count, &running);
                move || count.fetch_add(running.live(session, sends), Ordering::Relaxed)
            });
        }
        // Upkeep takes its turns at the baton among them.
        (0..200).for_each(|_| running.engine.tick(1000));
    });
    assert_eq!(count.into_inner(), sends * clients);
    threads.stop();
    running.live(99, 3); // whoever comes late commits alone
    running.engine.close();
    drop(running);
    let running = Running::open(disk, archive, 2);
    for session in 1..=clients {
        let who = running.claim(session, &format!("client-{session}"));
        assert_eq!((who.sent, who.pending, who.acked), (sends, 0, sends));
    }
}
