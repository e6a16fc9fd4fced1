//! Durable rooms: the power goes at every operation of a history; a member more costs a send nothing.

use std::collections::BTreeMap;

use ackd_engine::{
    Address, Answer, Append, Command, Connected, CrashPlan, Credential, FaultPlan, JoinRoom,
    Limits, MemberKey, ReadRoom, Refusal, RoomPlace, Settings, SettleRoom, SimDisk, Target,
};
use ackd_wire::{ClientId, MessageId, Room};

use crate::rig::{Rig, accepted, append, limits, settings, token};

/// What the members of the room know.
#[derive(Debug, Default)]
struct Known {
    /// Numbers that Ann's sends were accepted under, with their IDs.
    accepted: BTreeMap<u64, MessageId>,
    /// Bob was told that he is a member.
    joined: bool,
    /// Up to here Bob has settled, and it was synced.
    settled: u64,
    /// What he has settled, synced or not.
    acked: Vec<MessageId>,
    sent: u64,
}

/// A store whose rooms are never full.
fn large() -> Rig {
    let limits = Limits { room_messages: 1 << 20, room_bytes: 1 << 30, ..limits() };
    let settings = Settings { limits, ..settings() };
    Rig::with(settings, SimDisk::default(), 1, 1000).expect("it opens")
}

fn enter(rig: &Rig, session: u64, id: &str) -> Option<Connected> {
    let id = ClientId::parse(id).expect("an ID");
    rig.enter(session, Credential::Claim(&id, &token(&id))).ok()
}

fn join(rig: &Rig, session: u64, who: &Connected) -> Result<RoomPlace, Refusal> {
    let room = Room::parse("team").expect("a room");
    let (identity, device) = (who.identity, who.reader.index);
    let join = JoinRoom { identity, device, room: &room, from: None };
    match rig.ask(session, Command::JoinRoom(join)) {
        Answer::JoinedRoom(place) => Ok(*place),
        Answer::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn to_team<'a>(from: &Connected, n: u64, body: &'a [u8]) -> Append<'a> {
    let to = Target::Room { name: "team", live: false };
    Append { to, room: "team", address: Address::Room, ..append(from, "", n, body) }
}

fn read(rig: &Rig, session: u64, who: &Connected, place: &RoomPlace) -> Vec<(u64, MessageId)> {
    let (identity, device) = (who.identity, who.reader.index);
    let member = MemberKey { room: place.log, identity, device };
    let read = ReadRoom { member, after: 0, messages: 1000, bytes: u32::MAX };
    match rig.ask(session, Command::ReadRoom(read)) {
        Answer::RoomPage(page) => page
            .messages
            .iter()
            .map(|delivery| (delivery.message.seq, delivery.message.id))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// Ann sends to the room, Bob settles most of it, until the power goes or the history ends.
fn live(rig: &Rig, known: &mut Known, steps: u64) {
    let (Some(ann), Some(bob)) = (enter(rig, 1, "ann"), enter(rig, 2, "bob")) else { return };
    let (Ok(_), Ok(place)) = (join(rig, 1, &ann), join(rig, 2, &bob)) else { return };
    known.joined = true;
    let (identity, device) = (bob.identity, bob.reader.index);
    let member = MemberKey { room: place.log, identity, device };
    for _ in 0..steps {
        known.sent += 1;
        let answer = rig.ask(1, Command::Append(to_team(&ann, known.sent, &[b'7'; 900])));
        let Some((id, _)) = accepted(&answer) else { return };
        known.accepted.insert(known.sent, id);
        if known.sent.is_multiple_of(3) {
            let messages = read(rig, 2, &bob, &place);
            let end = messages.last().map_or(0, |last| last.0).saturating_sub(2);
            let acked = messages.iter().filter(|(seq, _)| *seq <= end);
            known.acked.extend(acked.map(|(_, id)| *id));
            let settle = SettleRoom { member, up_to: Some(end), seqs: Vec::new() };
            rig.ask(2, Command::SettleRoom(settle));
            rig.engine.tick(rig.now);
            if !rig.disk.is_off() && !rig.engine.is_poisoned() {
                known.settled = end;
            }
        }
    }
}

/// Everything that was accepted and that Bob has not settled is there, in order, once, and nothing is
/// that he has settled.
fn check(rig: &Rig, known: &Known) {
    let (ann, bob) = (enter(rig, 1, "ann").expect("in"), enter(rig, 2, "bob").expect("in"));
    rig.engine.audit().expect("the books are right");
    let Some(place) = bob.rooms.first() else {
        return assert!(!known.joined, "his membership is lost");
    };
    let messages = read(rig, 2, &bob, place);
    assert!(messages.is_sorted_by(|one, next| one.0 < next.0), "{messages:?}");
    assert!(messages.iter().all(|(seq, _)| known.settled < *seq), "{messages:?} {known:?}");
    for (n, id) in &known.accepted {
        let copies = messages.iter().filter(|(_, other)| other == id).count();
        assert!(copies == 1 || known.acked.contains(id), "number {n} is there {copies} times");
        let answer = rig.ask(1, Command::Append(to_team(&ann, *n, b"1")));
        let lately = known.sent.saturating_sub(1000) < *n;
        assert!(!lately || accepted(&answer) == Some((*id, true)), "number {n}: {answer:?}");
    }
}

fn crash_everywhere(steps: u64, stride: usize) {
    let operations = {
        let rig = large();
        rig.disk.plan(FaultPlan::default());
        live(&rig, &mut Known::default(), steps);
        rig.disk.operations()
    };
    assert!(steps < operations, "every step writes");
    for cut in (1..=operations).step_by(stride) {
        for plan in [CrashPlan::Lose, CrashPlan::Keep, CrashPlan::Random(cut)] {
            let mut rig = large();
            let mut known = Known::default();
            rig.disk.plan(FaultPlan { power_cut_at: Some(cut), ..FaultPlan::default() });
            live(&rig, &mut known, steps);
            rig.crash(plan);
            let mut rig = rig.reopen();
            check(&rig, &known);
            live(&rig, &mut known, 5);
            rig.crash(CrashPlan::Lose);
            check(&rig.reopen(), &known);
        }
    }
}

#[test]
fn the_power_goes_at_every_operation_of_a_short_history() {
    crash_everywhere(12, 1);
}

#[test]
fn the_power_goes_while_segments_are_filled_and_freed() {
    crash_everywhere(400, 37);
}

#[test]
fn a_member_more_costs_a_send_nothing() {
    let bytes_of_a_send = |members: u64| {
        let rig = large();
        let ann = enter(&rig, 1, "ann").expect("in");
        join(&rig, 1, &ann).expect("a place");
        for member in 0..members {
            let who = enter(&rig, 2, &format!("m{member}")).expect("in");
            join(&rig, 2, &who).expect("a place");
        }
        let (before, operations) = (rig.engine.stats().commits, rig.disk.operations());
        assert!(accepted(&rig.ask(1, Command::Append(to_team(&ann, 1, b"1")))).is_some());
        (rig.engine.stats().commits - before, rig.disk.operations() - operations)
    };
    assert_eq!(bytes_of_a_send(1), bytes_of_a_send(300));
}
