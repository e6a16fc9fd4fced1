//! Several nodes on a bus in memory that loses, repeats and delays frames.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

use ackd_engine::{Disconnect, Tag};

use super::super::rooms::Members;
use super::*;
use crate::session::Watched;

/// Frames on their way, and which nodes can be reached.
#[derive(Debug, Default)]
struct Net {
    frames: Mutex<Vec<(NodeId, Vec<u8>)>>,
    cut: Mutex<BTreeSet<NodeId>>,
}

#[derive(Debug)]
struct Wire(Arc<Net>, NodeId);

impl Bus for Wire {
    fn send(&self, to: NodeId, frame: Vec<u8>) {
        if self.is_up() && !self.0.cut.lock().contains(&to) {
            self.0.frames.lock().push((to, frame));
        }
    }

    fn is_up(&self) -> bool {
        !self.0.cut.lock().contains(&self.1)
    }
}

/// What all nodes store, for whom.
#[derive(Debug, Default)]
struct SharedStore(Mutex<BTreeSet<(String, MessageId)>>);

impl Engine for SharedStore {
    fn submit(&self, _: Millis, batch: &mut Vec<Submission<'_>>) {
        for submission in batch.drain(..) {
            if let Verb::Append(append) = submission.command {
                let id = append.id.expect("only what was missed is stored here");
                let whose = match append.to {
                    Target::Mailbox(log) => name(log.0),
                    Target::Name(name) => name.to_owned(),
                    Target::Room { .. } => unreachable!("no room is durable here"),
                };
                self.0.lock().insert((whose, id));
            }
        }
    }
}

/// The identity that has a mailbox.
fn name(log: u64) -> String {
    format!("i{log}")
}

struct Client {
    node: NodeId,
    key: SessionKey,
    inbox: Arc<Inbox>,
    log: u64,
    /// It was told that it is in the lobby, by this session number of others.
    members: Option<u64>,
    asked: bool,
    /// It is to come back.
    is_sent_away: bool,
    got: BTreeSet<MessageId>,
}

/// A cluster, its time, and its clients.
struct Cluster {
    net: Arc<Net>,
    store: Arc<SharedStore>,
    nodes: BTreeMap<NodeId, Router>,
    /// Those that take clients.
    serving: BTreeSet<NodeId>,
    clients: Vec<Client>,
    /// Clients whose connections have ended.
    past: Vec<Client>,
    now: Millis,
    last_node: u64,
    last_message: u8,
}

impl Cluster {
    fn of(nodes: usize) -> Self {
        let mut cluster = Self {
            net: Arc::default(),
            store: Arc::default(),
            nodes: BTreeMap::new(),
            serving: BTreeSet::new(),
            clients: Vec::new(),
            past: Vec::new(),
            now: 1_000,
            last_node: 0,
            last_message: 0,
        };
        for _ in 0..nodes {
            cluster.start_node();
        }
        cluster.settle();
        cluster
    }

    fn start_node(&mut self) -> NodeId {
        self.last_node += 1;
        let node = NodeId(self.last_node);
        let switchboard = Arc::new(Switchboard::default());
        switchboard.set_up_nodes(node, Arc::new(Wire(self.net.clone(), node)));
        switchboard.set_up_presence(5_000, 0);
        self.nodes.insert(node, Router::new(self.store.clone(), switchboard));
        let known: Vec<_> = self.nodes.keys().copied().collect();
        self.nodes[&node].meet(self.now, known);
        node
    }

    fn node(&self, place: usize) -> NodeId {
        *self.nodes.keys().nth(place).unwrap()
    }

    /// Frames arrive, all and in order, until nobody says anything more.
    fn settle(&mut self) {
        loop {
            let frames = std::mem::take(&mut *self.net.frames.lock());
            if frames.is_empty() {
                break;
            }
            for (to, frame) in frames {
                self.arrive(to, &frame);
            }
        }
        self.read();
    }

    fn arrive(&self, to: NodeId, frame: &[u8]) {
        if let Some(router) = self.nodes.get(&to) {
            router.hear(self.now, frame);
        }
    }

    fn pass(&mut self, ms: Millis) {
        for _ in 0..ms / 250 {
            self.now += 250;
            let known: Vec<_> = self.nodes.keys().copied().collect();
            for router in self.nodes.values() {
                router.meet(self.now, known.iter().copied());
                router.tick_nodes(self.now);
                router.tick_presence(self.now, Waker::noop());
            }
            self.settle();
        }
    }

    fn enter(&mut self, node: NodeId, log: u64) -> usize {
        let router = &self.nodes[&node];
        let (key, inbox) = router.switchboard().open(DialectKind::V1);
        deliver_entry(router, key, &name(log), log);
        drain(&inbox);
        let (members, asked, is_sent_away, got) = (None, false, false, BTreeSet::new());
        self.clients.push(Client { node, key, inbox, log, members, asked, is_sent_away, got });
        self.clients.len() - 1
    }

    fn ask(&self, client: usize, request: Request<'_>) {
        let Client { node, key, .. } = self.clients[client];
        self.nodes[&node].submit(key, self.now, &mut vec![request]);
    }

    fn join(&mut self, client: usize) {
        self.clients[client].asked = true;
        self.ask(client, Request::Join { slot: 1, room: lobby() });
        self.read();
    }

    fn publish(&mut self, client: usize) -> MessageId {
        self.last_message += 1;
        let id = MessageId([self.last_message; 16]);
        let from = ClientId::parse(&name(self.clients[client].log)).unwrap();
        let (audience, body) = (Audience::Room(lobby()), b"{}".as_slice().into());
        let (encoding, persist) = (Encoding::Json, Persist::Miss);
        self.ask(client, Request::Publish(Publish { id, from, audience, encoding, body, persist }));
        self.read();
        id
    }

    /// A connection ends: as a session says it.
    fn leave(&mut self, client: usize) {
        self.read();
        let log = LogKey(self.clients[client].log);
        let unacked: Vec<_> = self.clients[client].got.iter().copied().collect();
        self.ask(client, Request::Leave { slot: Tag::QUIET, room: lobby() });
        self.ask(client, Request::LiveMissed { log, ids: unacked });
        let reader = ReaderKey { log, index: 0 };
        let identity = IdentityKey(log.0);
        let disconnect = Disconnect { identity, reader, outbox: None, unacked: Vec::new() };
        let command = Verb::Disconnect(disconnect);
        self.ask(client, Request::Engine { slot: Tag::QUIET, command });
        let client = self.clients.swap_remove(client);
        self.nodes[&client.node].switchboard().close(client.key);
        self.past.push(client);
    }

    /// Whoever is sent away goes.
    fn go(&mut self) {
        while let Some(client) = self.clients.iter().position(|client| client.is_sent_away) {
            self.leave(client);
        }
    }

    fn kill(&mut self, node: NodeId) {
        self.read();
        self.nodes.remove(&node);
        let (dead, here) = self.clients.drain(..).partition(|client| client.node == node);
        self.clients = here;
        self.past.extend::<Vec<_>>(dead);
    }

    /// Every client reads what has come for it.
    fn read(&mut self) {
        for client in &mut self.clients {
            for signal in drain(&client.inbox) {
                match signal {
                    Signal::Live { message, .. } => {
                        client.got.insert(message.id);
                    }
                    Signal::Drain { .. } => client.is_sent_away = true,
                    Signal::Members(_, members) => client.members = Some(members),
                    _ => {}
                }
            }
        }
    }

    fn has(&self, log: u64, id: MessageId) -> bool {
        let all = self.clients.iter().chain(&self.past);
        all.into_iter().any(|client| client.log == log && client.got.contains(&id))
            || self.store.0.lock().contains(&(name(log), id))
    }

    /// Who a node says is in the lobby.
    fn members_at(&self, node: NodeId) -> Vec<String> {
        let state = self.nodes[&node].switchboard().state.lock();
        let ids = state.rooms.get(&lobby()).map(Members::ids).unwrap_or_default();
        let count = state.rooms.count(&lobby());
        assert_eq!(ids.len() as u64, count, "who is there is counted");
        let mut names: Vec<_> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        names.sort_unstable();
        names
    }
}

#[test]
fn whoever_is_told_to_be_in_a_room_gets_what_is_sent_there_on_any_node() {
    let mut cluster = Cluster::of(3);
    let [here, there] = [cluster.node(0), cluster.node(2)];
    let (ann, bob) = (cluster.enter(here, 1), cluster.enter(there, 2));
    cluster.settle();
    cluster.join(ann);
    assert_eq!(cluster.clients[ann].members, None, "not every node knows yet");
    cluster.settle();
    assert_eq!(cluster.clients[ann].members, Some(1));
    cluster.join(bob);
    cluster.settle();
    assert_eq!(cluster.clients[bob].members, Some(2));
    let id = cluster.publish(ann);
    cluster.settle();
    assert!(cluster.clients[bob].got.contains(&id) && !cluster.clients[ann].got.contains(&id));
}

#[test]
fn whoever_loses_its_connection_while_a_message_is_on_the_way_to_its_node_has_missed_it() {
    let mut cluster = Cluster::of(2);
    let [here, there] = [cluster.node(0), cluster.node(1)];
    let (ann, bob) = (cluster.enter(here, 1), cluster.enter(there, 2));
    cluster.join(ann);
    cluster.join(bob);
    cluster.settle();
    let id = cluster.publish(ann);
    cluster.leave(bob);
    assert!(!cluster.has(2, id));
    cluster.settle();
    assert!(cluster.has(2, id), "stored by the node that it had left");
    let later = cluster.publish(ann);
    cluster.settle();
    assert!(!cluster.has(2, later), "it was not there when this was sent");
}

#[test]
fn what_had_not_reached_a_node_that_died_is_stored_for_who_was_there() {
    let mut cluster = Cluster::of(2);
    let [here, there] = [cluster.node(0), cluster.node(1)];
    let (ann, bob) = (cluster.enter(here, 1), cluster.enter(there, 2));
    cluster.join(ann);
    cluster.join(bob);
    cluster.settle();
    let watched = Watched::Ids(vec![ClientId::parse("i2").unwrap()]);
    cluster.ask(ann, Request::Watch { slot: 1, watched });
    drain(&cluster.clients[ann].inbox);
    cluster.kill(there);
    let id = cluster.publish(0);
    cluster.pass(9_000);
    assert!(!cluster.has(2, id), "it may be slow");
    let state = |cluster: &Cluster| cluster.members_at(here);
    assert_eq!(state(&cluster), ["i1", "i2"]);
    cluster.pass(2_000);
    assert!(cluster.has(2, id));
    assert_eq!(state(&cluster), ["i1"]);
    let told = |cluster: &Cluster| {
        drain(&cluster.clients[0].inbox)
            .iter()
            .any(|signal| matches!(signal, Signal::PresenceChanged))
    };
    assert!(!told(&cluster), "the grace has not passed");
    for router in cluster.nodes.values() {
        router.tick_presence(cluster.now + 5_000, Waker::noop());
    }
    assert!(told(&cluster));
}

#[test]
fn a_live_message_that_is_settled_on_one_node_is_stored_by_no_other() {
    let mut cluster = Cluster::of(2);
    let [here, there] = [cluster.node(0), cluster.node(1)];
    let ann = cluster.enter(here, 1);
    let tabs = [cluster.enter(here, 2), cluster.enter(there, 2)];
    for client in [ann, tabs[0], tabs[1]] {
        cluster.join(client);
    }
    cluster.settle();
    let id = cluster.publish(ann);
    cluster.settle();
    cluster.ask(tabs[0], Request::LiveAck { log: LogKey(2), ids: vec![id] });
    cluster.settle();
    cluster.ask(tabs[1], Request::LiveMissed { log: LogKey(2), ids: vec![id] });
    assert!(cluster.store.0.lock().is_empty());
}

/// Numbers from a seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }
}

impl Cluster {
    /// Some frames arrive, in any order; some are lost, some come twice.
    fn stir(&mut self, dice: &mut Dice) {
        let mut frames = std::mem::take(&mut *self.net.frames.lock());
        while !frames.is_empty() && dice.roll(10) != 0 {
            let place = if dice.roll(3) == 0 { dice.roll(frames.len()) } else { 0 };
            let (to, frame) = frames.remove(place);
            match dice.roll(8) {
                0 => {}
                1 => {
                    self.arrive(to, &frame);
                    self.arrive(to, &frame);
                }
                _ => self.arrive(to, &frame),
            }
        }
        frames.append(&mut self.net.frames.lock());
        *self.net.frames.lock() = frames;
        self.read();
    }

    /// `cuts`: nodes may lose one another.
    fn step(&mut self, dice: &mut Dice, cuts: bool, owed: &mut Vec<(NodeId, u64, MessageId)>) {
        self.go();
        let node = self.node(dice.roll(self.nodes.len()));
        let client = (!self.clients.is_empty()).then(|| dice.roll(self.clients.len()));
        match (dice.roll(40), client) {
            (0, _) => {
                self.kill(node);
                owed.retain(|(publisher, ..)| *publisher != node);
                self.start_node();
            }
            (1, _) if cuts => {
                self.net.cut.lock().insert(node);
            }
            (2..5, _) => self.net.cut.lock().clear(),
            (5..7, Some(client)) => self.leave(client),
            (7..14, Some(client)) if self.clients[client].asked && self.last_message < 250 => {
                let publisher = (self.clients[client].node, self.clients[client].log);
                let owing: Vec<_> = self.clients.iter().filter(|to| to.members.is_some()).collect();
                let logs: Vec<_> = owing.iter().map(|to| to.log).collect();
                let id = self.publish(client);
                // To a node that cannot be heard for long those on it are gone, and they are sent away once it can.
                let known = self.members_at(publisher.0);
                let to = logs.into_iter().filter(|log| {
                    let is_known = known.contains(&name(*log));
                    assert!(is_known || cuts, "i{log} was told to be in");
                    is_known && *log != publisher.1
                });
                owed.extend(to.map(|log| (publisher.0, log, id)));
            }
            (14..18, _) if self.clients.len() < 12 => {
                if self.nodes[&node].is_even() {
                    self.serving.insert(node);
                }
                if !self.serving.contains(&node) {
                    return;
                }
                let log = 1 + dice.roll(5) as u64;
                self.enter(node, log);
            }
            (18..22, Some(client)) if !self.clients[client].asked => self.join(client),
            (22..26, _) => {
                self.now += 300 * dice.roll(4) as u64;
                self.now += if cuts && dice.roll(9) == 0 { 9_000 } else { 0 };
                for router in self.nodes.values() {
                    router.tick_nodes(self.now);
                }
            }
            _ => self.stir(dice),
        }
    }
}

#[test]
fn nothing_sent_is_missed_by_who_was_told_to_be_in_and_all_nodes_agree_in_the_end() {
    let mut messages = 0;
    for seed in 0..300 {
        let (mut dice, mut cluster, mut owed) = (Dice(seed), Cluster::of(3), Vec::new());
        for _ in 0..400 {
            cluster.step(&mut dice, seed % 2 == 1, &mut owed);
        }
        cluster.net.cut.lock().clear();
        cluster.pass(12_000);
        cluster.go();
        cluster.pass(12_000);
        messages += owed.len();
        for (_, log, id) in owed {
            assert!(cluster.has(log, id), "seed {seed}: i{log} has missed {id:?}");
        }
        let clients = cluster.clients.iter().filter(|client| client.asked);
        let mut names: Vec<_> = clients.map(|client| name(client.log)).collect();
        names.sort_unstable();
        names.dedup();
        for (node, router) in &cluster.nodes {
            assert_eq!(cluster.members_at(*node), names, "seed {seed}, {node:?}");
            assert!(router.is_even() && router.nodes() == 2, "seed {seed}, {node:?}");
        }
        for client in cluster.clients.iter().filter(|client| client.asked) {
            assert!(client.members.is_some(), "seed {seed}: never told to be in");
        }
    }
    assert!(messages > 300, "{messages} only");
}
