//! Random histories of several clients and devices over small segments that are recycled all the time, cut short at a
//! random disk operation, over several lives of one store, against a small model of what was promised.

use std::collections::{BTreeMap, BTreeSet};

use ackd_engine::{
    Answer, Append, Command, Connect, Connected, CrashPlan, Credential, Delivery, Disconnect,
    FaultPlan, GivenUp, Limits, Notice, Read, Refusal, Settings, Settle, SimDisk,
};
use ackd_wire::{ClientId, MessageId, Name, Token};

use crate::rig::{Rig, accepted, append, limits, refused, settings};

/// A client: what it would keep over its own restarts, and what it was promised.
struct Client {
    id: ClientId,
    token: Token,
    /// The secret of a rotation that was answered.
    next_token: Option<Token>,
    /// Whether it was used, perhaps without an answer: then the old one may have ended.
    tried_next: bool,
    devices: Vec<Device>,
    last_n: u64,
    unanswered: BTreeMap<u64, (usize, Vec<u8>)>,
    accepted: BTreeMap<u64, (MessageId, usize)>,
}

struct Device {
    name: Name,
    here: Option<(u64, Connected)>,
    /// Whether its first entry was answered.
    known: bool,
    settled: BTreeSet<MessageId>,
    settled_durably: BTreeSet<MessageId>,
}

/// All clients, and what all of them know.
struct World {
    random: u64,
    clients: Vec<Client>,
    /// Whose message it is: sender, number, recipient.
    origin: BTreeMap<MessageId, (usize, u64, usize)>,
    /// Where each was seen.
    seqs: BTreeMap<(usize, MessageId), u64>,
    /// The receipt that tells what became of a message.
    finals: BTreeMap<MessageId, MessageId>,
    epochs: BTreeMap<usize, ackd_wire::Epoch>,
    room_number: u64,
    session: u64,
    bodies_bytes: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let client = |name: &str, devices: &[&str]| Client {
            id: ClientId::parse(name).expect("an ID"),
            token: token(name, 0),
            next_token: None,
            tried_next: false,
            devices: devices.iter().map(|name| Device::new(name)).collect(),
            last_n: 0,
            unanswered: BTreeMap::new(),
            accepted: BTreeMap::new(),
        };
        Self {
            random: seed,
            clients: vec![
                client("ann", &[""]),
                client("bob", &["", "phone"]),
                client("eve", &[""]),
            ],
            origin: BTreeMap::new(),
            seqs: BTreeMap::new(),
            finals: BTreeMap::new(),
            epochs: BTreeMap::new(),
            room_number: 0,
            session: 0,
            bodies_bytes: 0,
        }
    }

    /// Below `below`.
    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
        (self.random >> 33) % below
    }

    /// Lives on this store until it takes no more, or for so many steps.
    fn live(&mut self, rig: &mut Rig, steps: u64) {
        self.enter_all(rig);
        for _ in 0..steps {
            if rig.disk.is_off() || rig.engine.is_poisoned() {
                return;
            }
            self.step(rig);
            rig.engine.audit().expect("the books are right");
        }
    }

    /// As [`World::live`], by those who are here: nobody new gets in for lack of space.
    fn live_without_space(&mut self, rig: &mut Rig, steps: u64) {
        for _ in 0..steps {
            let client = self.random(3) as usize;
            match self.random(10) {
                0..=5 => self.send(rig, client),
                6 => self.settle(rig, client),
                7 => self.resend(rig, client),
                8 => self.reject(rig, client),
                _ => self.commit(rig),
            }
            rig.engine.audit().expect("the books are right");
        }
    }

    fn step(&mut self, rig: &mut Rig) {
        let client = self.random(3) as usize;
        match self.random(20) {
            0..=9 => self.send(rig, client),
            10..=12 => self.settle(rig, client),
            13 => self.reject(rig, client),
            14 => self.tick(rig),
            15 => self.leave_and_return(rig, client),
            16 => self.repeat(rig, client),
            17 => self.rotate(rig, client),
            18 => self.take_room_number(rig),
            _ => self.commit(rig),
        }
        rig.now += self.random(3);
    }

    fn enter_all(&mut self, rig: &Rig) {
        for client in 0..self.clients.len() {
            for device in 0..self.clients[client].devices.len() {
                self.enter(rig, client, device);
            }
            self.resend(rig, client);
        }
    }

    fn enter(&mut self, rig: &Rig, client: usize, device: usize) {
        self.commit(rig);
        self.session += 1;
        let (session, use_next) = (self.session, self.random(2) == 0);
        let who = &mut self.clients[client];
        let new = (use_next || who.tried_next) && who.next_token.is_some();
        who.tried_next |= new;
        let token = who.next_token.clone().filter(|_| new).unwrap_or(who.token.clone());
        let outbox = Name::parse_outbox("o").expect("a name");
        let name = who.devices[device].name.clone();
        let outbox = (device == 0).then_some(&outbox);
        let credential = Credential::Claim(&who.id, &token);
        let connect = Connect { credential, device: &name, outbox, acked: None };
        rig.submit(session, 1, Command::Connect(connect));
        rig.engine.commit();
        let mut outcome = rig.take();
        let Some((_, answer)) = outcome.answers.pop() else { panic!("no answer to an entry") };
        let Answer::Connected(connected) = answer else {
            return assert_eq!(refused(&answer), Some(Refusal::StoreUnavailable));
        };
        let who = &mut self.clients[client];
        if new {
            (who.token, who.next_token, who.tried_next) = (token, None, false);
        }
        let last = who.accepted.keys().next_back().copied().unwrap_or(0);
        assert!(device != 0 || last <= connected.sent, "{last} was accepted, {connected:?}");
        let epoch = *self.epochs.entry(client).or_insert(connected.epoch);
        assert_eq!(epoch, connected.epoch, "nothing was lost: the epoch stays");
        who.devices[device].known = true;
        who.devices[device].here = Some((session, *connected));
    }

    /// What a client does after a reconnect: everything unanswered again, in order.
    fn resend(&mut self, rig: &Rig, client: usize) {
        let unanswered = self.clients[client].unanswered.clone();
        for (n, (to, body)) in unanswered {
            self.submit_send(rig, client, (n, to), &body);
        }
        self.commit(rig);
    }

    fn send(&mut self, rig: &Rig, client: usize) {
        if self.clients[client].unanswered.len() > 20 {
            return self.commit(rig);
        }
        let (to, bytes) = (self.random(3) as usize, 1 + self.random(1500) as usize);
        let body = vec![b'a' + (bytes % 26) as u8; bytes];
        let who = &mut self.clients[client];
        who.last_n += 1;
        let n = who.last_n;
        who.unanswered.insert(n, (to, body.clone()));
        let id = MessageId::derive(who.id.as_str(), "o", n);
        self.origin.insert(id, (client, n, to));
        self.bodies_bytes += bytes as u64;
        self.submit_send(rig, client, (n, to), &body);
    }

    fn submit_send(&self, rig: &Rig, client: usize, (n, to): (u64, usize), body: &[u8]) {
        let Some((session, connected)) = &self.clients[client].devices[0].here else { return };
        let to = self.clients[to].id.as_str();
        let append: Append<'_> = append(connected, to, n, body);
        let (receipt, mark) = (wants_receipt(n), n.is_multiple_of(4).then_some("mark"));
        let append = Append { receipt, mark, ..append };
        rig.submit(*session, n as u32, Command::Append(append));
    }

    /// A repeat of something old or new.
    fn repeat(&mut self, rig: &Rig, client: usize) {
        self.commit(rig);
        let back = self.random(40);
        let who = &self.clients[client];
        let n = who.last_n.saturating_sub(back);
        let Some(&(id, to)) = who.accepted.get(&n) else { return };
        let (Some((session, connected)), recipient) = (&who.devices[0].here, &self.clients[to].id)
        else {
            return;
        };
        let append = append(connected, recipient.as_str(), n, b"other");
        let answer = rig.ask(*session, Command::Append(append));
        let stopped = rig.disk.is_off() || rig.engine.is_poisoned();
        assert!(stopped || accepted(&answer) == Some((id, true)), "{n}: {answer:?}");
    }

    fn settle(&mut self, rig: &Rig, client: usize) {
        let device = self.random(self.clients[client].devices.len() as u64) as usize;
        let Some(messages) = self.read(rig, client, device) else { return };
        let Some(last) = messages.last() else { return };
        let (session, connected) =
            self.clients[client].devices[device].here.as_ref().expect("it has read");
        let (session, reader) = (*session, connected.reader);
        let (up_to, seqs): (_, Vec<u64>) = if self.random(2) == 0 {
            let cut = self.random(messages.len() as u64) as usize;
            (
                Some(if self.random(3) == 0 {
                    last.message.seq
                } else {
                    messages[cut].message.seq
                }),
                Vec::new(),
            )
        } else {
            let some = messages.iter().map(|delivery| delivery.message.seq);
            (None, some.filter(|_| self.random(2) == 0).collect())
        };
        let settled = messages.iter().filter(|delivery| {
            let seq = delivery.message.seq;
            up_to.is_some_and(|up_to| seq <= up_to) || seqs.contains(&seq)
        });
        let device = &mut self.clients[client].devices[device];
        device.settled.extend(settled.map(|delivery| delivery.message.id));
        let settle = Settle { reader, up_to, seqs };
        rig.submit(session, ackd_engine::Tag::QUIET, Command::Settle(settle));
    }

    fn reject(&mut self, rig: &Rig, client: usize) {
        let Some(messages) = self.read(rig, client, 0) else { return };
        let Some(first) = messages.first() else { return };
        // Before any ack it ends for all devices; of the two, the other has settled it or is rid of it.
        for device in &mut self.clients[client].devices {
            device.settled.insert(first.message.id);
        }
        let device = &self.clients[client].devices[0];
        let (session, connected) = device.here.as_ref().expect("it has read");
        let (reader, seqs) = (connected.reader, vec![first.message.seq]);
        rig.submit(*session, 2, Command::Reject { reader, seqs, by: GivenUp::Reader });
    }

    fn leave_and_return(&mut self, rig: &Rig, client: usize) {
        self.commit(rig);
        let device = self.random(self.clients[client].devices.len() as u64) as usize;
        if let Some((session, connected)) = self.clients[client].devices[device].here.take() {
            let Connected { identity, reader, outbox, .. } = connected;
            let leave = Disconnect { identity, reader, outbox, unacked: vec![(1, 1)] };
            rig.submit(session, 3, Command::Disconnect(leave));
        }
        self.enter(rig, client, device);
        self.resend(rig, client);
    }

    fn rotate(&mut self, rig: &Rig, client: usize) {
        self.commit(rig);
        let secret = self.random(u64::from(u32::MAX));
        let who = &mut self.clients[client];
        let Some((session, connected)) = &who.devices[0].here else { return };
        if who.next_token.is_some() {
            return; // a rotation without an answer leaves only the present secret certain
        }
        let token = token(who.id.as_str(), secret);
        let command = Command::Rotate { identity: connected.identity, token: token.hash() };
        if matches!(rig.ask(*session, command), Answer::Done) {
            who.next_token = Some(token);
        }
    }

    fn take_room_number(&mut self, rig: &Rig) {
        self.commit(rig);
        if let Answer::RoomNumber(number) = rig.ask(999, Command::TakeRoomNumber) {
            assert!(self.room_number < number, "{number} was given before");
            self.room_number = number;
        }
    }

    fn tick(&mut self, rig: &Rig) {
        rig.engine.tick(rig.now);
        self.absorb(rig);
        if !rig.disk.is_off() && !rig.engine.is_poisoned() {
            for device in self.clients.iter_mut().flat_map(|client| &mut client.devices) {
                device.settled_durably = device.settled.clone();
            }
        }
    }

    fn commit(&mut self, rig: &Rig) {
        rig.engine.commit();
        self.absorb(rig);
    }

    /// Takes in what the engine has said.
    fn absorb(&mut self, rig: &Rig) {
        let outcome = rig.take();
        for (tag, answer) in outcome.answers {
            let client = self.clients.iter().position(|client| {
                client.devices[0].here.as_ref().is_some_and(|(key, _)| *key == tag.session.0)
            });
            let (Some(client), Some((id, dup))) = (client, accepted(&answer)) else { continue };
            let n = u64::from(tag.slot);
            let who = &mut self.clients[client];
            assert_eq!(id, MessageId::derive(who.id.as_str(), "o", n));
            assert!(dup || !who.accepted.contains_key(&n), "{n} was accepted twice");
            let (_, _, to) = self.origin[&id];
            who.unanswered.remove(&n);
            who.accepted.insert(n, (id, to));
        }
        for notice in outcome.notices {
            if let Notice::Stored { message, .. } = notice {
                let about = message.as_receipt().map(|receipt| receipt.of);
                let (from, _, to) = self.origin[&about.unwrap_or(message.id)];
                let owner = if about.is_some() { from } else { to };
                self.see(owner, message.id, message.seq);
                self.see_receipt(owner, &message);
            }
        }
    }

    fn see(&mut self, client: usize, id: MessageId, seq: u64) {
        let known = *self.seqs.entry((client, id)).or_insert(seq);
        assert_eq!(known, seq, "a message keeps its place");
    }

    /// One receipt for each state, to whoever has sent the message, and none to whoever has not asked.
    fn see_receipt(&mut self, client: usize, message: &ackd_engine::Message) {
        let Some(receipt) = message.as_receipt() else { return };
        let (sender, n, to) = self.origin[&receipt.of];
        assert_eq!((sender, Some(n)), (client, receipt.n));
        assert!(wants_receipt(n));
        assert_eq!(receipt.to, self.clients[to].id.as_str());
        if receipt.state.is_final() {
            let known = *self.finals.entry(receipt.of).or_insert(message.id);
            assert_eq!(known, message.id, "told twice what became of {}", receipt.of);
        }
    }

    /// All that waits for a device, in pages of random size.
    fn read(&mut self, rig: &Rig, client: usize, device: usize) -> Option<Vec<Delivery>> {
        let (session, connected) = self.clients[client].devices[device].here.as_ref()?;
        let (session, reader) = (*session, connected.reader);
        let (mut all, mut after) = (Vec::<Delivery>::new(), 0);
        loop {
            self.absorb(rig);
            let (messages, bytes) = (1 + self.random(50) as u16, 1 + self.random(30_000) as u32);
            let read = Read { reader, after, messages, bytes };
            rig.submit(session, u32::MAX - 1, Command::Read(read));
            rig.engine.read_waiting();
            let answer = rig.take().answers.pop().expect("a read is answered at once").1;
            let Answer::Page { messages, read_to, end, .. } = answer else { panic!("{answer:?}") };
            all.extend(messages);
            if read_to == end {
                break;
            }
            after = read_to;
        }
        for delivery in &all {
            self.see(client, delivery.message.id, delivery.message.seq);
            self.see_receipt(client, &delivery.message);
        }
        Some(all)
    }

    /// After a crash: what was promised holds.
    fn check(&mut self, rig: &Rig) {
        self.enter_all(rig);
        for client in 0..self.clients.len() {
            assert_eq!(self.clients[client].unanswered.len(), 0, "all is answered now");
        }
        for client in 0..self.clients.len() {
            for device in 0..self.clients[client].devices.len() {
                self.check_device(rig, client, device);
            }
        }
        rig.engine.audit().expect("the books are right");
    }

    fn check_device(&mut self, rig: &Rig, client: usize, device: usize) {
        let messages = self.read(rig, client, device).expect("it has entered");
        let seqs: Vec<u64> = messages.iter().map(|delivery| delivery.message.seq).collect();
        assert!(seqs.is_sorted_by(|seq, next| seq < next), "{seqs:?}");
        let ids: BTreeSet<MessageId> = messages.iter().map(|d| d.message.id).collect();
        assert_eq!(ids.len(), messages.len(), "each is there once");
        let settled = &self.clients[client].devices[device];
        for sender in &self.clients {
            for (n, (id, to)) in &sender.accepted {
                let lost = *to == client && !ids.contains(id) && !settled.settled.contains(id);
                let seq = self.seqs.get(&(client, *id));
                assert!(
                    !lost,
                    "{} has lost {n} of {}: {id} {seq:?} of {seqs:?} device {device}",
                    self.clients[client].id, sender.id
                );
            }
        }
        let returned = ids.intersection(&settled.settled_durably).count();
        assert_eq!(returned, 0, "nothing settled returns");
        // What was settled without a sync may be back, and is to be settled again.
        self.clients[client].devices[device].settled.retain(|id| !ids.contains(id));
        let mut last = [0; 3];
        for delivery in messages.iter().filter(|delivery| !delivery.message.is_receipt()) {
            let (sender, n, to) = self.origin[&delivery.message.id];
            assert_eq!(to, client);
            assert!(last[sender] < n, "the order of the numbers");
            last[sender] = n;
        }
    }

    /// The process is gone: nobody is connected any more.
    fn lose_connections(&mut self) {
        for device in self.clients.iter_mut().flat_map(|client| &mut client.devices) {
            device.here = None;
        }
    }
}

impl Device {
    fn new(name: &str) -> Self {
        Self {
            name: Name::parse_device(name).expect("a name"),
            here: None,
            known: false,
            settled: BTreeSet::new(),
            settled_durably: BTreeSet::new(),
        }
    }
}

fn wants_receipt(n: u64) -> bool {
    n.is_multiple_of(2)
}

fn token(name: &str, secret: u64) -> Token {
    let mut bytes = [0; 32];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    bytes[16..24].copy_from_slice(&secret.to_le_bytes());
    Token::new(bytes)
}

fn small() -> Settings {
    let limits = Limits {
        mailbox_messages: 5_000,
        mailbox_bytes: 1 << 30,
        mailbox_sender_messages: 5_000,
        identity_ttl_ms: 1 << 40,
        message_ttl_ms: 1 << 40,
        ..limits()
    };
    Settings { limits, segment_bytes: 64 * 1024, journal_bytes: 192 * 1024, ..settings() }
}

/// Four lives of one store, the first three ended by a fault at a random operation.
fn history(seed: u64, fault: impl Fn(u64) -> FaultPlan) {
    let mut world = World::new(seed);
    let disk = SimDisk::default();
    let mut rig = Rig::with(small(), disk.clone(), seed, 1000).expect("it opens");
    for life in 0..4 {
        world.live(&mut rig, 60); // all have entered, the fault comes later
        disk.plan(fault(1 + world.random(120)));
        world.live(&mut rig, 400);
        let plan = match world.random(3) {
            0 => CrashPlan::Lose,
            1 => CrashPlan::Keep,
            _ => CrashPlan::Random(seed ^ life),
        };
        rig.crash(plan);
        world.lose_connections();
        rig = rig.reopen();
        world.check(&rig);
    }
}

/// How many histories are tried: more in a long run.
fn histories(few: u64) -> u64 {
    std::env::var("ACKD_HISTORIES").ok().and_then(|many| many.parse().ok()).unwrap_or(few)
}

#[test]
fn a_disk_that_is_full_for_a_while_loses_nothing() {
    for seed in 0..histories(20) {
        let mut world = World::new(seed);
        let disk = SimDisk::default();
        let mut rig = Rig::with(small(), disk.clone(), seed, 1000).expect("it opens");
        world.live(&mut rig, 60);
        for _ in 0..3 {
            let capacity = Some(disk.used() + world.random(40_000));
            disk.plan(FaultPlan { capacity, ..FaultPlan::default() });
            world.live_without_space(&mut rig, 300);
            assert!(!rig.engine.is_poisoned(), "a full disk is no failure");
            disk.plan(FaultPlan::default());
            world.check(&rig);
            world.live(&mut rig, 50);
        }
        rig.crash(CrashPlan::Lose);
        world.lose_connections();
        rig = rig.reopen();
        world.check(&rig);
    }
}

#[test]
fn promises_hold_over_power_cuts() {
    for seed in 0..histories(30) {
        history(seed, |at| FaultPlan { power_cut_at: Some(at), ..FaultPlan::default() });
    }
}

#[test]
fn promises_hold_over_failing_writes_and_syncs() {
    for seed in 0..histories(20) {
        history(seed, |at| FaultPlan { error_at: Some(at), ..FaultPlan::default() });
    }
}
