//! A number of an outbox is accepted once, and what became of it can be asked again.

use ackd_wire::MessageId;

use super::client::{Rig, accepted, append, refused};
use super::{OpenEmpty, Test, tests};
use crate::api::{Append, Command, Pass, Refusal};

pub(super) const TESTS: &[Test] = tests![
    a_repeat_is_the_same_message,
    a_repeat_in_the_same_batch_is_answered_after_the_first,
    a_number_that_its_mailbox_passed_over_is_refused,
    a_refused_number_may_be_followed_by_the_next,
    a_refusal_of_the_caller_counts_only_where_the_number_is_new,
    too_old_to_tell,
    numbers_of_what_is_not_stored_are_remembered,
    a_takeover_shuts_the_older_connection_out,
    what_was_on_its_way_at_a_takeover_is_accepted_once,
];

fn a_repeat_is_the_same_message(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let id = MessageId::derive("ann", "o", 1);
    assert_eq!(accepted(&rig.send(1, &ann, "bob", 1)), Some((id, false)));
    assert_eq!(accepted(&rig.send(1, &ann, "bob", 1)), Some((id, true)));
    rig.settle(2, &bob, Some(1), &[]);
    rig.reopen();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    assert_eq!(ann.sent, 1);
    assert_eq!(accepted(&rig.send(1, &ann, "bob", 1)), Some((id, true)));
    assert_eq!(rig.read(2, &bob).len(), 0, "it was settled");
}

fn a_repeat_in_the_same_batch_is_answered_after_the_first(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let send = || Command::Append(append(&ann, "bob", 1));
    let dups: Vec<_> = rig.ask_all(1, vec![send(), send()]).iter().filter_map(accepted).collect();
    let id = MessageId::derive("ann", "o", 1);
    assert_eq!(dups, [(id, false), (id, true)]);
    assert_eq!(rig.read(2, &bob).len(), 1);
}

fn a_number_that_its_mailbox_passed_over_is_refused(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rig.claim(2, "bob");
    rig.claim(3, "eve");
    assert!(accepted(&rig.send(1, &ann, "bob", 5)).is_some());
    assert_eq!(refused(&rig.send(1, &ann, "bob", 4)), Some(Refusal::Refused));
    assert!(accepted(&rig.send(1, &ann, "eve", 3)).is_some(), "order counts within one log");
    rig.reopen();
    let ann = rig.claim(1, "ann");
    assert_eq!(refused(&rig.send(1, &ann, "bob", 4)), Some(Refusal::Refused));
}

fn a_refused_number_may_be_followed_by_the_next(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rig.claim(2, "bob");
    assert_eq!(refused(&rig.send(1, &ann, "nobody", 1)), Some(Refusal::UnknownRecipient));
    assert!(accepted(&rig.send(1, &ann, "bob", 2)).is_some());
}

fn a_refusal_of_the_caller_counts_only_where_the_number_is_new(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rig.claim(2, "bob");
    rig.send(1, &ann, "bob", 1);
    let too_large = |n| Append { refusal: Some(Refusal::TooLarge), ..append(&ann, "bob", n) };
    assert!(accepted(&rig.ask(1, Command::Append(too_large(1)))).is_some_and(|(_, dup)| dup));
    let new = rig.ask(1, Command::Append(too_large(2)));
    assert_eq!(refused(&new), Some(Refusal::TooLarge));
}

fn too_old_to_tell(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    for n in 1..=1030 {
        assert!(accepted(&rig.send(1, &ann, "bob", n)).is_some());
        rig.settle(2, &bob, Some(n), &[]);
    }
    assert_eq!(refused(&rig.send(1, &ann, "bob", 6)), Some(Refusal::OutcomeUnknown));
    assert!(accepted(&rig.send(1, &ann, "bob", 7)).is_some_and(|(_, dup)| dup));
}

fn numbers_of_what_is_not_stored_are_remembered(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    let number = |n| (ann.outbox.expect("it has one"), n);
    let pass = |n, refusal| {
        let pass = Pass { sender: ann.identity, number: number(n), scope: "lobby", refusal };
        rig.ask(1, Command::Pass(pass))
    };
    let id = MessageId::derive("ann", "o", 2);
    assert_eq!(accepted(&pass(2, None)), Some((id, false)));
    assert_eq!(accepted(&pass(2, None)), Some((id, true)));
    assert_eq!(refused(&pass(1, None)), Some(Refusal::OutcomeUnknown), "2 went there before");
    assert_eq!(refused(&pass(3, Some(Refusal::NotAMember))), Some(Refusal::NotAMember));
    assert!(accepted(&pass(4, None)).is_some());
}

fn a_takeover_shuts_the_older_connection_out(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let old = rig.claim(1, "ann");
    rig.claim(2, "bob");
    rig.send(1, &old, "bob", 1);
    let new = rig.claim(3, "ann");
    assert_eq!((new.outbox, new.sent), (old.outbox, 1));
    for n in [1, 2] {
        assert_eq!(refused(&rig.send(1, &old, "bob", n)), Some(Refusal::OutboxTaken));
    }
    assert!(accepted(&rig.send(3, &new, "bob", 1)).is_some_and(|(_, dup)| dup));
    rig.leave(1, &old, Vec::new());
    assert!(accepted(&rig.send(3, &new, "bob", 2)).is_some(), "the older one frees nothing");
}

fn what_was_on_its_way_at_a_takeover_is_accepted_once(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.submit(1, 1, Command::Append(append(&ann, "bob", 1)));
    let new = rig.claim(3, "ann");
    assert_eq!(new.sent, 1);
    assert!(accepted(&rig.send(3, &new, "bob", 1)).is_some_and(|(_, dup)| dup));
    assert_eq!(rig.read(2, &bob).len(), 1);
}
