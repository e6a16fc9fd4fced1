//! Each device of an identity gets every message; a message leaves when all have settled it.

use ackd_wire::v1::EndReason::Full;

use super::client::{Entry, Rig, refused};
use super::{OpenEmpty, Test, tests};
use crate::api::{Connected, Refusal};

pub(super) const TESTS: &[Test] = tests![
    a_message_waits_for_every_device,
    the_first_device_starts_at_the_oldest_and_a_later_one_at_the_end,
    positions_of_all_devices_survive_a_reopening,
    too_many_devices_are_refused_and_known_ones_are_not,
    tabs_share_a_position,
    a_device_that_lags_makes_the_mailbox_full_for_nobody,
    what_no_device_has_acknowledged_is_never_dropped,
    a_later_device_has_not_acknowledged_what_was_there_before_it,
    a_device_that_nobody_uses_is_forgotten,
    nothing_waits_for_a_device_that_is_forgotten,
    a_device_that_is_here_is_not_forgotten,
];

fn on(device: &str) -> Entry<'_> {
    Entry { device, outbox: "", ..Entry::default() }
}

fn enter(rig: &Rig, session: u64, device: &str) -> Connected {
    rig.claim_as(session, "bob", on(device)).expect("it is its own")
}

fn a_message_waits_for_every_device(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    (1..=3).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &pc, Some(3), &[]);
    assert_eq!((rig.waiting(2, &pc).len(), rig.waiting(3, &phone)), (0, vec![1, 2, 3]));
    rig.settle(3, &phone, None, &[2]);
    assert_eq!(rig.waiting(3, &phone), [1, 3]);
    rig.settle(3, &phone, Some(3), &[]);
    assert_eq!(rig.waiting(3, &phone).len(), 0);
}

fn the_first_device_starts_at_the_oldest_and_a_later_one_at_the_end(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, pc) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"));
    (1..=2).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    let phone = enter(&rig, 3, "phone");
    assert_eq!((phone.acked, phone.pending), (2, 0));
    assert_eq!(rig.waiting(2, &pc), [1, 2]);
    rig.send(1, &ann, "bob", 3);
    assert_eq!(rig.waiting(3, &phone), [3]);
}

fn positions_of_all_devices_survive_a_reopening(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    (1..=5).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &pc, Some(4), &[]);
    rig.settle(3, &phone, None, &[1, 3]);
    rig.reopen();
    let (pc, phone) = (enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    assert_eq!((rig.waiting(2, &pc), rig.waiting(3, &phone)), (vec![5], vec![2, 4, 5]));
    assert_eq!((pc.acked, phone.acked), (4, 1));
}

fn too_many_devices_are_refused_and_known_ones_are_not(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    ["a", "b", "c"]
        .iter()
        .zip(1..)
        .for_each(|(device, session)| drop(enter(&rig, session, device)));
    let refused = |rig: &Rig| rig.claim_as(9, "bob", on("d")).err();
    assert!(matches!(refused(&rig), Some(Refusal::Forbidden(_))));
    rig.reopen();
    assert!(matches!(refused(&rig), Some(Refusal::Forbidden(_))));
    enter(&rig, 4, "b");
}

fn tabs_share_a_position(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, tab, other) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "pc"));
    assert_eq!(tab.reader, other.reader);
    (1..=2).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &tab, Some(1), &[]);
    assert_eq!(rig.waiting(3, &other), [2]);
}

fn a_device_that_lags_makes_the_mailbox_full_for_nobody(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    // A sender may have 12 waiting, a mailbox 20.
    for n in 1..=100 {
        assert_eq!(refused(&rig.send(1, &ann, "bob", n)), None, "{n}");
        rig.settle(2, &pc, Some(n), &[]);
    }
    let (lost, waiting) = (rig.lost(3, &phone), rig.waiting(3, &phone));
    let [(1, last, Full)] = lost[..] else { panic!("{lost:?}") };
    assert_eq!(waiting, (last + 1..=100).collect::<Vec<_>>(), "what is left is whole");
    assert!((20..=40).contains(&waiting.len()), "as much again is kept: {}", waiting.len());
    assert_eq!(rig.lost(2, &pc), []);
    rig.reopen();
    let phone = enter(&rig, 3, "phone");
    assert_eq!((rig.lost(3, &phone), rig.waiting(3, &phone)), (lost, waiting));
}

fn what_no_device_has_acknowledged_is_never_dropped(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    rig.send(1, &ann, "bob", 1);
    for n in 2..=60 {
        rig.send(1, &ann, "bob", n);
        rig.settle(2, &pc, None, &[n]);
    }
    assert_eq!(rig.waiting(2, &pc), [1]);
    assert_eq!(rig.waiting(3, &phone)[0], 1);
    for n in 61..=71 {
        assert_eq!(refused(&rig.send(1, &ann, "bob", n)), None);
    }
    assert!(refused(&rig.send(1, &ann, "bob", 72)).is_some(), "12 of hers wait");
    assert_eq!(rig.waiting(2, &pc).len(), 12);
}

fn a_later_device_has_not_acknowledged_what_was_there_before_it(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, pc) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"));
    (1..=12).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.leave(2, &pc, Vec::new());
    enter(&rig, 3, "phone");
    assert!(refused(&rig.send(1, &ann, "bob", 13)).is_some(), "12 of hers wait");
    rig.reopen();
    let ann = rig.claim(1, "ann");
    assert!(refused(&rig.send(1, &ann, "bob", 14)).is_some(), "and after a restart");
    let pc = enter(&rig, 2, "pc");
    assert_eq!((rig.waiting(2, &pc).len(), rig.lost(2, &pc).len()), (12, 0));
}

fn a_device_that_nobody_uses_is_forgotten(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, pc) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"));
    for (session, device) in [(3, "phone"), (4, "tablet")] {
        let other = enter(&rig, session, device);
        rig.leave(session, &other, Vec::new());
    }
    rig.now += 6_000;
    let tablet = enter(&rig, 4, "tablet");
    rig.leave(4, &tablet, Vec::new());
    rig.now += 4_000;
    // An identity lives for 10 s here, a message for 5 s.
    (1..=2).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    assert!(rig.claim_as(5, "bob", on("tv")).is_ok(), "the phone's place is free");
    rig.settle(2, &pc, Some(2), &[]);
    rig.reopen();
    let (pc, phone) = (enter(&rig, 2, "pc"), rig.claim_as(3, "bob", on("phone")));
    assert!(matches!(phone, Err(Refusal::Forbidden(_))), "it is a new device now");
    assert_eq!((rig.waiting(2, &pc).len(), pc.acked), (0, 2));
    let tablet = enter(&rig, 4, "tablet");
    assert_eq!(rig.waiting(4, &tablet), [1, 2], "it was used since");
}

fn nothing_waits_for_a_device_that_is_forgotten(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    rig.leave(3, &phone, Vec::new());
    rig.now += 9_000;
    for n in 1..=12 {
        rig.send(1, &ann, "bob", n);
        rig.settle(2, &pc, Some(n), &[]);
    }
    rig.now += 1_000;
    enter(&rig, 4, "pc");
    let phone = enter(&rig, 3, "phone");
    assert_eq!((phone.acked, phone.pending, rig.lost(3, &phone)), (12, 0, vec![]));
    rig.send(1, &ann, "bob", 13);
    rig.settle(2, &pc, Some(13), &[]);
    assert_eq!(rig.waiting(3, &phone), [13]);
}

fn a_device_that_is_here_is_not_forgotten(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, _pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    rig.now += 20_000;
    rig.send(1, &ann, "bob", 1);
    enter(&rig, 4, "pc");
    assert_eq!(rig.waiting(3, &phone), [1]);
    rig.reopen();
    let phone = enter(&rig, 3, "phone");
    assert_eq!(rig.waiting(3, &phone), [1], "it was here until the restart");
}
