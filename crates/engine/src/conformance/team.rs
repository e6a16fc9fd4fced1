//! What the tests of durable rooms speak through: the room `team`, and the commands in their shortest form.

use ackd_wire::v1::EndReason;
use ackd_wire::{Room, Seq};

use super::client::{Rig, append, seqs};
use crate::api::{
    Address, Answer, Append, Body, Command, Connected, Encoding, JoinRoom, Lost, MemberKey,
    ReadRoom, Refusal, RoomPage, RoomPlace, SettleRoom, Target,
};

pub(super) fn room(name: &str) -> Room {
    Room::parse(name).expect("a room")
}

pub(super) fn try_join(
    rig: &Rig,
    session: u64,
    who: &Connected,
    name: &str,
    from: Option<Seq>,
) -> Result<RoomPlace, Refusal> {
    let (identity, device) = (who.identity, who.reader.index);
    let join = JoinRoom { identity, device, room: &room(name), from };
    match rig.ask(session, Command::JoinRoom(join)) {
        Answer::JoinedRoom(place) => Ok(*place),
        Answer::Refused(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

pub(super) fn join(rig: &Rig, session: u64, who: &Connected) -> RoomPlace {
    try_join(rig, session, who, "team", None).expect("a place")
}

pub(super) fn leave(rig: &Rig, session: u64, who: &Connected, name: &str) {
    let (identity, room) = (who.identity, room(name));
    let answer = rig.ask(session, Command::LeaveRoom { identity, room: &room });
    assert!(matches!(answer, Answer::LeftRoom), "{answer:?}");
}

pub(super) fn to_team<'a>(from: &Connected, n: u64, body: &'a [u8]) -> Append<'a> {
    let to = Target::Room { name: "team", live: true };
    let body = Body { encoding: Encoding::Json, bytes: body };
    Append { to, room: "team", address: Address::Room, body, ..append(from, "", n) }
}

pub(super) fn say(rig: &Rig, session: u64, from: &Connected, n: u64) -> Answer {
    rig.ask(session, Command::Append(to_team(from, n, b"\"hello\"")))
}

pub(super) fn key(who: &Connected, place: &RoomPlace) -> MemberKey {
    MemberKey { room: place.log, identity: who.identity, device: who.reader.index }
}

pub(super) fn page(
    rig: &Rig,
    session: u64,
    who: &Connected,
    place: &RoomPlace,
    after: Seq,
) -> RoomPage {
    part(rig, session, ReadRoom { member: key(who, place), after, messages: 1000, bytes: 1 << 30 })
}

pub(super) fn part(rig: &Rig, session: u64, read: ReadRoom) -> RoomPage {
    match rig.ask(session, Command::ReadRoom(read)) {
        Answer::RoomPage(page) => *page,
        other => panic!("{other:?}"),
    }
}

pub(super) fn waiting(rig: &Rig, session: u64, who: &Connected, place: &RoomPlace) -> Vec<Seq> {
    seqs(&page(rig, session, who, place, 0).messages)
}

pub(super) fn settle(
    rig: &Rig,
    session: u64,
    (who, place): (&Connected, &RoomPlace),
    up_to: Option<Seq>,
    seqs: &[Seq],
) -> Answer {
    let (member, seqs) = (key(who, place), seqs.to_vec());
    rig.ask(session, Command::SettleRoom(SettleRoom { member, up_to, seqs }))
}

/// Comes back; where it stands in the team.
pub(super) fn back(rig: &Rig, session: u64, name: &str) -> (Connected, RoomPlace) {
    let who = rig.claim(session, name);
    let mut places = who.rooms.iter().filter(|place| place.room.as_str() == "team");
    let place = places.next().expect("it is a member").clone();
    (who, place)
}

pub(super) fn full(from: Seq, to: Seq) -> Lost {
    Lost { from, to, reason: EndReason::Full }
}
