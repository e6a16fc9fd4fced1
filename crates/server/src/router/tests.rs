//! The router between a scripted engine and inboxes: who gets what from memory, and what is asked of the engine.

mod nodes;
mod presence;

use std::sync::Arc;

use ackd_engine::{
    Answer, Command as Verb, Connected, Encoding, Engine, IdentityKey, LogKey, Notice, Outcome,
    ReaderKey, SessionKey, Sink, Submission, Target,
};
use ackd_wire::{ClientId, Epoch, MessageId, Millis, Room};
use parking_lot::Mutex;

use super::*;
use crate::session::{Audience, DialectKind, Persist, Publish, Request, Signal};

/// Remembers, as text, which mailboxes it was asked to store messages in.
#[derive(Debug, Default)]
struct ScriptedEngine {
    stored: Mutex<Vec<(LogKey, MessageId)>>,
}

impl Engine for ScriptedEngine {
    fn submit(&self, _: Millis, batch: &mut Vec<Submission<'_>>) {
        for submission in batch.drain(..) {
            if let Verb::Append(append) = submission.command
                && let (Target::Mailbox(log), Some(id)) = (append.to, append.id)
            {
                self.stored.lock().push((log, id));
            }
        }
    }
}

struct Bench {
    engine: Arc<ScriptedEngine>,
    router: Router,
}

impl Bench {
    fn new() -> Self {
        let engine = Arc::new(ScriptedEngine::default());
        let router = Router::new(engine.clone(), Arc::new(Switchboard::default()));
        Self { engine, router }
    }

    /// A session that is here as `id`, whose mailbox is `log`.
    fn enter(&self, id: &str, log: u64, dialect: DialectKind) -> (SessionKey, Arc<Inbox>) {
        let (key, inbox) = self.router.switchboard().open(dialect);
        self.deliver_entry(key, id, log);
        drain(&inbox);
        (key, inbox)
    }

    fn deliver_entry(&self, key: SessionKey, id: &str, log: u64) {
        deliver_entry(&self.router, key, id, log);
    }

    fn ask(&self, key: SessionKey, request: Request<'_>) {
        self.router.submit(key, 0, &mut vec![request]);
    }

    fn join(&self, key: SessionKey, room: &Room) {
        self.ask(key, Request::Join { slot: 1, room: room.clone() });
    }

    fn publish(&self, key: SessionKey, from: &str, audience: Audience, persist: Persist) {
        let from = ClientId::parse(from).unwrap();
        let body = b"{}".as_slice().into();
        let encoding = Encoding::Json;
        let publish = Publish { id: ID, from, audience, encoding, body, persist };
        self.ask(key, Request::Publish(publish));
    }

    fn stored(&self) -> Vec<(LogKey, MessageId)> {
        self.engine.stored.lock().clone()
    }
}

fn deliver_entry(router: &Router, key: SessionKey, id: &str, log: u64) {
    let connected = Connected {
        id: ClientId::parse(id).unwrap(),
        token: None,
        new: false,
        identity: IdentityKey(log),
        reader: ReaderKey { log: LogKey(log), index: 0 },
        outbox: None,
        epoch: Epoch(0),
        acked: 0,
        end: 0,
        pending: 0,
        sent: 0,
        expires: 0,
        rooms: Vec::new(),
    };
    let answers = vec![(key.tag(0), Answer::Connected(Box::new(connected)))];
    router.switchboard().deliver(&mut Outcome { answers, notices: Vec::new() });
}

const ID: MessageId = MessageId([9; 16]);

fn lobby() -> Room {
    Room::parse("lobby").unwrap()
}

fn drain(inbox: &Inbox) -> Vec<Signal> {
    let mut signals = Vec::new();
    inbox.drain(&mut signals);
    signals
}

fn live(inbox: &Inbox) -> usize {
    drain(inbox).iter().filter(|signal| matches!(signal, Signal::Live { .. })).count()
}

fn message(seq: u64) -> ackd_engine::Message {
    let body = (Encoding::Json, b"1".as_slice());
    let mut message = ackd_engine::Message::live(ID, 0, "bob", None, body).unwrap();
    message.seq = seq;
    message
}

#[test]
fn a_room_message_reaches_every_member_but_its_sender() {
    let bench = Bench::new();
    let (ann, ann_inbox) = bench.enter("ann", 1, DialectKind::V1);
    let (bob, bob_inbox) = bench.enter("bob", 2, DialectKind::V1);
    let (_eve, eve_inbox) = bench.enter("eve", 3, DialectKind::V1);
    bench.join(ann, &lobby());
    bench.join(bob, &lobby());
    assert!(matches!(&drain(&bob_inbox)[..], [Signal::Members(1, 2)]));
    drain(&ann_inbox);
    bench.publish(ann, "ann", Audience::Room(lobby()), Persist::Never);
    assert_eq!((live(&ann_inbox), live(&bob_inbox), live(&eve_inbox)), (0, 1, 0));
    bench.publish(ann, "ann", Audience::RoomAndSender(lobby()), Persist::Never);
    assert_eq!((live(&ann_inbox), live(&bob_inbox)), (1, 1));
    bench.publish(ann, "ann", Audience::All, Persist::Never);
    assert_eq!((live(&ann_inbox), live(&bob_inbox), live(&eve_inbox)), (0, 1, 1));
}

#[test]
fn the_first_miss_stores_and_the_first_ack_ends_it() {
    let bench = Bench::new();
    let (ann, _) = bench.enter("ann", 1, DialectKind::V1);
    let (tab, tab_inbox) = bench.enter("bob", 2, DialectKind::V1);
    let (other, other_inbox) = bench.enter("bob", 2, DialectKind::V1);
    let to_bob = || Audience::Id("bob".into());
    bench.publish(ann, "ann", to_bob(), Persist::Miss);
    assert_eq!((live(&tab_inbox), live(&other_inbox)), (1, 1));
    let log = LogKey(2);
    bench.ask(tab, Request::LiveAck { log, ids: vec![ID] });
    assert!(matches!(&drain(&other_inbox)[..], [Signal::LiveOver(ID)]));
    bench.ask(other, Request::LiveMissed { log, ids: vec![ID] });
    assert_eq!(bench.stored(), [], "it was acknowledged on the other tab");

    bench.publish(ann, "ann", to_bob(), Persist::Miss);
    bench.ask(tab, Request::LiveMissed { log, ids: vec![ID] });
    bench.ask(other, Request::LiveMissed { log, ids: vec![ID] });
    assert_eq!(bench.stored(), [(log, ID)], "stored once");
}

#[test]
fn a_full_inbox_misses_and_a_choked_one_gets_no_signals() {
    let bench = Bench::new();
    let (ann, _) = bench.enter("ann", 1, DialectKind::V1);
    let (_, inbox) = bench.enter("bob", 2, DialectKind::V1);
    inbox.set_choked(true);
    bench.publish(ann, "ann", Audience::All, Persist::Never);
    assert_eq!(live(&inbox), 0);
    for _ in 0..1024 {
        bench.publish(ann, "ann", Audience::All, Persist::Miss);
    }
    assert_eq!(bench.stored(), []);
    bench.publish(ann, "ann", Audience::All, Persist::Miss);
    assert_eq!(bench.stored(), [(LogKey(2), ID)]);
    assert_eq!(live(&inbox), 1024);
}

#[test]
fn stored_mail_reaches_whoever_is_here_and_collapses_when_it_piles_up() {
    let bench = Bench::new();
    let (key, inbox) = bench.enter("bob", 2, DialectKind::V1);
    let stored = |seq| {
        let notices = vec![Notice::Stored { log: LogKey(2), message: message(seq) }];
        bench.router.switchboard().deliver(&mut Outcome { answers: Vec::new(), notices });
    };
    (1..=1030).for_each(stored);
    let signals = drain(&inbox);
    assert_eq!(signals.len(), 1025);
    assert!(matches!(signals.last(), Some(Signal::Grown(1030))));
    bench.router.switchboard().close(key);
    stored(1031);
    assert!(inbox.is_empty());
}

#[test]
fn classic_members_see_each_other_come_and_go_and_v1_members_do_not() {
    let bench = Bench::new();
    let (ann, ann_inbox) = bench.enter("ann", 1, DialectKind::Classic);
    let (bob, bob_inbox) = bench.enter("bob", 2, DialectKind::V1);
    let (eve, _) = bench.enter("eve", 3, DialectKind::Classic);
    for key in [ann, bob, eve] {
        bench.join(key, &lobby());
    }
    bench.ask(eve, Request::Leave { slot: 2, room: lobby() });
    let seen: Vec<_> = drain(&ann_inbox)
        .iter()
        .filter_map(|signal| match signal {
            Signal::Roommate { id, came } => Some((id.to_string(), *came)),
            _ => None,
        })
        .collect();
    assert_eq!(seen, [("ann".into(), true), ("eve".into(), true), ("eve".into(), false)]);
    assert!(!drain(&bob_inbox).iter().any(|signal| matches!(signal, Signal::Roommate { .. })));
}

#[test]
fn a_change_of_identity_takes_the_rooms_along_and_forgets_old_mail() {
    let bench = Bench::new();
    let (ann, inbox) = bench.enter("ann", 1, DialectKind::Classic);
    let (bob, _) = bench.enter("bob", 2, DialectKind::V1);
    bench.join(ann, &lobby());
    bench.join(bob, &lobby());
    drain(&inbox);
    bench.deliver_entry(ann, "carl", 3);
    drain(&inbox);
    let notices = vec![Notice::Stored { log: LogKey(1), message: message(1) }];
    bench.router.switchboard().deliver(&mut Outcome { answers: Vec::new(), notices });
    assert!(inbox.is_empty(), "mail for ann is not carl's");
    bench.publish(bob, "carl", Audience::Room(lobby()), Persist::Never);
    assert_eq!(live(&inbox), 0, "carl is the sender");
    bench.publish(bob, "ann", Audience::Room(lobby()), Persist::Never);
    assert_eq!(live(&inbox), 1);
}

#[test]
fn what_one_tab_settles_the_other_hears() {
    let bench = Bench::new();
    let (tab, tab_inbox) = bench.enter("bob", 2, DialectKind::V1);
    let (_, other_inbox) = bench.enter("bob", 2, DialectKind::V1);
    let reader = ReaderKey { log: LogKey(2), index: 0 };
    let notices = vec![Notice::Settled { reader, by: tab, up_to: Some(4), seqs: vec![6] }];
    bench.router.switchboard().deliver(&mut Outcome { answers: Vec::new(), notices });
    assert!(tab_inbox.is_empty());
    assert!(matches!(&drain(&other_inbox)[..], [Signal::Settled { up_to: Some(4), .. }]));
}
