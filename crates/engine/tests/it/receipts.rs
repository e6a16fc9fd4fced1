//! The power goes at every operation of a history with receipts: what was acknowledged, and its receipt, are both there
//! afterwards or neither is.

use std::collections::BTreeSet;

use ackd_engine::{
    Append, Command, Connected, CrashPlan, Credential, FaultPlan, GivenUp, ReceiptState,
};
use ackd_wire::ClientId;

use crate::rig::{Rig, accepted, append, token};

fn enter(rig: &Rig, session: u64, id: &str) -> Option<Connected> {
    let id = ClientId::parse(id).expect("an ID");
    rig.enter(session, Credential::Claim(&id, &token(&id))).ok()
}

/// Ann sends to Bob and asks for receipts; Bob settles most of it, not all in order, and rejects some. The accepted
/// numbers.
fn live(rig: &Rig, steps: u64) -> BTreeSet<u64> {
    let mut known = BTreeSet::new();
    let (Some(ann), Some(bob)) = (enter(rig, 1, "ann"), enter(rig, 2, "bob")) else { return known };
    let body = [b'7'; 900];
    for n in 1..=steps {
        let send = append(&ann, "bob", n, &body);
        let send = Append { receipt: true, mark: Some("r"), ..send };
        if accepted(&rig.ask(1, Command::Append(send))).is_none() {
            return known;
        }
        known.insert(n);
        if n.is_multiple_of(5) {
            let seqs = crate::rig::seqs(&rig.read(2, &bob));
            let [first, .., last] = seqs[..] else { continue };
            rig.settle(2, &bob, None, &[last]);
            let reject =
                Command::Reject { reader: bob.reader, seqs: vec![first], by: GivenUp::Reader };
            rig.submit(2, 7, reject);
            rig.settle(2, &bob, Some(last - 2), &[]);
            rig.engine.tick(rig.now);
        }
    }
    known
}

/// Each accepted message waits, or its final state is told; never both, never twice.
fn check(rig: &Rig, known: &BTreeSet<u64>) {
    rig.engine.tick(rig.now);
    let (ann, bob) = (enter(rig, 1, "ann").expect("she is in"), enter(rig, 2, "bob").expect("in"));
    let waiting: Vec<_> = rig.read(2, &bob).iter().map(|delivery| delivery.message.id).collect();
    let mail = rig.read(1, &ann);
    let receipts: Vec<_> = mail.iter().filter_map(|mail| mail.message.as_receipt()).collect();
    assert_eq!(receipts.len(), mail.len());
    let finals = || receipts.iter().filter(|receipt| receipt.state.is_final());
    for n in known {
        let told = finals().filter(|receipt| receipt.n == Some(*n)).count();
        let (_, outbox) = (ann.identity, ann.outbox);
        assert!(outbox.is_some());
        let id = ackd_wire::MessageId::derive("ann", "o", *n);
        let waits = waiting.iter().filter(|waiting| **waiting == id).count();
        assert_eq!(waits + told, 1, "number {n} waits {waits} times and was told {told} times");
    }
    for receipt in &receipts {
        assert_eq!((receipt.to, receipt.mark), ("bob", Some("r")));
        let id = ackd_wire::MessageId::derive("ann", "o", receipt.n.expect("it has a number"));
        assert_eq!(receipt.of, id);
    }
}

fn crash_everywhere(steps: u64, stride: usize) {
    let operations = {
        let rig = Rig::new();
        rig.disk.plan(FaultPlan::default());
        assert_eq!(live(&rig, steps).len() as u64, steps);
        check(&rig, &(1..=steps).collect());
        rig.disk.operations()
    };
    for cut in (1..=operations).step_by(stride) {
        for plan in [CrashPlan::Lose, CrashPlan::Keep, CrashPlan::Random(cut)] {
            let mut rig = Rig::new();
            rig.disk.plan(FaultPlan { power_cut_at: Some(cut), ..FaultPlan::default() });
            let known = live(&rig, steps);
            rig.crash(plan);
            let mut rig = rig.reopen();
            check(&rig, &known);
            rig.crash(CrashPlan::Lose);
            check(&rig.reopen(), &known);
        }
    }
}

#[test]
fn the_power_goes_at_every_operation_of_a_history_with_receipts() {
    crash_everywhere(20, 1);
}

#[test]
fn the_power_goes_while_messages_with_receipts_are_archived() {
    crash_everywhere(90, 7);
}

#[test]
fn a_full_disk_tells_no_lies_and_all_is_told_when_there_is_space() {
    for space in (1..6).map(|segments| segments * 128 * 1024 + 4096) {
        let rig = Rig::new();
        rig.disk.plan(FaultPlan { capacity: Some(space), ..FaultPlan::default() });
        let known = live(&rig, 90);
        rig.disk.plan(FaultPlan::default());
        rig.engine.tick(rig.now);
        rig.engine.tick(rig.now);
        check(&rig, &known);
        check(&rig.reopen(), &known);
    }
}

#[test]
fn more_receipts_than_a_batch_holds_are_all_told() {
    let rig = Rig::new();
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let mark = "m".repeat(64);
    for n in 1..=60 {
        let send = Append { receipt: true, mark: Some(&mark), ..append(&ann, "bob", n, b"1") };
        rig.ask(1, Command::Append(send));
    }
    rig.settle(2, &bob, Some(60), &[]);
    rig.engine.tick(rig.now);
    let mail = rig.read(1, &ann);
    let numbers: Vec<_> = mail.iter().filter_map(|mail| mail.message.as_receipt()?.n).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    let acked = |mail: &ackd_engine::Delivery| {
        mail.message.as_receipt().map(|receipt| receipt.state) == Some(ReceiptState::Acked)
    };
    assert!(mail.iter().all(acked));
}
