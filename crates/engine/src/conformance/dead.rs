//! Messages that are given up: by their reader, or by the server after so many deliveries.

use ackd_wire::v1::EndReason::Dead;

use super::client::{Entry, Rig};
use super::{OpenEmpty, Test, tests};
use crate::api::{Command, Connected, GivenUp, Notice, Tag};

pub(super) const TESTS: &[Test] = tests![
    what_one_device_rejects_is_lost_to_the_others,
    what_the_server_gives_up_is_told_to_its_reader_too,
    what_somebody_has_acknowledged_is_dead_for_one_device,
    what_is_dead_frees_the_places_of_other_devices,
];

fn enter(rig: &Rig, session: u64, device: &str) -> Connected {
    rig.claim_as(session, "bob", Entry { device, outbox: "", acked: None }).expect("it is its own")
}

fn give_up(rig: &Rig, (session, who): (u64, &Connected), seqs: &[u64], by: GivenUp) {
    let reject = Command::Reject { reader: who.reader, seqs: seqs.to_vec(), by };
    rig.submit(session, Tag::QUIET, reject);
    rig.flush();
}

fn what_one_device_rejects_is_lost_to_the_others(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    (1..=4).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    give_up(&rig, (2, &pc), &[2, 3], GivenUp::Reader);
    assert_eq!((rig.waiting(2, &pc), rig.lost(2, &pc)), (vec![1, 4], vec![]));
    assert_eq!((rig.waiting(3, &phone), rig.lost(3, &phone)), (vec![1, 4], vec![(2, 3, Dead)]));
    rig.reopen();
    let (pc, phone) = (enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    assert_eq!((rig.waiting(2, &pc), rig.lost(2, &pc)), (vec![1, 4], vec![]));
    assert_eq!((rig.waiting(3, &phone), rig.lost(3, &phone)), (vec![1, 4], vec![(2, 3, Dead)]));
    rig.settle(3, &phone, Some(3), &[]);
    assert_eq!(rig.lost(3, &phone), []);
}

fn what_the_server_gives_up_is_told_to_its_reader_too(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=2).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    give_up(&rig, (2, &bob), &[1], GivenUp::Server);
    assert_eq!((rig.waiting(2, &bob), rig.lost(2, &bob)), (vec![2], vec![(1, 1, Dead)]));
    rig.reopen();
    let bob = rig.claim(2, "bob");
    assert_eq!((bob.pending, rig.lost(2, &bob)), (1, vec![(1, 1, Dead)]));
}

fn what_somebody_has_acknowledged_is_dead_for_one_device(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    let tablet = enter(&rig, 4, "tablet");
    (1..=2).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &pc, Some(2), &[]);
    give_up(&rig, (3, &phone), &[1], GivenUp::Reader);
    give_up(&rig, (3, &phone), &[2], GivenUp::Server);
    assert_eq!((rig.waiting(3, &phone), rig.lost(3, &phone)), (vec![], vec![]));
    assert_eq!((rig.waiting(4, &tablet), rig.lost(4, &tablet)), (vec![1, 2], vec![]));
}

fn what_is_dead_frees_the_places_of_other_devices(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, pc, phone) = (rig.claim(1, "ann"), enter(&rig, 2, "pc"), enter(&rig, 3, "phone"));
    rig.send(1, &ann, "bob", 1);
    rig.notices();
    give_up(&rig, (2, &pc), &[1], GivenUp::Reader);
    let freed = rig.notices().into_iter().any(|notice| {
        matches!(notice, Notice::Settled { reader, seqs, .. } if reader == phone.reader && seqs == [1])
    });
    assert!(freed);
}
