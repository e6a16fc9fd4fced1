//! The power goes at every operation of one long checkpoint that moves everything at once: mail of several devices, of one
//! who is away and of a room, receipts, rejected messages, batches of the archive, and many segments that are freed. A
//! checkpoint changes nothing that anybody sees: after each cut everything is as it was before it.

use std::collections::BTreeMap;

use ackd_engine::{
    Address, Answer, Append, Command, Connect, Connected, CrashPlan, Credential, FaultPlan,
    GivenUp, JoinRoom, Limits, MemberKey, ReadRoom, RoomPlace, Settings, SettleRoom, SimDisk,
    Target,
};
use ackd_wire::{ClientId, MessageId, Name, Room};

use crate::rig::{Rig, accepted, append, limits, seqs, settings, token};

/// Nothing ends for its age, and the room only keeps its newest.
fn large() -> Rig {
    let limits = Limits {
        mailbox_messages: 1 << 20,
        mailbox_bytes: 1 << 30,
        mailbox_sender_messages: 1 << 20,
        room_messages: 60,
        room_bytes: 1 << 30,
        identity_ttl_ms: 1 << 40,
        message_ttl_ms: 1 << 40,
        ..limits()
    };
    let settings = Settings { limits, ..settings() };
    Rig::with(settings, SimDisk::default(), 1, 1000).expect("it opens")
}

/// The sessions of a history: two of Bob's.
const ANN: u64 = 1;
const BOB: u64 = 2;
const PHONE: u64 = 3;
const EVE: u64 = 4;

fn enter(rig: &Rig, session: u64, id: &str, device: &str) -> Connected {
    let (id, device) = (ClientId::parse(id).expect("an ID"), Name::parse_device(device));
    let (token, device) = (token(&id), device.expect("a name"));
    let outbox = Name::parse_outbox("o").expect("a name");
    let outbox = (session == ANN).then_some(&outbox);
    let credential = Credential::Claim(&id, &token);
    let connect = Connect { credential, device: &device, outbox, acked: None };
    match rig.ask(session, Command::Connect(connect)) {
        Answer::Connected(connected) => *connected,
        other => panic!("{other:?}"),
    }
}

fn join(rig: &Rig, session: u64, who: &Connected) -> RoomPlace {
    let room = Room::parse("team").expect("a room");
    let (identity, device) = (who.identity, who.reader.index);
    match rig
        .ask(session, Command::JoinRoom(JoinRoom { identity, device, room: &room, from: Some(1) }))
    {
        Answer::JoinedRoom(place) => *place,
        other => panic!("{other:?}"),
    }
}

fn member(who: &Connected, place: &RoomPlace) -> MemberKey {
    MemberKey { room: place.log, identity: who.identity, device: who.reader.index }
}

/// What a member has before it: what is there, and what has ended.
fn room(rig: &Rig, session: u64, member: MemberKey) -> (Vec<(u64, MessageId)>, String) {
    let read = ReadRoom { member, after: 0, messages: 1000, bytes: u32::MAX };
    match rig.ask(session, Command::ReadRoom(read)) {
        Answer::RoomPage(page) => {
            let there = page.messages.iter();
            let there = there.map(|delivery| (delivery.message.seq, delivery.message.id));
            (there.collect(), format!("{:?}", page.lost))
        }
        other => panic!("{other:?}"),
    }
}

/// Ann sends to Bob and asks for receipts, to Eve who is away, and to the room; Bob's devices settle in their own ways. All
/// of it is synced at the end.
fn live(rig: &Rig, sends: u64) {
    let ann = enter(rig, ANN, "ann", "");
    let (bob, phone) = (enter(rig, BOB, "bob", ""), enter(rig, PHONE, "bob", "phone"));
    let eve = enter(rig, EVE, "eve", "");
    let place = join(rig, ANN, &ann);
    join(rig, BOB, &bob);
    join(rig, EVE, &eve);
    let body = [b'7'; 900];
    for n in 1..=sends {
        let send = match n % 3 {
            0 => {
                let to = Target::Room { name: "team", live: false };
                Append { to, room: "team", address: Address::Room, ..append(&ann, "", n, &body) }
            }
            1 => Append { receipt: true, mark: Some("r"), ..append(&ann, "bob", n, &body) },
            _ => append(&ann, "eve", n, &body),
        };
        assert!(accepted(&rig.ask(ANN, Command::Append(send))).is_some(), "number {n}");
        if n.is_multiple_of(30) {
            settle(rig, [&ann, &bob, &phone], &place);
        }
    }
    // What trails is written with it.
    rig.ask(ANN, Command::TakeRoomNumber);
    rig.engine.commit();
}

fn settle(rig: &Rig, [ann, bob, phone]: [&Connected; 3], place: &RoomPlace) {
    let here = seqs(&rig.read(BOB, bob));
    if let [first, .., last] = here[..] {
        rig.submit(
            BOB,
            7,
            Command::Reject { reader: bob.reader, seqs: vec![first], by: GivenUp::Reader },
        );
        rig.settle(BOB, bob, Some(last.saturating_sub(3)), &[last]);
    }
    let there: Vec<u64> = seqs(&rig.read(PHONE, phone)).into_iter().step_by(2).collect();
    rig.settle(PHONE, phone, None, &there);
    let receipts: Vec<u64> = seqs(&rig.read(ANN, ann)).into_iter().step_by(2).collect();
    rig.settle(ANN, ann, None, &receipts);
    let (mail, _) = room(rig, BOB, member(bob, place));
    let half: Vec<u64> = mail.iter().map(|(seq, _)| *seq).step_by(2).collect();
    let up_to = half.get(half.len() / 3).copied();
    rig.ask(BOB, Command::SettleRoom(SettleRoom { member: member(bob, place), up_to, seqs: half }));
}

/// After a minute of rest the store puts everything in order.
fn rest(rig: &mut Rig) {
    rig.engine.tick(rig.now);
    rig.now += 61_000;
    rig.engine.tick(rig.now);
}

/// All that can be seen of the store: mailboxes and rooms by reader, with places, deliveries and epochs.
fn everything(rig: &Rig, sends: u64) -> BTreeMap<&'static str, String> {
    rig.engine.audit().expect("the books are right");
    let mut seen = BTreeMap::new();
    for (name, session, id, device) in [
        ("ann", ANN, "ann", ""),
        ("bob", BOB, "bob", ""),
        ("bob's phone", PHONE, "bob", "phone"),
        ("eve", EVE, "eve", ""),
    ] {
        let who = enter(rig, session, id, device);
        let mail: Vec<_> = rig
            .read(session, &who)
            .into_iter()
            .map(|delivery| {
                let receipt = delivery.message.as_receipt();
                let of = receipt.map(|receipt| (receipt.of, receipt.state, receipt.n));
                (delivery.message.seq, delivery.message.id, of)
            })
            .collect();
        let rooms: Vec<_> =
            who.rooms.iter().map(|place| (place.room.clone(), place.epoch)).collect();
        let in_rooms: Vec<_> =
            who.rooms.iter().map(|place| room(rig, session, member(&who, place))).collect();
        let mailbox = (who.epoch, who.acked, who.sent);
        seen.insert(name, format!("{mailbox:?} {mail:?} {rooms:?} {in_rooms:?}"));
    }
    let ann = enter(rig, ANN, "ann", "");
    // Of older numbers the outcome is forgotten, as the contract says.
    for n in sends.saturating_sub(1000) + 1..=sends {
        let again = rig.ask(ANN, Command::Append(append(&ann, "bob", n, b"1")));
        let id = MessageId::derive("ann", "o", n);
        assert_eq!(accepted(&again), Some((id, true)), "number {n}: {again:?}");
    }
    seen
}

/// A store with all of it in the journal, as it is after a restart; what is seen of it then is stored.
fn full(sends: u64) -> (Rig, BTreeMap<&'static str, String>) {
    let mut rig = large();
    live(&rig, sends);
    let segments = rig.disk.used() / rig.segment_bytes();
    assert!(8 < segments, "{segments} segments");
    rig.crash(CrashPlan::Lose);
    let rig = rig.reopen();
    let before = everything(&rig, sends);
    rig.ask(ANN, Command::TakeRoomNumber);
    (rig, before)
}

/// It must all be as it was.
fn check(rig: &Rig, sends: u64, before: &BTreeMap<&'static str, String>, when: &str) {
    for (reader, now) in everything(rig, sends) {
        assert_eq!(now, before[reader], "{reader}, {when}");
    }
}

/// Cuts the power at every `stride`th operation of the checkpoint.
fn cut_everywhere(sends: u64, stride: usize) {
    let (mut rig, before) = full(sends);
    rig.disk.plan(FaultPlan::default());
    rest(&mut rig);
    let operations = rig.disk.operations();
    assert!(rig.archived_bytes() != 0, "nothing was moved");
    check(&rig, sends, &before, "without a cut");
    assert!(80 < operations, "{operations} operations are no long checkpoint");
    for cut in (1..=operations).step_by(stride) {
        for plan in [CrashPlan::Lose, CrashPlan::Keep, CrashPlan::Random(cut)] {
            let (mut rig, before) = full(sends);
            rig.disk.plan(FaultPlan { power_cut_at: Some(cut), ..FaultPlan::default() });
            rest(&mut rig);
            assert!(rig.disk.is_off(), "{cut} of {operations}");
            rig.crash(plan);
            let mut rig = rig.reopen();
            check(&rig, sends, &before, &format!("cut {cut} of {operations}, {plan:?}"));
            // And the next checkpoint ends what this one began.
            rest(&mut rig);
            rig.crash(CrashPlan::Lose);
            check(&rig.reopen(), sends, &before, &format!("cut {cut}, {plan:?}, then to the end"));
        }
    }
}

#[test]
fn the_power_goes_at_every_operation_of_a_long_checkpoint() {
    cut_everywhere(1500, 1);
}
