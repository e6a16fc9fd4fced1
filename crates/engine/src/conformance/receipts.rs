//! Whoever asks for it is told what became of a message: once for each state, by mail of its own.

use ackd_wire::Seq;

use super::client::{Entry, Rig, accepted, append};
use super::{OpenEmpty, Test, tests};
use crate::api::{Append, Command, Connected, Delivery, GivenUp, ReaderKey, ReceiptState, Tag};

pub(super) const TESTS: &[Test] = tests![
    an_ack_is_reported_once_with_the_marks_of_the_send,
    who_does_not_ask_is_told_nothing,
    mail_for_somebody_away_waits_and_a_newer_state_replaces_that,
    what_the_last_connection_leaves_behind_is_told_to_wait_once,
    what_is_late_is_told_to_wait_once,
    who_is_here_at_a_crash_is_away_after_it,
    a_reject_before_any_ack_is_dead_for_all_devices,
    a_reject_after_an_ack_is_not_reported,
    the_first_ack_of_several_devices_is_reported,
    receipts_wait_like_messages_and_nothing_reports_on_them,
    receipts_take_no_message_its_place_and_the_oldest_end,
    many_acks_at_once_are_all_reported,
    what_expires_is_reported_and_an_ack_that_comes_first_is_final,
    an_identity_that_ends_reports_what_waited,
];

/// Number `n` with a receipt wanted, and `ref` "r".
fn asking<'a>(from: &Connected, to: &'a str, n: u64) -> Append<'a> {
    Append { receipt: true, mark: Some("r"), ..append(from, to, n) }
}

fn ask(rig: &Rig, session: u64, from: &Connected, to: &str, n: u64) {
    let answer = rig.ask(session, Command::Append(asking(from, to, n)));
    assert!(accepted(&answer).is_some(), "{answer:?}");
}

/// States and numbers of the receipts that wait for somebody.
fn told(rig: &Rig, session: u64, who: &Connected) -> Vec<(ReceiptState, Option<u64>)> {
    let receipts = rig.read(session, who);
    receipts.iter().filter_map(receipt).collect()
}

fn receipt(delivery: &Delivery) -> Option<(ReceiptState, Option<u64>)> {
    delivery.message.as_receipt().map(|receipt| (receipt.state, receipt.n))
}

fn reject(rig: &Rig, session: u64, reader: ReaderKey, seqs: Vec<Seq>) {
    rig.submit(session, Tag::QUIET, Command::Reject { reader, seqs, by: GivenUp::Reader });
    rig.flush();
}

fn an_ack_is_reported_once_with_the_marks_of_the_send(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let answer = rig.ask(1, Command::Append(asking(&ann, "bob", 7)));
    assert_eq!(told(&rig, 1, &ann), [], "it is on its way");
    rig.now += 10;
    rig.settle(2, &bob, Some(1), &[1]);
    rig.settle(2, &bob, Some(1), &[1]);
    rig.flush();
    for _ in 0..2 {
        let ann = rig.claim(1, "ann");
        let mail = rig.read(1, &ann);
        let [delivery] = &mail[..] else { panic!("{mail:?}") };
        let receipt = delivery.message.as_receipt().expect("a receipt");
        assert_eq!(Some(receipt.of), accepted(&answer).map(|accepted| accepted.0));
        assert_eq!((receipt.mark, receipt.n, receipt.to), (Some("r"), Some(7), "bob"));
        assert_eq!((receipt.state, delivery.message.at), (ReceiptState::Acked, 1010));
        assert_ne!(delivery.message.id, receipt.of);
        rig.reopen();
    }
}

fn who_does_not_ask_is_told_nothing(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=3).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &bob, Some(1), &[]);
    reject(&rig, 2, bob.reader, vec![2]);
    rig.leave(2, &bob, vec![(3, 1)]);
    assert_eq!(rig.waiting(1, &ann), [0; 0]);
}

fn mail_for_somebody_away_waits_and_a_newer_state_replaces_that(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.leave(2, &bob, Vec::new());
    ask(&rig, 1, &ann, "bob", 1);
    ask(&rig, 1, &ann, "bob", 2);
    let waits = |n| (ReceiptState::Archived, Some(n));
    assert_eq!(told(&rig, 1, &ann), [waits(1), waits(2)]);
    let bob = rig.claim(3, "bob");
    rig.settle(3, &bob, None, &[1]);
    rig.flush();
    assert_eq!(told(&rig, 1, &ann), [waits(2), (ReceiptState::Acked, Some(1))]);
}

fn what_the_last_connection_leaves_behind_is_told_to_wait_once(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, tab, other) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "bob"));
    ask(&rig, 1, &ann, "bob", 1);
    rig.leave(2, &tab, vec![(1, 1)]);
    assert_eq!(told(&rig, 1, &ann), [], "the other tab has it too");
    rig.leave(3, &other, vec![(1, 1)]);
    let waits = [(ReceiptState::Archived, Some(1))];
    assert_eq!(told(&rig, 1, &ann), waits);
    for session in 4..6 {
        let bob = rig.claim(session, "bob");
        rig.leave(session, &bob, vec![(1, 2)]);
        assert_eq!(told(&rig, 1, &rig.claim(9, "ann")), waits, "once");
        rig.reopen();
    }
}

fn what_is_late_is_told_to_wait_once(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    ask(&rig, 1, &ann, "bob", 1);
    ask(&rig, 1, &ann, "bob", 2);
    for _ in 0..2 {
        let archive = Command::Archive { reader: bob.reader, seqs: vec![1] };
        rig.submit(2, Tag::QUIET, archive);
        rig.flush();
    }
    assert_eq!(told(&rig, 1, &ann), [(ReceiptState::Archived, Some(1))]);
}

fn who_is_here_at_a_crash_is_away_after_it(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, _bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    ask(&rig, 1, &ann, "bob", 1);
    rig.reopen();
    assert_eq!(told(&rig, 1, &rig.claim(1, "ann")), [(ReceiptState::Archived, Some(1))]);
}

fn on(device: &str) -> Entry<'_> {
    Entry { device, outbox: "", ..Entry::default() }
}

fn a_reject_before_any_ack_is_dead_for_all_devices(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    let (pc, phone) = (rig.claim_as(2, "bob", on("pc")), rig.claim_as(3, "bob", on("phone")));
    let (pc, phone) = (pc.expect("its own"), phone.expect("its own"));
    ask(&rig, 1, &ann, "bob", 1);
    reject(&rig, 3, phone.reader, vec![1, 1]);
    assert_eq!(rig.waiting(2, &pc), [0; 0]);
    rig.settle(2, &pc, Some(1), &[]);
    rig.flush();
    assert_eq!(told(&rig, 1, &ann), [(ReceiptState::Dead, Some(1))]);
}

fn a_reject_after_an_ack_is_not_reported(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let ann = rig.claim(1, "ann");
    let (pc, phone) = (rig.claim_as(2, "bob", on("pc")), rig.claim_as(3, "bob", on("phone")));
    let (pc, phone) = (pc.expect("its own"), phone.expect("its own"));
    for n in 1..=2 {
        ask(&rig, 1, &ann, "bob", n);
    }
    rig.settle(2, &pc, Some(1), &[]);
    reject(&rig, 3, phone.reader, vec![1]);
    rig.reopen();
    let phone = rig.claim_as(3, "bob", on("phone")).expect("its own");
    assert_eq!(rig.waiting(3, &phone), [2]);
    rig.settle(3, &phone, Some(2), &[]);
    rig.flush();
    let told: Vec<_> = told(&rig, 1, &rig.claim(1, "ann"));
    let acked = |n| (ReceiptState::Acked, Some(n));
    assert_eq!(told, [acked(1), acked(2)]);
}

fn the_first_ack_of_several_devices_is_reported(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, pc) = (rig.claim(1, "ann"), rig.claim_as(2, "bob", on("pc")).expect("its own"));
    ask(&rig, 1, &ann, "bob", 1);
    // It begins behind the message: it has not acknowledged that.
    rig.claim_as(3, "bob", on("phone")).expect("its own");
    ask(&rig, 1, &ann, "bob", 2);
    rig.settle(2, &pc, Some(1), &[]);
    rig.reopen();
    let pc = rig.claim_as(2, "bob", on("pc")).expect("its own");
    let phone = rig.claim_as(3, "bob", on("phone")).expect("its own");
    rig.settle(3, &phone, Some(2), &[]);
    rig.settle(2, &pc, Some(2), &[]);
    rig.flush();
    let acked = |n| (ReceiptState::Acked, Some(n));
    assert_eq!(told(&rig, 1, &rig.claim(1, "ann")), [acked(1), acked(2)]);
}

fn receipts_wait_like_messages_and_nothing_reports_on_them(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=3).for_each(|n| ask(&rig, 1, &ann, "bob", n));
    rig.leave(1, &ann, Vec::new());
    rig.settle(2, &bob, Some(3), &[]);
    rig.reopen();
    let ann = rig.claim(1, "ann");
    assert_eq!((ann.pending, rig.waiting(1, &ann)), (3, vec![1, 2, 3]));
    rig.settle(1, &ann, Some(1), &[]);
    reject(&rig, 1, ann.reader, vec![2]);
    rig.leave(1, &ann, vec![(3, 1)]);
    rig.reopen();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    assert_eq!((rig.waiting(1, &ann), rig.waiting(2, &bob).len()), (vec![3], 0));
}

fn receipts_take_no_message_its_place_and_the_oldest_end(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob, eve) = (rig.claim(1, "ann"), rig.claim(2, "bob"), rig.claim(3, "eve"));
    let send = |n| {
        ask(&rig, 1, &ann, "bob", n);
        rig.settle(2, &bob, Some(n), &[]);
        rig.flush();
    };
    (1..=20).for_each(send);
    for n in 1..=10 {
        assert!(accepted(&rig.send(3, &eve, "ann", n)).is_some());
    }
    (21..=23).for_each(send);
    let numbers: Vec<_> = told(&rig, 1, &ann).into_iter().filter_map(|told| told.1).collect();
    assert_eq!(numbers, (4..=23).collect::<Vec<_>>());
    assert_eq!(rig.read(1, &ann).len(), 30);
}

fn many_acks_at_once_are_all_reported(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let sends = (1..=12).map(|n| Command::Append(asking(&ann, "bob", n))).collect();
    assert_eq!(rig.ask_all(1, sends).len(), 12);
    rig.settle(2, &bob, None, &[9, 3, 5]);
    rig.settle(2, &bob, Some(12), &[]);
    rig.reopen();
    let mut told = told(&rig, 1, &rig.claim(1, "ann"));
    told.sort_unstable_by_key(|told| told.1);
    let acked = |n| (ReceiptState::Acked, Some(n));
    assert_eq!(told, (1..=12).map(acked).collect::<Vec<_>>());
    let bob = rig.claim(2, "bob");
    assert_eq!((bob.acked, bob.pending), (12, 0));
}

fn what_expires_is_reported_and_an_ack_that_comes_first_is_final(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, pc) = (rig.claim(1, "ann"), rig.claim_as(2, "bob", on("pc")).expect("its own"));
    rig.claim_as(3, "bob", on("phone")).expect("its own");
    for n in 1..=2 {
        let send = Append { ttl_ms: Some(100), ..asking(&ann, "bob", n) };
        assert!(accepted(&rig.ask(1, Command::Append(send))).is_some());
    }
    rig.settle(2, &pc, Some(1), &[]);
    rig.flush();
    rig.now += 200;
    rig.flush();
    rig.read(2, &pc);
    rig.flush();
    let states = [(ReceiptState::Acked, Some(1)), (ReceiptState::Expired, Some(2))];
    assert_eq!(told(&rig, 1, &ann), states);
    assert_eq!(rig.read(1, &ann)[1].message.at, 1100, "when its time was over");
    rig.reopen();
    rig.now += 100_000;
    assert_eq!(told(&rig, 1, &rig.claim(1, "ann")), [], "receipts end with their time too");
}

fn an_identity_that_ends_reports_what_waited(open: OpenEmpty<'_>) {
    let mut rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.leave(2, &bob, Vec::new());
    ask(&rig, 1, &ann, "bob", 1);
    rig.now += 10_000;
    rig.flush();
    assert_eq!(told(&rig, 1, &ann), [(ReceiptState::Expired, Some(1))]);
}
