//! What an operator takes away, and what everybody is told of it.

use ackd_wire::v1::EndReason::Purged;

use super::client::{Entry, Rig, append, id, refused};
use super::{OpenEmpty, Test, tests};
use crate::api::{
    Answer, Append, Command, Connected, Credential, Notice, ReceiptState, Refusal, Unknown,
};

pub(super) const TESTS: &[Test] = tests![
    what_is_purged_is_lost_to_every_device,
    a_purge_is_reported_to_whoever_asked,
    a_purged_mailbox_has_room,
    an_identity_that_is_deleted_leaves_nothing,
    who_is_here_is_told_of_its_deletion,
    mail_to_nobody_is_deleted_too,
    what_nobody_holds_is_neither_purged_nor_deleted,
];

fn purge(rig: &Rig, name: &str) -> Answer {
    rig.ask(9, Command::Purge { id: &id(name) })
}

fn delete(rig: &Rig, name: &str) -> Answer {
    rig.ask(9, Command::Delete { id: &id(name) })
}

fn phone(rig: &Rig) -> Connected {
    let entry = Entry { device: "phone", outbox: "", acked: None };
    rig.claim_as(3, "bob", entry).expect("it is its own")
}

fn told(rig: &Rig, ann: &Connected) -> Vec<ReceiptState> {
    let found = rig.read(1, ann);
    found.iter().filter_map(|found| found.message.as_receipt().map(|told| told.state)).collect()
}

fn what_is_purged_is_lost_to_every_device(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob, other) = (rig.claim(1, "ann"), rig.claim(2, "bob"), phone(&rig));
    (1..=4).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &bob, None, &[1, 3]);
    rig.settle(3, &other, None, &[3]);
    assert!(matches!(purge(&rig, "bob"), Answer::Purged(3)));
    assert_eq!((rig.waiting(2, &bob), rig.waiting(3, &other)), (vec![], vec![]));
    rig.reopen();
    let (bob, other) = (rig.claim(2, "bob"), phone(&rig));
    assert_eq!((bob.pending, other.pending), (0, 0));
    assert_eq!(rig.lost(2, &bob), [(2, 2, Purged), (4, 4, Purged)]);
    assert_eq!(rig.lost(3, &other), [(1, 2, Purged), (4, 4, Purged)]);
    let ann = rig.claim(1, "ann");
    rig.send(1, &ann, "bob", 5);
    assert_eq!(rig.waiting(2, &bob), [5]);
}

fn a_purge_is_reported_to_whoever_asked(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    for n in 1..=2 {
        rig.ask(1, Command::Append(Append { receipt: true, ..append(&ann, "bob", n) }));
    }
    rig.settle(2, &bob, None, &[1]);
    purge(&rig, "bob");
    rig.flush();
    assert_eq!(told(&rig, &ann), [ReceiptState::Acked, ReceiptState::Purged]);
    rig.settle(2, &bob, Some(2), &[]);
    rig.reopen();
    let ann = rig.claim(1, "ann");
    assert_eq!(told(&rig, &ann), [ReceiptState::Acked, ReceiptState::Purged]);
}

fn a_purged_mailbox_has_room(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rig.claim(2, "bob");
    (1..=12).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    assert!(refused(&rig.send(1, &ann, "bob", 13)).is_some(), "the sender's share is full");
    purge(&rig, "bob");
    assert!(refused(&rig.send(1, &ann, "bob", 14)).is_none());
}

fn an_identity_that_is_deleted_leaves_nothing(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.leave(2, &bob, Vec::new());
    rig.ask(1, Command::Append(Append { receipt: true, ..append(&ann, "bob", 1) }));
    assert!(matches!(delete(&rig, "bob"), Answer::Done));
    assert_eq!(refused(&rig.send(1, &ann, "bob", 2)), Some(Refusal::UnknownRecipient));
    rig.reopen();
    let ann = rig.claim(1, "ann");
    assert_eq!(told(&rig, &ann).last(), Some(&ReceiptState::Purged));
    let bob = id("bob");
    let entered = rig.enter(2, Credential::Claim(&bob, &super::client::token("another")));
    let entered = entered.expect("the name is free");
    assert!(entered.new);
    assert_eq!(rig.waiting(2, &entered), [0; 0]);
}

fn who_is_here_is_told_of_its_deletion(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let bob = rig.claim(2, "bob");
    rig.submit(9, 1, Command::Delete { id: &id("bob") });
    let told = rig.notices().into_iter();
    let mut ended = told.filter(|notice| matches!(notice, Notice::Ended { .. }));
    assert!(matches!(ended.next(), Some(Notice::Ended { log }) if log == bob.reader.log));
    rig.leave(2, &bob, Vec::new());
    assert!(rig.claim(3, "bob").new);
}

fn mail_to_nobody_is_deleted_too(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rig.ask(1, Command::Append(Append { unknown: Unknown::Keep, ..append(&ann, "carl", 1) }));
    assert!(matches!(delete(&rig, "carl"), Answer::Done));
    let carl = rig.claim(2, "carl");
    assert_eq!(rig.waiting(2, &carl), [0; 0]);
}

fn what_nobody_holds_is_neither_purged_nor_deleted(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let unknown = Some(Refusal::UnknownIdentity);
    assert_eq!((refused(&purge(&rig, "bob")), refused(&delete(&rig, "bob"))), (unknown, unknown));
}
