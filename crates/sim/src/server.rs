//! The server in one life: the engine on its simulated disk, the router, and the server's ends of all connections.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use ackd_engine::{
    Archive, Durability, Embedded, Limits, Mode, OpenError, Recovered, Settings, SimArchive,
    SimDisk, Sink,
};
use ackd_server::dialect::{Format, Greeting};
use ackd_server::router::{Router, Switchboard};
use ackd_server::session::Rules;
use ackd_wire::Millis;
use parking_lot::Mutex;

use crate::connection::{Connection, Shared};
use crate::flight::{Flight, GatedDisk, Station, Work};
use crate::link::Link;
use crate::model::Bounds;
use crate::random::{Random, SeededEntropy};
use crate::shelf::{ArchiveCounts, GatedArchive};
use crate::watch::Watch;

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) engine: Arc<Embedded<GatedDisk>>,
    disk: GatedDisk,
    /// Work that is under way. Ended before the engine is.
    flight: Option<Flight>,
    shared: Shared,
    connections: BTreeMap<u64, Connection>,
}

impl Server {
    /// Starts on what is on the disk.
    pub(crate) fn start(
        (disk, archive): (&SimDisk, &SimArchive),
        counts: &Arc<Mutex<ArchiveCounts>>,
        (seed, life): (u64, u64),
        now: Millis,
    ) -> Result<(Self, Recovered), OpenError> {
        let switchboard = Arc::new(Switchboard::default());
        let entropy = SeededEntropy::new(seed, life);
        let gated = GatedDisk::new(disk.clone());
        let archive = Arc::new(GatedArchive::new(archive, gated.gate(), counts));
        let (engine, recovered) = open((&gated, archive), entropy, switchboard.clone(), now)?;
        let engine = Arc::new(engine);
        // As the server's reservation has it: a later life begins far above all that an earlier one has told.
        switchboard.set_up_presence(PRESENCE_GRACE_MS, life << 32);
        let router = Router::new(engine.clone(), switchboard);
        let (rules, disk) = (Arc::new(rules()), disk.clone());
        let greeting = Greeting {
            ack_timeout_ms: ACK_TIMEOUT_MS,
            ping_interval_ms: 25_000,
            max_message: 8192,
        };
        let shared = Shared { router, rules, greeting, disk };
        let (disk, flight, connections) = (gated, None, BTreeMap::new());
        Ok((Self { engine, disk, flight, shared, connections }, recovered))
    }

    /// Takes a new connection.
    pub(crate) fn accept(&mut self, link: u64, format: Format, now: Millis, random: &mut Random) {
        let connection = Connection::new(link, format, &self.shared, random.any(), now);
        self.connections.insert(link, connection);
    }

    /// Gives those of its connections that are ready a turn, in any order; some wait for a later one.
    pub(crate) fn turn(
        &mut self,
        now: Millis,
        links: &mut BTreeMap<u64, Link>,
        watch: &mut Watch,
        random: &mut Random,
        patient: bool,
    ) {
        let mut ready = Vec::new();
        for (number, connection) in &self.connections {
            let Some(link) = links.get_mut(number) else { continue };
            let readable = connection.reads() && link.up.is_due(now);
            if readable || connection.is_ready(now, link) {
                ready.push(*number);
            }
        }
        random.shuffle(&mut ready);
        for number in ready {
            if patient && random.one_in(6) {
                continue;
            }
            let (Some(connection), Some(link)) =
                (self.connections.get_mut(&number), links.get_mut(&number))
            else {
                continue;
            };
            let over = connection.poll(now, link, &self.shared, watch);
            if self.shared.disk.is_off() {
                return;
            }
            connection.flush(now, link, random);
            if over && let Some(connection) = self.connections.remove(&number) {
                connection.part(&self.shared);
            }
        }
    }

    /// Tells of those who have been away for long enough.
    pub(crate) fn tick_presence(&self, now: Millis) {
        self.shared.router.tick_presence(now, Waker::noop());
    }

    /// Whether work of the engine is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.flight.is_some()
    }

    /// Whether a commit would have to wait for the work that is under way.
    pub(crate) fn is_committing(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.at() == Station::Disk)
    }

    /// Begins work that takes its time.
    pub(crate) fn begin(&mut self, work: Work) {
        self.flight = Some(Flight::begin(&self.engine, &self.disk, work));
    }

    /// The work under way does one more operation.
    pub(crate) fn go_on(&mut self) {
        if self.flight.as_mut().is_some_and(Flight::go_on) {
            self.flight = None;
        }
    }

    /// The work under way, if there is any, ends.
    pub(crate) fn land(&mut self) {
        if let Some(flight) = &mut self.flight {
            flight.land();
        }
        self.flight = None;
    }

    /// Says goodbye to everyone who is here.
    pub(crate) fn drain(&mut self, now: Millis, watch: &mut Watch) {
        for connection in self.connections.values_mut() {
            connection.drain(now, &self.shared, watch);
        }
    }

    /// Whether it still holds its end of this link.
    pub(crate) fn has(&self, link: u64) -> bool {
        self.connections.contains_key(&link)
    }
}

/// The one place where the store is opened.
fn open(
    (disk, archive): (&GatedDisk, Arc<dyn Archive>),
    entropy: SeededEntropy,
    sink: Arc<dyn Sink>,
    now: Millis,
) -> Result<(Embedded<GatedDisk>, Recovered), OpenError> {
    Embedded::open(settings(), (disk.clone(), archive), Box::new(entropy), sink, now)
}

fn settings() -> Settings {
    Settings {
        limits: Limits {
            mailbox_messages: BOUNDS.messages as u32,
            mailbox_bytes: BOUNDS.bytes,
            mailbox_sender_messages: BOUNDS.sender_messages as u32,
            room_messages: 10_000,
            room_bytes: 1 << 24,
            rooms: 16,
            unclaimed_bytes: 1 << 20,
            devices: 4,
            outboxes: 8,
            identity_ttl_ms: FOREVER_MS,
            message_ttl_ms: FOREVER_MS,
            dedup_window_ms: FOREVER_MS,
            full_retry_after_ms: 1_000,
        },
        durability: Durability::Fsync,
        segment_bytes: 64 * 1024,
        journal_bytes: 256 * 1024,
        index_bytes: 16 * 1024,
        mode: Mode::Manual,
    }
}

fn rules() -> Rules {
    Rules {
        ack_timeout_ms: ACK_TIMEOUT_MS,
        connect_timeout_ms: 10_000,
        max_message: 8192,
        max_attempts: 0,
        anonymous: true,
        claims: true,
        allow_all: false,
        open_claims: false,
        keep_unknown: false,
    }
}

/// Small, so that they are met.
pub(crate) const BOUNDS: Bounds = Bounds { messages: 60, sender_messages: 40, bytes: 40 * 1024 };
/// Nothing ends for its age.
const FOREVER_MS: Millis = 1 << 50;
/// How long somebody may be away before that is told.
pub(crate) const PRESENCE_GRACE_MS: Millis = 1_000;
/// The pause before an unacknowledged message comes again.
pub(crate) const ACK_TIMEOUT_MS: Millis = 3_000;
