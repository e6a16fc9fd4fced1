//! Segments as a supply: spares, a full disk, poisoning, other sizes.

use super::*;
use crate::disk::{CrashPlan, Disk, FaultPlan};

#[test]
fn a_full_disk_refuses_without_poison_and_goes_on_when_there_is_space() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    let spares = journal.spare_maker();
    spares.make(true).unwrap();
    disk.plan(FaultPlan { capacity: Some(disk.used()), ..FaultPlan::default() });
    assert!(spares.make(false).is_err() && spares.make(true).is_err());
    assert_eq!(disk.list().unwrap().len(), 2, "half a spare is removed");
    let refused_at = (1..99).find(|number| append(&mut journal, *number, 2000).is_err()).unwrap();
    assert!(10 < refused_at, "the spare is used up first");
    let error = append(&mut journal, refused_at, 2000).unwrap_err();
    assert!(matches!(error, JournalError::NoSpare(_)), "{error}");
    append_synced(&mut journal, refused_at, 8); // a small one fits still
    disk.plan(FaultPlan::default());
    append_synced(&mut journal, refused_at + 1, 2000);
    disk.crash(CrashPlan::Lose);
    assert_eq!(numbers(&disk), (1..=refused_at + 1).collect::<Vec<_>>());
}

#[test]
fn after_a_failed_write_or_sync_no_success_is_believed() {
    for error_at in [1, 2] {
        let disk = SimDisk::default();
        let (mut journal, _) = open(&disk).unwrap();
        append_synced(&mut journal, 1, 64);
        disk.plan(FaultPlan { error_at: Some(error_at), ..FaultPlan::default() });
        let failed = append(&mut journal, 2, 64).and_then(|_| journal.sync());
        assert!(matches!(failed, Err(JournalError::Io(_))), "{failed:?}");
        for _ in 0..2 {
            assert!(matches!(journal.sync(), Err(JournalError::Poisoned)));
            assert!(matches!(append(&mut journal, 3, 64), Err(JournalError::Poisoned)));
            assert!(matches!(close(&mut journal), Err(JournalError::Poisoned)));
        }
        disk.crash(CrashPlan::Lose);
        assert_eq!(numbers(&disk), [1]);
    }
}

#[test]
fn starting_often_uses_up_no_space() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    append_synced(&mut journal, 1, 64);
    for _ in 0..20 {
        close(&mut journal).unwrap();
        journal = open(&disk).unwrap().0;
    }
    assert_eq!(journal.segments(), 1, "it goes on behind a close");
    for plan in [CrashPlan::Lose, CrashPlan::Keep, CrashPlan::Random(3)].iter().cycle().take(20) {
        disk.crash(*plan);
        journal = open(&disk).unwrap().0;
    }
    assert_eq!(journal.segments(), 2, "a segment without a batch is used again");
    assert_eq!(numbers(&disk), [1]);
}

#[test]
fn the_largest_batch_fits_and_a_larger_one_is_refused_without_poison() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    let capacity = journal.capacity();
    assert_eq!((capacity.remaining, capacity.segment), (12 * 1024, 12 * 1024));
    let largest = capacity.segment as usize - 48 - RECORD_OVERHEAD - 8;
    append_synced(&mut journal, 1, largest);
    assert_eq!(journal.capacity().remaining, 0);
    assert!(matches!(append(&mut journal, 2, largest + 1), Err(JournalError::TooLarge(_))));
    append_synced(&mut journal, 3, largest);
    assert_eq!(numbers(&disk), [1, 3]);
}

#[test]
fn a_journal_opens_with_segments_of_another_size() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    (1..=12).for_each(|number| append_synced(&mut journal, number, 2000));
    journal.spare_maker().make(false).unwrap();
    close(&mut journal).unwrap();
    let segments = journal.segments();
    let mut read = 0;
    let options = Options { segment_bytes: 8 * 1024 };
    let mut journal = Journal::open(disk.clone(), options, &mut |_, _, _| {
        read += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!((read, journal.segments()), (12, segments + 1));
    append_synced(&mut journal, 13, 2000);
    while 1 < journal.segments() {
        free_oldest(&mut journal).unwrap();
    }
    disk.sync_dir().unwrap();
    assert_eq!(disk.used(), 8 * 1024, "what has another size is not used again");
}

#[test]
fn half_a_spare_is_removed_at_the_next_start() {
    let disk = SimDisk::default();
    drop(open(&disk).unwrap());
    disk.create(&segment_name(2)).unwrap();
    disk.create("notes.txt").unwrap();
    disk.sync_dir().unwrap();
    let (journal, _) = open(&disk).unwrap();
    assert_eq!(disk.list().unwrap(), ["notes.txt".into(), segment_name(1)]);
    assert_eq!(journal.spare_maker().ready(), 0);
}

#[test]
fn spares_are_given_back_but_for_one() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    let spares = journal.spare_maker();
    for _ in 0..4 {
        spares.make(false).unwrap();
    }
    spares.trim(3);
    assert_eq!((spares.ready(), spares.bytes()), (3, 3 * OPTIONS.segment_bytes));
    spares.trim(0);
    assert_eq!(spares.ready(), 1, "somebody may count on it");
    assert_eq!(disk.list().unwrap().len(), 2, "the rest is gone from the disk");
    spares.make(false).unwrap();
    disk.plan(FaultPlan { error_at: Some(1), ..FaultPlan::default() });
    spares.trim(1);
    assert_eq!(spares.ready(), 2, "what cannot be removed is still there");
    disk.plan(FaultPlan::default());
    spares.trim(1);
    assert_eq!(spares.ready(), 1);
    append_synced(&mut journal, 1, 64);
    disk.crash(CrashPlan::Lose);
    assert_eq!(numbers(&disk), [1]);
}
