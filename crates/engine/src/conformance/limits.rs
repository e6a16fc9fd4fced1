//! What is full refuses, loses nothing, and takes again when there is room.

use super::client::{Rig, accepted, append, refused};
use super::{OpenEmpty, Test, tests};
use crate::api::{Answer, Append, Body, Command, Connected, Encoding, Refusal, Unknown};

pub(super) const TESTS: &[Test] = tests![
    a_mailbox_is_full_by_count_and_by_sender,
    a_mailbox_is_full_by_bytes,
    mail_to_nobody_is_bounded_in_all,
];

fn full(sender: bool) -> Refusal {
    Refusal::MailboxFull { sender, retry_after_ms: 5_000 }
}

fn a_mailbox_is_full_by_count_and_by_sender(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob, eve) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "eve"));
    for n in 1..=12 {
        assert!(accepted(&rig.send(1, &ann, "bob", n)).is_some());
    }
    assert_eq!(refused(&rig.send(1, &ann, "bob", 13)), Some(full(true)));
    for n in 1..=8 {
        assert!(accepted(&rig.send(3, &eve, "bob", n)).is_some());
    }
    assert_eq!(refused(&rig.send(3, &eve, "bob", 9)), Some(full(false)));
    assert_eq!(rig.read(2, &bob).len(), 20, "nothing is lost");
    rig.reopen();
    let (ann, bob, eve) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "eve"));
    assert_eq!(refused(&rig.send(3, &eve, "bob", 10)), Some(full(false)));
    rig.settle(2, &bob, Some(1), &[]);
    assert!(accepted(&rig.send(1, &ann, "bob", 14)).is_some());
    assert_eq!(refused(&rig.send(1, &ann, "bob", 13)), Some(Refusal::Refused));
}

fn large(rig: &Rig, ann: &Connected, to: &str, bytes: usize) -> Answer {
    let body = vec![b'1'; bytes];
    let body = Body { encoding: Encoding::Json, bytes: &body };
    rig.ask(1, Command::Append(Append { body, unknown: Unknown::Keep, ..append(ann, to, 0) }))
}

fn a_mailbox_is_full_by_bytes(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    assert!(accepted(&large(&rig, &ann, "bob", 9_900)).is_some());
    assert_eq!(refused(&large(&rig, &ann, "bob", 95)), Some(full(false)));
    assert!(accepted(&large(&rig, &ann, "bob", 94)).is_some(), "names count: 3 bytes each");
    rig.settle(2, &bob, Some(1), &[]);
    assert!(accepted(&large(&rig, &ann, "bob", 9_000)).is_some());
}

fn mail_to_nobody_is_bounded_in_all(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    assert!(accepted(&large(&rig, &ann, "new", 57)).is_some());
    assert_eq!(refused(&large(&rig, &ann, "other", 60)), Some(full(false)));
    rig.claim(2, "new");
    assert!(accepted(&large(&rig, &ann, "other", 60)).is_some(), "it is claimed, so not unclaimed");
    rig.now += 5_000;
    rig.reopen();
    let ann = rig.claim(1, "ann");
    assert!(accepted(&large(&rig, &ann, "third", 90)).is_some(), "what nobody claimed has ended");
}
