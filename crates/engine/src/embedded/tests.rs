//! The embedded engine passes the suite of all engines, over a simulated disk with small segments; its books are
//! compared with what is there whenever nothing is on its way.

use std::sync::Arc;

use ackd_wire::Millis;
use parking_lot::Mutex;

use super::{Durability, Embedded, Mode, Settings};
use crate::api::{Engine, Entropy, Limits, Outcome, Sink};
use crate::archive::SimArchive;
use crate::conformance::{self, Store};
use crate::disk::SimDisk;

#[derive(Debug)]
struct Subject {
    disk: SimDisk,
    archive: SimArchive,
    settings: Settings,
    outcomes: Arc<Outcomes>,
    engine: Option<Embedded<SimDisk>>,
    lives: u64,
}

#[derive(Debug, Default)]
struct Outcomes(Mutex<Outcome>);

impl Sink for Outcomes {
    fn deliver(&self, outcome: &mut Outcome) {
        let mut all = self.0.lock();
        all.answers.append(&mut outcome.answers);
        all.notices.append(&mut outcome.notices);
    }
}

/// Counts up, from another number in each life.
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

impl Subject {
    fn open(&mut self, now: Millis) {
        self.engine = None;
        self.lives += 1;
        let (settings, disk) = (self.settings.clone(), self.disk.clone());
        let archive = Arc::new(self.archive.clone());
        let entropy = Box::new(Counting(self.lives));
        let opened = Embedded::open(settings, (disk, archive), entropy, self.outcomes.clone(), now);
        self.engine = Some(opened.expect("the store opens").0);
        self.flush(now);
    }

    fn embedded(&self) -> &Embedded<SimDisk> {
        self.engine.as_ref().expect("it is open")
    }
}

impl Store for Subject {
    fn engine(&self) -> &dyn Engine {
        self.embedded()
    }

    fn flush(&self, now: Millis) {
        self.embedded().tick(now);
        self.embedded().audit().expect("the books are right");
    }

    fn outcome(&self) -> Outcome {
        std::mem::take(&mut *self.outcomes.0.lock())
    }

    fn reopen(&mut self, now: Millis) {
        self.open(now);
    }
}

fn open(limits: Limits, index_bytes: u64) -> Box<dyn Store> {
    let settings = Settings {
        limits,
        durability: Durability::Fsync,
        segment_bytes: 64 * 1024,
        journal_bytes: 128 * 1024,
        index_bytes,
        mode: Mode::Manual,
    };
    let (disk, outcomes) = (SimDisk::default(), Arc::default());
    let archive = SimArchive::new(&disk);
    let mut subject = Subject { disk, archive, settings, outcomes, engine: None, lives: 0 };
    subject.open(1000);
    Box::new(subject)
}

/// Each topic with everything in memory, and with everything in the archive as soon as it is stored.
macro_rules! topics {
    ($($topic:ident),+ $(,)?) => {
        mod in_memory {
            use super::{conformance, open};
            $(#[test]
            fn $topic() {
                conformance::run(stringify!($topic), &|limits| open(limits, 1 << 30));
            })+
        }

        mod in_the_archive {
            use super::{conformance, open};
            $(#[test]
            fn $topic() {
                conformance::run(stringify!($topic), &|limits| open(limits, 0));
            })+
        }

        #[test]
        fn no_topic_is_left_out() {
            let topics: Vec<&str> = conformance::TOPICS.iter().map(|(topic, _)| *topic).collect();
            assert_eq!(topics, [$(stringify!($topic)),+]);
        }
    };
}

topics![
    dead, devices, epochs, expiry, identities, limits, notices, numbers, order, outboxes, purge,
    read, receipts, room_ends, rooms, rotation, settle
];
