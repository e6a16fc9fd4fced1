//! Everything that takes part in a run: the disk, the server if it is up, the network, the clients, the clock; and what
//! is always done in the same way, step after step.

mod act;
mod fault;
mod settle;

use std::collections::BTreeMap;
use std::sync::Arc;

use ackd_engine::{FaultPlan, SimArchive, SimDisk};
use ackd_server::dialect::Format;
use ackd_wire::{ClientId, Millis, Name, Token};
use parking_lot::Mutex;

use crate::client::{Client, Manner, Next, Stage};
use crate::flight::Work;
use crate::frames;
use crate::link::{Link, Packet};
use crate::log::{Log, note};
use crate::model::Model;
use crate::plan::{Fault, Plan};
use crate::random::Random;
use crate::server::{BOUNDS, Server};
use crate::shelf::ArchiveCounts;
use crate::violation::Promise;
use crate::watch::Watch;

/// The world of one run.
#[derive(Debug)]
pub(crate) struct World {
    plan: Plan,
    now: Millis,
    disk: SimDisk,
    archive: SimArchive,
    counts: Arc<Mutex<ArchiveCounts>>,
    /// What of the disk fails at present.
    faults: FaultPlan,
    /// The disk is full until then.
    full_until: Option<Millis>,
    server: Option<Server>,
    /// Steps between two misfortunes of the server, on average.
    calm: u64,
    /// Whether there are rooms, and people who look around.
    roams: bool,
    /// Steps of a hundred that end with a commit.
    commits: u64,
    /// Lives of the store so far.
    life: u64,
    /// When the server starts, if it is down; when it is ended, if it cannot write.
    starts_at: Millis,
    ends_at: Option<Millis>,
    links: BTreeMap<u64, Link>,
    last_link: u64,
    clients: Vec<Client>,
    /// IDs of the identities.
    names: Vec<String>,
    pub(crate) watch: Watch,
}

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut random = Random::new(plan.seed, SETUP);
        let mut model = Model::new(BOUNDS);
        let (mut clients, mut names) = (Vec::new(), Vec::new());
        for person in 0..plan.identities as usize {
            let id = ClientId::parse(&format!("p{person}")).expect("a short name");
            let token = Token::new(random.secret());
            model.add_person(&id);
            names.push(id.to_string());
            let devices = if random.one_in(3) { 2 } else { 1 };
            for device in 0..devices {
                clients.push(client((person, id.clone(), token.clone()), device, &mut random));
            }
        }
        let watch = Watch { log: Log::default(), model };
        let disk = SimDisk::default();
        Self {
            plan: plan.clone(),
            now: START,
            archive: SimArchive::new(&disk),
            counts: Arc::default(),
            disk,
            faults: FaultPlan::default(),
            full_until: None,
            server: None,
            commits: [20, 60, 90][random.below(3) as usize],
            roams: random.one_in(3),
            calm: [20, 50, 120, 300][random.below(4) as usize],
            life: 0,
            starts_at: START,
            ends_at: None,
            links: BTreeMap::new(),
            last_link: 0,
            clients,
            names,
            watch,
        }
    }

    /// The whole run.
    pub(crate) fn run(&mut self) {
        for step in 0..self.plan.steps {
            if self.watch.model.violation().is_some() {
                return;
            }
            if !self.plan.skips(step) {
                self.step(step);
            }
        }
        if self.watch.model.violation().is_none() {
            self.settle();
        }
        self.watch.model.figures.archive = *self.counts.lock();
    }

    fn step(&mut self, step: u64) {
        let mut random = Random::new(self.plan.seed, step);
        self.now += match random.below(100) {
            0..60 => random.below(3),
            60..90 => random.below(50),
            90..98 => random.below(1_000),
            _ => random.below(5_000),
        };
        self.watch.log.at(step, self.now - START);
        if random.one_in(self.calm) {
            self.misfortune(&mut random);
        }
        self.act(&mut random);
        self.go_on(&mut random, true);
    }

    /// What happens by itself: packets arrive, clients and sessions do what they do then, the engine commits.
    fn go_on(&mut self, random: &mut Random, patient: bool) {
        self.watch.model.now = self.now;
        self.keep_server(random);
        self.watch_live();
        self.clients_read(random);
        self.clients_speak(random);
        if let Some(server) = &mut self.server {
            server.tick_presence(self.now);
            server.turn(self.now, &mut self.links, &mut self.watch, random, patient);
        }
        self.look_at_disk(random);
        if !patient || random.percent(self.commits) {
            self.commit(patient, random);
        }
        self.audit();
        let Self { links, clients, server, .. } = self;
        links.retain(|number, _| {
            let client = clients.iter().any(|client| client.link == Some(*number));
            client || server.as_ref().is_some_and(|server| server.has(*number))
        });
    }

    /// The engine works: at once, or operation by operation while everything goes on.
    fn commit(&mut self, patient: bool, random: &mut Random) {
        let Some(server) = &mut self.server else { return };
        if server.is_busy() {
            if patient && random.percent(60) {
                server.go_on();
                pass_commit(server, self.roams);
                if server.is_busy() && !server.is_committing() && random.one_in(3) {
                    server.engine.commit(); // housekeeping lets others commit
                }
            } else {
                server.land();
            }
        } else if patient && random.one_in(4) {
            let tick = random.one_in(3);
            server.begin(if tick { Work::Tick(self.now) } else { Work::Commit });
            pass_commit(server, self.roams);
        } else if random.one_in(12) {
            server.begin(Work::Tick(self.now));
            server.land();
        } else {
            server.engine.commit();
        }
        let ended = !server.is_busy();
        if ended && !self.disk.is_off() && !server.engine.is_poisoned() && self.full_until.is_none()
        {
            self.watch.model.committed();
        }
        self.look_at_disk(random);
    }

    fn audit(&mut self) {
        let Some(server) = self.server.as_ref().filter(|server| !server.is_busy()) else {
            return; // its counts hold when nothing is under way
        };
        let counts = *self.counts.lock();
        if let Err(what) = server.engine.audit() {
            self.watch.model.broken(Promise::Engine, what);
        }
        *self.counts.lock() = counts; // what was read to check is nobody's
    }

    /// Live messages that may have met a full store or mailbox are promised no more.
    fn watch_live(&mut self) {
        let Some(server) = &self.server else { return };
        let engine = &server.engine;
        if engine.is_poisoned() || engine.is_disk_full() || self.full_until.is_some() {
            self.watch.model.live_lost();
        } else {
            self.watch.model.live_crowded();
        }
    }

    fn clients_read(&mut self, random: &mut Random) {
        let Self { clients, links, watch, now, names, .. } = self;
        for client in clients.iter_mut().filter(|client| client.reads_at <= *now) {
            let Some(link) = client.link.and_then(|number| links.get_mut(&number)) else {
                continue;
            };
            let mut next = Next::GoOn;
            while next != Next::Reconnect
                && let Some(packet) = link.down.pop(*now)
            {
                next = client.hear(*now, &packet, random);
                if next == Next::Repeat {
                    client.repeat(names, &watch.model);
                }
            }
            let noticed = link.client_notices.is_some_and(|at| at <= *now) && link.down.is_empty();
            if next == Next::Reconnect || noticed {
                link.up.push(*now, Packet::End, random);
                note!(watch.log, "{} has lost #{}", client.label, client.link.unwrap_or(0));
                client.lose_connection(*now, random);
            }
        }
    }

    fn clients_speak(&mut self, random: &mut Random) {
        let Self { clients, links, watch, now, names, .. } = self;
        for client in clients {
            if client.stage == Stage::Here && client.repeats_at.is_some_and(|at| at <= *now) {
                client.repeat(names, &watch.model);
            }
            let texts = client.take_outgoing();
            let Some(link) = client.link.and_then(|number| links.get_mut(&number)) else {
                continue;
            };
            for text in texts {
                note!(watch.log, "{} > {text}", client.label);
                let packet = if client.manner.msgpack {
                    Packet::Binary(frames::to_msgpack(&text))
                } else {
                    Packet::Text(text)
                };
                link.up.push(*now, packet, random);
            }
        }
    }

    /// A client makes a connection. Its old one, if it has one still, is given up without a word.
    fn connect(&mut self, client: usize, random: &mut Random) {
        if self.server.is_none() {
            self.clients[client].returns_at = self.now + random.below(300);
            return;
        }
        self.last_link += 1;
        let (number, now) = (self.last_link, self.now);
        self.links.insert(number, Link::default());
        let rude = self.plan.faults.has(Fault::Rude) && random.one_in(40);
        let client = &mut self.clients[client];
        note!(self.watch.log, "{} makes #{number}", client.label);
        client.connect(number, rude, random);
        if let Some(server) = &mut self.server {
            let format = if client.manner.msgpack { Format::MessagePack } else { Format::Json };
            self.watch.model.figures.binary += u64::from(client.manner.msgpack);
            server.accept(number, format, now, random);
        }
    }
}

/// A missed live message waits until it fits into a commit, so nothing stands still in a commit where there are any.
fn pass_commit(server: &mut Server, roams: bool) {
    while roams && server.is_committing() {
        server.go_on();
    }
}

fn client(
    (person, id, token): (usize, ClientId, Token),
    device: u64,
    random: &mut Random,
) -> Client {
    let manner = Manner::new(random);
    let device_name = if device == 0 { String::new() } else { format!("d{device}") };
    let device_name = Name::parse_device(&device_name).expect("a short name");
    let outbox = Name::parse_outbox(&format!("o{device}")).expect("a short name");
    let outbox = Some(outbox).filter(|_| !random.one_in(4));
    Client::new((person, id, token), device_name, outbox, manner)
}

/// The time when every run begins.
const START: Millis = 1_800_000_000_000;
/// The stream of numbers that the world is set up from; steps have the low ones.
const SETUP: u64 = u64::MAX;
