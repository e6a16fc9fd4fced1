//! Backups on simulated disks: what was decided before one began is in it, whatever goes on meanwhile; what is not whole is
//! refused; and a restored store never gives a `seq` twice, wherever the power goes.

use std::io::{self, Write};

use ackd_engine::{BackupError, Command, CrashPlan, FaultPlan, RestoreError, restore, verify};
use ackd_engine::{SimArchive, SimDisk};
use ackd_wire::{Epoch, MessageId};

use crate::rig::{Rig, accepted, append, seqs, settings};

/// Sends `count` messages; Bob settles every other one, so that much is archived and much is settled there.
fn live(rig: &Rig, from: u64, count: u64) -> Vec<(u64, MessageId)> {
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    let body = [b'7'; 900];
    let mut sent = Vec::new();
    for n in from..from + count {
        let answer = rig.ask(1, Command::Append(append(&ann, "bob", n, &body)));
        let Some((id, _)) = accepted(&answer) else { panic!("{n}: {answer:?}") };
        sent.push((n, id));
        let waiting = if n.is_multiple_of(4) { seqs(&rig.read(2, &bob)) } else { Vec::new() };
        if 40 <= waiting.len() {
            let half: Vec<u64> = waiting.iter().copied().step_by(2).collect();
            rig.settle(2, &bob, None, &half);
        }
        rig.engine.tick(rig.now);
    }
    sent
}

/// What Bob finds, with his `seq`s and his epoch.
fn mailbox(rig: &Rig, session: u64) -> (Vec<MessageId>, Vec<u64>, Epoch) {
    let bob = rig.claim(session, "bob");
    let messages = rig.read(session, &bob);
    let ids = messages.iter().map(|delivery| delivery.message.id).collect();
    (ids, seqs(&messages), bob.epoch)
}

fn backup(rig: &Rig) -> Vec<u8> {
    let mut bytes = Vec::new();
    let summary = rig.engine.backup(&mut bytes).expect("it is made");
    assert_eq!(summary.bytes, bytes.len() as u64);
    assert_eq!(verify(&mut &*bytes).expect("it is whole"), summary);
    bytes
}

fn open((disk, archive): (SimDisk, SimArchive), life: u64) -> Rig {
    Rig::on(settings(), (disk, archive), life, 2000).expect("a restored store opens")
}

#[test]
fn a_restored_store_has_what_was_there_under_new_epochs() {
    let rig = Rig::new();
    live(&rig, 1, 600);
    let bytes = backup(&rig);
    let (ids, before, epoch) = mailbox(&rig, 5);
    assert!(10 < ids.len() && rig.archived_bytes() != 0, "much waits, in both");
    let restored = open(Rig::restored(&bytes), 9);
    assert_eq!(mailbox(&restored, 5).0, ids);
    assert_eq!(mailbox(&restored, 5).1, before, "what was there keeps its place");
    assert_ne!(mailbox(&restored, 5).2, epoch);
    // The next number is far behind every one that the first store may have given meanwhile.
    let (next, _) = live(&restored, 601, 1)[0];
    let (_, after, _) = mailbox(&restored, 5);
    assert!((1 << 32) < after[after.len() - 1] - before[before.len() - 1], "{next}");
    // And a repeat is known.
    let ann = restored.claim(1, "ann");
    let answer = restored.ask(1, Command::Append(append(&ann, "bob", 600, b"1")));
    assert_eq!(accepted(&answer).map(|(_, dup)| dup), Some(true));
}

/// Does something to the store each time a part of the backup is written.
struct Meddling<F: FnMut(u64)> {
    bytes: Vec<u8>,
    parts: u64,
    meddle: F,
}

impl<F: FnMut(u64)> Write for Meddling<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.parts += 1;
        (self.meddle)(self.parts);
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_goes_on_while_a_backup_is_written_does_not_harm_it() {
    let rig = Rig::new();
    live(&rig, 1, 600);
    let (ids, _, _) = mailbox(&rig, 5);
    let mut n = 601;
    // Segments are filled and would be freed, identities come and go, and the archive is written all the time.
    let meddle = |_| {
        live(&rig, n, 30);
        n += 30;
    };
    let mut into = Meddling { bytes: Vec::new(), parts: 0, meddle };
    rig.engine.backup(&mut into).expect("it is made");
    let (bytes, parts) = (into.bytes, into.parts);
    assert!(5 < parts);
    let restored = open(Rig::restored(&bytes), 9);
    let (found, _, _) = mailbox(&restored, 5);
    assert_eq!(found[..ids.len().min(found.len())], ids[..], "as it was when the backup began");
    rig.engine.tick(rig.now);
    assert!(rig.disk.used() <= 8 * rig.segment_bytes(), "the journal is freed again");
}

#[test]
fn a_backup_that_keeps_the_journal_from_being_freed_for_too_long_is_given_up() {
    let rig = Rig::new();
    live(&rig, 1, 300);
    let mut n = 301;
    let meddle = |part| {
        if part == 1 {
            live(&rig, n, 1500);
            n += 1500;
        }
    };
    let mut into = Meddling { bytes: Vec::new(), parts: 0, meddle };
    let error = rig.engine.backup(&mut into).expect_err("the journal may not grow for ever");
    assert!(matches!(error, BackupError::Overtaken), "{error}");
    assert!(rig.disk.used() <= 8 * rig.segment_bytes(), "{}", rig.disk.used());
    assert!(matches!(verify(&mut &*into.bytes), Err(RestoreError::Truncated(_))));
    backup(&rig);
}

#[test]
fn only_one_backup_is_made_at_a_time() {
    let rig = Rig::new();
    live(&rig, 1, 10);
    let meddle = |part| {
        // It holds the journal's segments until they are written, the archive without them.
        if part <= 3 {
            let error = rig.engine.backup(&mut Vec::new()).expect_err("one is being made");
            assert!(matches!(error, BackupError::Running), "{error}");
        }
    };
    let mut into = Meddling { bytes: Vec::new(), parts: 0, meddle };
    rig.engine.backup(&mut into).expect("the first one is made");
    backup(&rig);
}

#[test]
fn a_backup_that_is_cut_off_or_changed_anywhere_is_refused() {
    let rig = Rig::new();
    live(&rig, 1, 40);
    let bytes = backup(&rig);
    for end in (0..bytes.len()).step_by(13) {
        let error = verify(&mut &bytes[..end]).expect_err("it is cut off");
        assert!(matches!(error, RestoreError::Truncated(_)), "{end}: {error}");
    }
    let mut changed = bytes.clone();
    for at in (0..bytes.len()).step_by(11) {
        changed[at] ^= 1 << (at % 8);
        verify(&mut &*changed).expect_err("it is damaged");
        changed[at] = bytes[at];
    }
    changed.push(0);
    verify(&mut &*changed).expect_err("something was added");
}

#[test]
fn a_failed_restore_and_a_power_cut_in_it_say_so() {
    let rig = Rig::new();
    live(&rig, 1, 200);
    let bytes = backup(&rig);
    for cut in [1, 2, 3, 5, 8, 13] {
        let disk = SimDisk::default();
        let archive = SimArchive::new(&disk);
        disk.plan(FaultPlan { power_cut_at: Some(cut), ..FaultPlan::default() });
        restore(&mut &*bytes, &disk, &archive).expect_err("the power went");
    }
}

#[test]
fn new_epochs_come_whenever_the_power_goes_at_the_first_start() {
    let rig = Rig::new();
    live(&rig, 1, 200);
    let bytes = backup(&rig);
    let (ids, _, epoch) = mailbox(&rig, 5);
    let operations = {
        let (disk, archive) = Rig::restored(&bytes);
        disk.plan(FaultPlan::default());
        open((disk.clone(), archive), 9);
        disk.operations()
    };
    assert!(4 < operations);
    for cut in 1..=operations {
        for plan in [CrashPlan::Lose, CrashPlan::Keep, CrashPlan::Random(cut)] {
            let (disk, archive) = Rig::restored(&bytes);
            // All of the restored store is durable when the restore has returned.
            let archive = archive.crash(CrashPlan::Lose);
            disk.crash(CrashPlan::Lose);
            disk.plan(FaultPlan { power_cut_at: Some(cut), ..FaultPlan::default() });
            let store = (disk.clone(), archive.clone());
            let opened = Rig::on(settings(), store, 9, 2000).is_ok();
            assert!(!opened || disk.is_off() || cut == operations, "{cut}");
            let archive = archive.crash(plan);
            disk.crash(plan);
            let restored = open((disk, archive), 10);
            let (found, _, renewed) = mailbox(&restored, 5);
            assert_eq!(found, ids, "{cut} {plan:?}");
            assert_ne!(renewed, epoch, "{cut} {plan:?}");
        }
    }
}
