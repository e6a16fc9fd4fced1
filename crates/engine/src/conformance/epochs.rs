//! An incarnation of a mailbox: what a client has processed counts in the present one only.

use super::client::{Entry, Rig};
use super::{OpenEmpty, Test, tests};
use ackd_wire::Epoch;

pub(super) const TESTS: &[Test] = tests![
    what_was_processed_counts_with_the_present_epoch,
    another_epoch_settles_nothing,
    an_ack_beyond_the_end_begins_a_new_epoch_and_settles_nothing,
];

fn processed(rig: &Rig, session: u64, epoch: Epoch, seq: u64) -> crate::api::Connected {
    let entry = Entry { acked: Some((epoch, seq)), ..Entry::default() };
    rig.claim_as(session, "bob", entry).expect("it is its own")
}

fn what_was_processed_counts_with_the_present_epoch(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=3).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    let again = processed(&rig, 3, bob.epoch, 2);
    assert_eq!((again.epoch, again.acked, again.pending), (bob.epoch, 2, 1));
    rig.reopen();
    assert_eq!(rig.claim(4, "bob").acked, 2);
}

fn another_epoch_settles_nothing(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.send(1, &ann, "bob", 1);
    for seq in [1, 99] {
        let again = processed(&rig, 3, Epoch(bob.epoch.0 ^ 1), seq);
        assert_eq!((again.epoch, again.acked, again.pending), (bob.epoch, 0, 1));
    }
}

fn an_ack_beyond_the_end_begins_a_new_epoch_and_settles_nothing(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.send(1, &ann, "bob", 1);
    let again = processed(&rig, 3, bob.epoch, 99);
    assert_ne!(again.epoch, bob.epoch);
    assert_eq!((again.acked, again.pending), (0, 1));
    rig.reopen();
    let (ann, bob) = (rig.claim(4, "ann"), rig.claim(5, "bob"));
    assert_eq!(bob.epoch, again.epoch, "the new epoch was stored before it was told");
    rig.send(4, &ann, "bob", 2);
    let waiting = rig.waiting(5, &bob);
    assert!(waiting[0] == 1 && (1 << 32) < waiting[1], "{waiting:?}");
}
