//! What is settled never returns; what is not, does.

use super::client::{Rig, refused};
use super::{OpenEmpty, Test, tests};
use crate::api::{Answer, Command, GivenUp, Refusal};

pub(super) const TESTS: &[Test] = tests![
    up_to_and_one_by_one,
    beyond_the_end_settles_nothing,
    settling_twice_changes_nothing,
    what_is_settled_stays_settled_after_a_reopening,
    a_rejected_message_never_returns,
    unacknowledged_deliveries_are_counted_over_connections,
];

fn up_to_and_one_by_one(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=6).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    assert!(matches!(rig.settle(2, &bob, None, &[2, 5]), Answer::Done));
    assert_eq!(rig.waiting(2, &bob), [1, 3, 4, 6]);
    rig.settle(2, &bob, Some(3), &[6]);
    assert_eq!(rig.waiting(2, &bob), [4]);
}

fn beyond_the_end_settles_nothing(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.send(1, &ann, "bob", 1);
    assert_eq!(refused(&rig.settle(2, &bob, Some(2), &[1])), Some(Refusal::BadAck));
    assert_eq!(rig.waiting(2, &bob), [1]);
}

fn settling_twice_changes_nothing(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=3).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    for _ in 0..2 {
        assert!(matches!(rig.settle(2, &bob, Some(1), &[3, 3]), Answer::Done));
        assert_eq!(rig.waiting(2, &bob), [2]);
    }
}

fn what_is_settled_stays_settled_after_a_reopening(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=9).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &bob, Some(2), &[4, 5, 8]);
    rig.reopen();
    let bob = rig.claim(2, "bob");
    assert_eq!((bob.acked, bob.pending, bob.end), (2, 4, 9));
    assert_eq!(rig.waiting(2, &bob), [3, 6, 7, 9]);
}

fn a_rejected_message_never_returns(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=2).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.submit(
        2,
        1,
        Command::Reject { reader: bob.reader, seqs: vec![1, 1, 77], by: GivenUp::Reader },
    );
    rig.flush();
    assert_eq!(rig.waiting(2, &bob), [2]);
    rig.reopen();
    let bob = rig.claim(2, "bob");
    assert_eq!(rig.waiting(2, &bob), [2]);
}

fn unacknowledged_deliveries_are_counted_over_connections(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=2).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.leave(2, &bob, vec![(1, 3)]);
    let bob = rig.claim(3, "bob");
    let attempts: Vec<u16> = rig.read(3, &bob).iter().map(|delivery| delivery.attempts).collect();
    assert_eq!(attempts, [3, 0]);
}
