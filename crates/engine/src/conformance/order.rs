//! A mailbox has one order, the same after every reopening.

use ackd_wire::MessageId;

use super::client::{Rig, accepted, append, recipient, seqs};
use super::{OpenEmpty, Test, tests};
use crate::api::{Command, Recipient, Target};

pub(super) const TESTS: &[Test] = tests![
    messages_come_in_the_order_they_were_accepted,
    a_batch_keeps_its_order,
    places_and_ids_survive_a_reopening,
    the_sender_learns_who_was_there,
    a_stored_message_has_what_was_sent,
];

fn messages_come_in_the_order_they_were_accepted(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob, eve) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "eve"));
    for n in 1..=3 {
        assert!(accepted(&rig.send(1, &ann, "bob", n)).is_some());
        assert!(accepted(&rig.send(3, &eve, "bob", n)).is_some());
    }
    let messages = rig.read(2, &bob);
    let from: Vec<&[u8]> = messages.iter().map(|delivery| delivery.message.from()).collect();
    assert_eq!(from, [b"ann", b"eve", b"ann", b"eve", b"ann", b"eve"]);
    assert!(seqs(&messages).is_sorted_by(|seq, next| seq < next));
}

fn a_batch_keeps_its_order(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let sends = (1..=10).map(|n| Command::Append(append(&ann, "bob", n))).collect();
    let ids: Vec<_> = rig.ask_all(1, sends).iter().filter_map(accepted).collect();
    let expected: Vec<_> = (1..=10).map(|n| (MessageId::derive("ann", "o", n), false)).collect();
    assert_eq!(ids, expected);
    let messages = rig.read(2, &bob);
    assert!(messages.iter().map(|d| d.message.id).eq(expected.iter().map(|(id, _)| *id)));
}

fn places_and_ids_survive_a_reopening(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=5).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &bob, Some(1), &[3]);
    let before: Vec<_> = rig.read(2, &bob).iter().map(|d| (d.message.seq, d.message.id)).collect();
    rig.reopen();
    let again = rig.claim(2, "bob");
    assert_eq!((again.new, again.epoch, again.acked), (false, bob.epoch, 1));
    assert_eq!(again.pending, 3);
    let messages = rig.read(2, &again);
    assert!(messages.iter().map(|d| (d.message.seq, d.message.id)).eq(before));
    assert!(messages.iter().all(|delivery| delivery.attempts == 1), "they may have been seen");
    let ann = rig.claim(1, "ann");
    rig.send(1, &ann, "bob", 6);
    assert_eq!(rig.waiting(2, &again).last(), Some(&6));
}

fn the_sender_learns_who_was_there(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    assert_eq!(recipient(&rig.send(1, &ann, "bob", 1)), Some(Recipient::Here));
    rig.leave(2, &bob, Vec::new());
    assert_eq!(recipient(&rig.send(1, &ann, "bob", 2)), Some(Recipient::Away));
    let mailbox = append(&ann, "", 3);
    let mailbox = crate::api::Append { to: Target::Mailbox(bob.reader.log), ..mailbox };
    assert_eq!(recipient(&rig.ask(1, Command::Append(mailbox))), Some(Recipient::Away));
    assert_eq!(recipient(&rig.send(1, &ann, "bob", 1)), Some(Recipient::Unasked));
}

fn a_stored_message_has_what_was_sent(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    rig.claim(2, "bob");
    let send = append(&ann, "bob", 1);
    let send = crate::api::Append { ttl_ms: Some(700), receipt: true, ..send };
    rig.ask(1, Command::Append(send));
    rig.reopen();
    let bob = rig.claim(2, "bob");
    let message = rig.read(2, &bob).remove(0).message;
    assert_eq!((message.from(), message.body()), (&b"ann"[..], &b"\"hello\""[..]));
    assert_eq!((message.at, message.expires, message.receipt), (1000, 1700, true));
}
