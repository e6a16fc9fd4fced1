//! The power goes at every operation of a history; what was answered must be there afterwards.

use std::collections::BTreeMap;

use ackd_engine::{Answer, Command, Connected, CrashPlan, FaultPlan, Refusal, SimDisk};
use ackd_wire::MessageId;

use crate::rig::{Rig, accepted, append, refused};

/// What the clients of a history know.
#[derive(Debug, Default)]
struct Known {
    /// Accepted numbers, and their IDs.
    accepted: BTreeMap<u64, MessageId>,
    /// All up to this `seq` was settled and the settling synced.
    settled: u64,
    /// Numbers whose messages were settled, synced or not.
    acked: Vec<MessageId>,
    sent: u64,
}

/// Ann sends to Bob, who settles most of it, until the power goes or the history ends.
fn live(rig: &Rig, known: &mut Known, steps: u64) {
    let Ok(ann) = try_claim(rig, 1, "ann") else { return };
    let Ok(bob) = try_claim(rig, 2, "bob") else { return };
    let body = [b'7'; 900];
    for _ in 0..steps {
        known.sent += 1;
        let answer = rig.ask(1, Command::Append(append(&ann, "bob", known.sent, &body)));
        let Some((id, _)) = accepted(&answer) else { return };
        known.accepted.insert(known.sent, id);
        if known.sent.is_multiple_of(3) {
            let messages = rig.read(2, &bob);
            let end = messages.last().map_or(0, |delivery| delivery.message.seq).saturating_sub(2);
            let acked = messages.iter().filter(|delivery| delivery.message.seq <= end);
            known.acked.extend(acked.map(|delivery| delivery.message.id));
            rig.settle(2, &bob, Some(end), &[]);
            rig.engine.tick(rig.now);
            if !rig.disk.is_off() && !rig.engine.is_poisoned() {
                known.settled = end;
            }
        }
    }
}

fn try_claim(rig: &Rig, session: u64, id: &str) -> Result<Connected, Refusal> {
    let id = ackd_wire::ClientId::parse(id).expect("an ID");
    rig.enter(session, ackd_engine::Credential::Claim(&id, &crate::rig::token(&id)))
}

/// Everything that was accepted and not settled is there, in order, once; nothing settled is.
fn check(rig: &Rig, known: &Known) {
    let (Ok(ann), Ok(bob)) = (try_claim(rig, 1, "ann"), try_claim(rig, 2, "bob")) else {
        panic!("the store takes no more writes after a restart")
    };
    let messages = rig.read(2, &bob);
    let seqs = crate::rig::seqs(&messages);
    assert!(seqs.windows(2).all(|two| two[0] < two[1]), "{seqs:?}");
    assert!(seqs.first().is_none_or(|first| known.settled < *first), "{seqs:?} {known:?}");
    for (n, id) in &known.accepted {
        let copies = messages.iter().filter(|delivery| delivery.message.id == *id).count();
        assert!(copies == 1 || known.acked.contains(id), "number {n} is there {copies} times");
        let answer = rig.ask(1, Command::Append(append(&ann, "bob", *n, b"1")));
        let lately = known.sent.saturating_sub(1000) < *n;
        assert!(!lately || accepted(&answer) == Some((*id, true)), "number {n}: {answer:?}");
    }
}

fn crash_everywhere(steps: u64, stride: usize) {
    let operations = {
        let rig = Rig::new();
        rig.disk.plan(FaultPlan::default());
        live(&rig, &mut Known::default(), steps);
        rig.disk.operations()
    };
    assert!(steps < operations, "every step writes");
    for cut in (1..=operations).step_by(stride) {
        for plan in [CrashPlan::Lose, CrashPlan::Keep, CrashPlan::Random(cut)] {
            let mut rig = Rig::new();
            let mut known = Known::default();
            rig.disk.plan(FaultPlan { power_cut_at: Some(cut), ..FaultPlan::default() });
            live(&rig, &mut known, steps);
            rig.crash(plan);
            let mut rig = rig.reopen();
            check(&rig, &known);
            live(&rig, &mut known, 5);
            rig.crash(CrashPlan::Lose);
            check(&rig.reopen(), &known);
        }
    }
}

#[test]
fn the_power_goes_at_every_operation_of_a_short_history() {
    crash_everywhere(12, 1);
}

#[test]
fn the_power_goes_while_segments_are_filled_and_recycled() {
    crash_everywhere(700, 41);
}

#[test]
fn recycling_keeps_the_journal_bounded() {
    let rig = Rig::new();
    live(&rig, &mut Known::default(), 2000);
    assert!(rig.disk.used() <= 6 * rig.segment_bytes(), "{}", rig.disk.used());
}

#[test]
fn a_failed_sync_poisons_until_the_restart_and_promises_nothing() {
    for error_at in 1..60 {
        let mut rig = Rig::new();
        let mut known = Known::default();
        rig.disk.plan(FaultPlan { error_at: Some(error_at), ..FaultPlan::default() });
        live(&rig, &mut known, 30);
        if rig.engine.is_poisoned() {
            let refusal = try_claim(&rig, 5, "eve").err();
            assert_eq!(refusal, Some(Refusal::StoreUnavailable));
        }
        rig.crash(CrashPlan::Lose);
        check(&rig.reopen(), &known);
    }
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_space() {
    let disk = SimDisk::default();
    let rig = Rig::open(disk.clone(), 1, 1000).unwrap();
    let (ann, _bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    disk.plan(FaultPlan { capacity: Some(disk.used()), ..FaultPlan::default() });
    let body = vec![b'7'; 4000];
    let send = |n| rig.ask(1, Command::Append(append(&ann, "bob", n, &body)));
    let refused_at = (1..60).find(|n| refused(&send(*n)).is_some()).expect("the disk is full");
    assert!(10 < refused_at);
    assert_eq!(refused(&send(refused_at)), Some(Refusal::StoreUnavailable));
    let gap = Some(Refusal::Gap { expected: refused_at });
    assert_eq!(refused(&send(refused_at + 1)), gap);
    assert!(!rig.engine.is_poisoned() && rig.engine.is_disk_full());
    disk.plan(FaultPlan::default());
    assert_eq!(refused(&send(refused_at + 1)), gap, "the order is kept");
    assert!(accepted(&send(refused_at)).is_some());
    assert!(accepted(&send(refused_at + 1)).is_some());
    let rig = rig.reopen();
    let bob = rig.claim(2, "bob");
    assert_eq!(rig.read(2, &bob).len() as u64, refused_at + 1);
}

#[test]
fn space_that_is_there_again_is_noticed_although_nobody_sends() {
    let disk = SimDisk::default();
    let rig = Rig::open(disk.clone(), 1, 1000).unwrap();
    let (ann, _bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    disk.plan(FaultPlan { capacity: Some(disk.used()), ..FaultPlan::default() });
    let body = vec![b'7'; 4000];
    let send = |n| rig.ask(1, Command::Append(append(&ann, "bob", n, &body)));
    assert!((1..60).any(|n| refused(&send(n)).is_some()), "the disk is full");
    rig.engine.tick(1000);
    assert!(rig.engine.is_disk_full());
    disk.plan(FaultPlan::default());
    rig.engine.tick(1000);
    assert!(!rig.engine.is_disk_full());
}

#[test]
fn damage_to_synced_data_is_found_and_named() {
    let rig = Rig::new();
    live(&rig, &mut Known::default(), 20);
    let disk = rig.disk.clone();
    drop(rig);
    disk.corrupt("segment-0000000001.ackd", 4096 + 700);
    let error = Rig::open(disk, 9, 2000).err().expect("it is damaged").to_string();
    assert!(
        error.contains("segment-0000000001.ackd") && error.contains("Nothing was changed"),
        "{error}"
    );
}

#[test]
fn a_clean_close_is_known() {
    let rig = Rig::new();
    live(&rig, &mut Known::default(), 5);
    rig.engine.close();
    let rig = rig.reopen();
    let Answer::RoomNumber(1) = rig.ask(9, Command::TakeRoomNumber) else { panic!() };
    rig.claim(2, "bob");
}
