//! A durable room is a log of its own, written once whoever reads it, with a position for each device of each durable
//! member.

use ackd_wire::MessageId;

use super::client::{Entry, Rig, accepted, recipient, refused, seqs};
use super::team::{back, join, key, leave, page, room, say, settle, to_team, try_join, waiting};
use super::{OpenEmpty, Test, tests};
use crate::api::{
    Answer, Append, Command, Connected, JoinRoom, Notice, Recipient, Refusal, RoomPlace,
    SettleRoom, Tag, Target,
};

pub(super) const TESTS: &[Test] = tests![
    a_member_that_is_away_gets_what_it_misses,
    a_room_without_durable_members_stores_nothing,
    every_member_reads_at_its_own_pace_and_a_message_stays,
    what_is_acknowledged_singly_is_not_read_again,
    a_sender_reads_nothing_of_its_own_and_stands_behind_it,
    a_new_member_starts_at_the_end_or_where_it_says,
    joining_again_changes_nothing,
    each_device_has_its_own_position_and_a_new_one_starts_at_the_end,
    membership_ends_with_leave_and_with_the_identity,
    a_room_that_nobody_has_anything_of_is_begun_anew,
    numbers_are_decided_like_those_to_mailboxes,
    an_ack_beyond_the_end_settles_nothing,
    acks_by_strangers_are_refused,
    what_may_have_been_seen_is_told,
    positions_survive_a_reopening,
    given_messages_are_fetched_again,
    what_is_rejected_is_settled_for_that_member,
    too_many_rooms_are_refused,
    members_and_messages_are_told,
    other_connections_learn_what_one_has_settled,
];

fn a_member_that_is_away_gets_what_it_misses(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    assert_eq!((place.acked, place.end, place.members), (0, 0, 2));
    rig.leave(2, &bob, Vec::new());
    for n in 1..=3 {
        assert!(accepted(&say(&rig, 1, &ann, n)).is_some());
    }
    rig.reopen();
    let (bob, again) = back(&rig, 2, "bob");
    assert_eq!((again.acked, again.end, again.epoch), (0, 3, place.epoch));
    let messages = page(&rig, 2, &bob, &again, 0).messages;
    assert_eq!(seqs(&messages), [1, 2, 3]);
    let message = &messages[0].message;
    assert_eq!((message.from(), message.room()), (&b"ann"[..], &b"team"[..]));
    assert_eq!((message.id, message.body()), (MessageId::derive("ann", "o", 1), &b"\"hello\""[..]));
}

fn a_room_without_durable_members_stores_nothing(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    let answer = say(&rig, 1, &ann, 1);
    assert_eq!(recipient(&answer), Some(Recipient::Live));
    assert_eq!(accepted(&answer), Some((MessageId::derive("ann", "o", 1), false)));
    assert_eq!(accepted(&say(&rig, 1, &ann, 1)).map(|(_, dup)| dup), Some(true));
    let unlike =
        Append { to: Target::Room { name: "team", live: false }, ..to_team(&ann, 2, b"1") };
    assert!(matches!(refused(&rig.ask(1, Command::Append(unlike))), Some(Refusal::Forbidden(_))));
    let place = try_join(&rig, 1, &ann, "team", Some(1)).expect("a place");
    assert_eq!((place.acked, place.end), (0, 0));
}

fn every_member_reads_at_its_own_pace_and_a_message_stays(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob, eve) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "eve"));
    let places = [join(&rig, 1, &ann), join(&rig, 2, &bob), join(&rig, 3, &eve)];
    (1..=3).for_each(|n| drop(say(&rig, 1, &ann, n)));
    settle(&rig, 2, (&bob, &places[1]), Some(3), &[]);
    assert_eq!(waiting(&rig, 2, &bob, &places[1]).len(), 0);
    settle(&rig, 3, (&eve, &places[2]), Some(1), &[]);
    assert_eq!(waiting(&rig, 3, &eve, &places[2]), [2, 3]);
    let dan = rig.claim(4, "dan");
    let place = try_join(&rig, 4, &dan, "team", Some(1)).expect("a place");
    assert_eq!(waiting(&rig, 4, &dan, &place), [1, 2, 3], "the log is the room's history");
}

fn what_is_acknowledged_singly_is_not_read_again(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    (1..=5).for_each(|n| drop(say(&rig, 1, &ann, n)));
    settle(&rig, 2, (&bob, &place), None, &[1, 3]);
    assert_eq!(waiting(&rig, 2, &bob, &place), [2, 4, 5]);
    rig.reopen();
    let (bob, place) = back(&rig, 2, "bob");
    assert_eq!((place.acked, waiting(&rig, 2, &bob, &place)), (1, vec![2, 4, 5]));
    settle(&rig, 2, (&bob, &place), None, &[2]);
    let (_, place) = back(&rig, 3, "bob");
    assert_eq!(place.acked, 3);
}

fn a_sender_reads_nothing_of_its_own_and_stands_behind_it(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let place = join(&rig, 1, &ann);
    join(&rig, 2, &bob);
    (1..=20).for_each(|n| drop(say(&rig, 1, &ann, n)));
    assert_eq!(page(&rig, 1, &ann, &place, 0).lost, [], "no message of its own is lost to it");
    rig.reopen();
    let (ann, place) = back(&rig, 1, "ann");
    assert_eq!((place.acked, place.end), (20, 20));
    let bob = rig.claim(2, "bob");
    say(&rig, 2, &bob, 1);
    say(&rig, 1, &ann, 21);
    settle(&rig, 1, (&ann, &place), Some(21), &[]);
    let (ann, place) = back(&rig, 1, "ann");
    assert_eq!(waiting(&rig, 1, &ann, &place).len(), 0);
    assert!(21 <= place.acked, "{place:?}");
}

fn a_new_member_starts_at_the_end_or_where_it_says(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    join(&rig, 1, &ann);
    (1..=10).for_each(|n| drop(say(&rig, 1, &ann, n)));
    for (name, from, acked) in
        [("b", None, 10), ("c", Some(1), 2), ("d", Some(6), 5), ("e", Some(99), 10)]
    {
        let who = rig.claim(2, name);
        let place = try_join(&rig, 2, &who, "team", from).expect("a place");
        assert_eq!((place.acked, place.end), (acked, 10), "{name}");
        let page = page(&rig, 2, &who, &place, 0);
        assert_eq!(seqs(&page.messages), (acked + 1..=10).collect::<Vec<_>>(), "{name}");
        assert_eq!(page.lost, [], "what ended before it came is not lost to it");
    }
}

fn joining_again_changes_nothing(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let first = join(&rig, 2, &bob);
    (1..=3).for_each(|n| drop(say(&rig, 1, &ann, n)));
    settle(&rig, 2, (&bob, &first), Some(1), &[]);
    let again = try_join(&rig, 2, &bob, "team", Some(1)).expect("a place");
    assert_eq!((again.acked, again.end, again.members), (1, 3, 2));
    assert_eq!((again.log, again.epoch), (first.log, first.epoch));
}

fn each_device_has_its_own_position_and_a_new_one_starts_at_the_end(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let on = |device| Entry { device, outbox: "", ..Entry::default() };
    let enter = |rig: &Rig, session, device| {
        rig.claim_as(session, "bob", on(device)).expect("it is its own")
    };
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &pc);
    assert_eq!(place.members, 2, "members are identities");
    (1..=3).for_each(|n| drop(say(&rig, 1, &ann, n)));
    settle(&rig, 2, (&pc, &place), Some(3), &[]);
    assert_eq!(waiting(&rig, 3, &phone, &place), [1, 2, 3]);
    let tablet = enter(&rig, 4, "tablet");
    assert_eq!((tablet.rooms[0].acked, tablet.rooms[0].end), (3, 3));
    say(&rig, 1, &ann, 4);
    assert_eq!(waiting(&rig, 4, &tablet, &place), [4]);
    rig.reopen();
    for (device, expected) in [("pc", vec![4]), ("phone", vec![1, 2, 3, 4]), ("tablet", vec![4])] {
        let who = enter(&rig, 2, device);
        assert_eq!(waiting(&rig, 2, &who, &who.rooms[0]), expected, "{device}");
    }
}

fn membership_ends_with_leave_and_with_the_identity(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob, eve) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "eve"));
    for who in [&ann, &bob, &eve] {
        join(&rig, 1, who);
    }
    leave(&rig, 2, &bob, "team");
    leave(&rig, 2, &bob, "team");
    leave(&rig, 2, &bob, "another");
    rig.leave(3, &eve, Vec::new());
    rig.reopen();
    assert_eq!(rig.claim(2, "bob").rooms, []);
    let (ann, place) = back(&rig, 1, "ann");
    assert_eq!(place.members, 2);
    rig.now += 20_000;
    rig.flush();
    assert_eq!(join(&rig, 1, &ann).members, 1, "eve has ended");
    let eve = rig.claim(3, "eve");
    assert_eq!((eve.new, eve.rooms), (true, vec![]));
    rig.reopen();
    assert_eq!(rig.claim(3, "eve").rooms, []);
}

fn a_room_that_nobody_has_anything_of_is_begun_anew(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    let first = join(&rig, 1, &ann);
    (1..=2).for_each(|n| drop(say(&rig, 1, &ann, n)));
    leave(&rig, 1, &ann, "team");
    rig.reopen();
    let ann = rig.claim(1, "ann");
    let kept = join(&rig, 1, &ann);
    assert_eq!((kept.epoch, kept.end), (first.epoch, 2), "its messages are kept for their time");
    leave(&rig, 1, &ann, "team");
    rig.now += 6_000;
    rig.reopen();
    let ann = rig.claim(1, "ann");
    let anew = join(&rig, 1, &ann);
    assert!(anew.epoch != first.epoch && anew.end == 0, "{anew:?}");
}

fn numbers_are_decided_like_those_to_mailboxes(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    join(&rig, 1, &ann);
    let id = MessageId::derive("ann", "o", 2);
    assert_eq!(accepted(&say(&rig, 1, &ann, 2)), Some((id, false)));
    assert_eq!(accepted(&say(&rig, 1, &ann, 2)), Some((id, true)));
    assert_eq!(refused(&say(&rig, 1, &ann, 1)), Some(Refusal::Refused), "2 was accepted there");
    rig.reopen();
    let (ann, place) = back(&rig, 1, "ann");
    assert_eq!(ann.sent, 2);
    assert_eq!(accepted(&say(&rig, 1, &ann, 2)), Some((id, true)));
    assert_eq!(place.end, 1);
    let refusal = Some(Refusal::NotAMember);
    let foreign = Append { refusal, ..to_team(&ann, 3, b"1") };
    assert_eq!(refused(&rig.ask(1, Command::Append(foreign))), refusal);
    let repeat = Append { refusal, ..to_team(&ann, 2, b"1") };
    assert_eq!(accepted(&rig.ask(1, Command::Append(repeat))), Some((id, true)));
}

fn an_ack_beyond_the_end_settles_nothing(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    say(&rig, 1, &ann, 1);
    assert_eq!(refused(&settle(&rig, 2, (&bob, &place), Some(2), &[])), Some(Refusal::BadAck));
    assert_eq!(waiting(&rig, 2, &bob, &place), [1]);
    assert!(matches!(settle(&rig, 2, (&bob, &place), Some(1), &[]), Answer::Done));
    assert!(matches!(settle(&rig, 2, (&bob, &place), Some(1), &[1]), Answer::Done), "repeated");
}

fn acks_by_strangers_are_refused(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, eve) = (rig.claim(1, "ann"), rig.claim(2, "eve"));
    let place = join(&rig, 1, &ann);
    say(&rig, 1, &ann, 1);
    let answer = settle(&rig, 2, (&eve, &place), Some(1), &[]);
    assert_eq!(refused(&answer), Some(Refusal::NotAMember));
    assert_eq!(waiting(&rig, 2, &eve, &place), [1], "who joins for a while reads the log too");
}

fn what_may_have_been_seen_is_told(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    (1..=3).for_each(|n| drop(say(&rig, 1, &ann, n)));
    let attempts = |rig: &Rig, who: &Connected, place: &RoomPlace| -> Vec<u16> {
        page(rig, 2, who, place, 0).messages.iter().map(|delivery| delivery.attempts).collect()
    };
    assert_eq!(attempts(&rig, &bob, &place), [0, 0, 0]);
    let (member, up_to) = (key(&bob, &place), 2);
    rig.submit(2, Tag::QUIET, Command::SeenRoom { member, up_to });
    assert_eq!(attempts(&rig, &bob, &place), [1, 1, 0]);
    rig.reopen();
    let (bob, place) = back(&rig, 2, "bob");
    assert_eq!(attempts(&rig, &bob, &place), [1, 1, 1], "nobody knows after a restart");
}

fn positions_survive_a_reopening(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let names = ["a", "b", "c", "d", "e"];
    let ann = rig.claim(1, "ann");
    join(&rig, 1, &ann);
    let members: Vec<_> = names.iter().map(|name| rig.claim(2, name)).collect();
    let places: Vec<_> = members.iter().map(|who| join(&rig, 2, who)).collect();
    (1..=5).for_each(|n| drop(say(&rig, 1, &ann, n)));
    for (up_to, (who, place)) in (0..).zip(members.iter().zip(&places)) {
        settle(&rig, 2, (who, place), Some(up_to), &[]);
    }
    for _ in 0..2 {
        rig.reopen();
        for (acked, name) in (0..).zip(names) {
            let (who, place) = back(&rig, 2, name);
            assert_eq!((place.acked, place.end, place.members), (acked, 5, 6));
            assert_eq!(waiting(&rig, 2, &who, &place), (acked + 1..=5).collect::<Vec<_>>());
        }
    }
}

fn given_messages_are_fetched_again(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    (1..=10).for_each(|n| drop(say(&rig, 1, &ann, n)));
    settle(&rig, 2, (&bob, &place), None, &[5]);
    let (member, seqs_) = (key(&bob, &place), vec![1, 3, 5, 8]);
    let Answer::RoomPage(page) = rig.ask(2, Command::FetchRoom { member, seqs: seqs_ }) else {
        panic!("a page")
    };
    assert_eq!(seqs(&page.messages), [3, 8], "1 has ended, 5 is settled");
}

fn what_is_rejected_is_settled_for_that_member(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob, eve) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "eve"));
    join(&rig, 1, &ann);
    let places = [join(&rig, 2, &bob), join(&rig, 3, &eve)];
    (1..=3).for_each(|n| drop(say(&rig, 1, &ann, n)));
    for (who, place) in [(&bob, &places[0]), (&eve, &places[1])] {
        let reject = Command::RejectRoom { member: key(who, place), seqs: vec![2] };
        rig.submit(2, Tag::QUIET, reject);
    }
    assert_eq!(waiting(&rig, 2, &bob, &places[0]), [1, 3]);
    rig.reopen();
    let (bob, place) = back(&rig, 2, "bob");
    assert_eq!(waiting(&rig, 2, &bob, &place), [1, 3]);
}

fn too_many_rooms_are_refused(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    for name in ["a", "b", "c"] {
        assert!(try_join(&rig, 1, &ann, name, None).is_ok());
    }
    let refusal = try_join(&rig, 1, &ann, "d", None).err();
    assert!(matches!(refusal, Some(Refusal::Forbidden(_))), "{refusal:?}");
    assert!(try_join(&rig, 1, &ann, "a", None).is_ok(), "it is in there");
    leave(&rig, 1, &ann, "a");
    assert!(try_join(&rig, 1, &ann, "d", None).is_ok());
}

fn members_and_messages_are_told(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.notices();
    let place = join(&rig, 1, &ann);
    let changed = |rig: &Rig| -> Vec<u64> {
        let notices = rig.notices().into_iter().filter_map(|notice| match notice {
            Notice::RoomChanged { room, log, members } => {
                assert_eq!((room.as_str(), log), ("team", place.log));
                Some(members)
            }
            _ => None,
        });
        notices.collect()
    };
    rig.submit(
        2,
        1,
        Command::JoinRoom(JoinRoom {
            identity: bob.identity,
            device: 0,
            room: &room("team"),
            from: None,
        }),
    );
    assert_eq!(changed(&rig), [2]);
    rig.submit(1, 1, Command::Append(to_team(&ann, 1, b"1")));
    let stored = rig.notices();
    assert!(
        matches!(&stored[..], [Notice::Stored { log, message }] if *log == place.log && message.seq == 1),
        "once for all: {stored:?}"
    );
    rig.submit(2, 1, Command::LeaveRoom { identity: bob.identity, room: &room("team") });
    assert_eq!(changed(&rig), [1]);
    rig.reopen();
    assert_eq!(changed(&rig), [1], "told when the store is opened");
}

fn other_connections_learn_what_one_has_settled(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob, _tab) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "bob"));
    join(&rig, 1, &ann);
    let place = join(&rig, 2, &bob);
    say(&rig, 1, &ann, 1);
    rig.notices();
    let settle = SettleRoom { member: key(&bob, &place), up_to: Some(1), seqs: Vec::new() };
    rig.submit(2, Tag::QUIET, Command::SettleRoom(settle));
    let told = rig.notices();
    assert!(
        matches!(&told[..], [Notice::RoomSettled { member, by, up_to: Some(1), .. }]
            if *member == key(&bob, &place) && by.0 == 2),
        "{told:?}"
    );
}
