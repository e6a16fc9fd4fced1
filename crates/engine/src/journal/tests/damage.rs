//! Damage to what was synced is found and named; a torn end is no damage; stale and forged batches count for nothing.

use std::ops::ControlFlow;

use super::super::Place;
use super::super::batch::Salt;
use super::*;
use crate::disk::{CrashPlan, Disk, DiskFile};

const BATCH_BYTES: usize = 32 + 5 + 8 + 64 + 3 + 16;

/// Five synced batches of the same length in segment 1; the last is not named as synced by another.
fn five_batches() -> SimDisk {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    (1..=5).for_each(|number| append_synced(&mut journal, number, 64));
    disk.crash(CrashPlan::Lose);
    disk
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_synced_batch_is_found() {
    for byte in 0..4 * BATCH_BYTES {
        let disk = five_batches();
        disk.corrupt(&segment_name(1), 4096 + byte);
        let batch = 4096 + byte / BATCH_BYTES * BATCH_BYTES;
        match open(&disk) {
            Err(OpenError::Corrupt { file, offset, .. }) => {
                assert_eq!((file, offset), (segment_name(1), batch as u64));
            }
            other => panic!("byte {byte}: {other:?}"),
        }
    }
}

#[test]
fn the_last_batch_may_have_been_torn() {
    for byte in (0..BATCH_BYTES).step_by(3) {
        let disk = five_batches();
        disk.corrupt(&segment_name(1), 4096 + 4 * BATCH_BYTES + byte);
        assert_eq!(numbers(&disk), [1, 2, 3, 4]);
    }
    let disk = five_batches();
    (0..99).for_each(|byte| disk.corrupt(&segment_name(1), 4096 + 5 * BATCH_BYTES + byte));
    assert_eq!(numbers(&disk), [1, 2, 3, 4, 5]);
}

#[test]
fn damage_in_an_older_segment_is_found_in_its_last_batch_too() {
    let disk = five_batches();
    let (mut journal, _) = open(&disk).unwrap();
    append_synced(&mut journal, 6, 64);
    disk.corrupt(&segment_name(1), 4096 + 4 * BATCH_BYTES + 40);
    let error = open(&disk).unwrap_err().to_string();
    assert!(error.contains(&segment_name(1)) && error.contains("Nothing was changed"), "{error}");
    drop(journal);
    assert!(open(&disk).is_err(), "the first attempt has changed nothing");
}

#[test]
fn what_is_read_back_to_be_carried_on_must_be_whole() {
    let disk = five_batches();
    let (mut journal, _) = open(&disk).unwrap();
    append_synced(&mut journal, 6, 64);
    let reader = journal.reader(journal.oldest()).unwrap();
    let mut places = Vec::new();
    let mut each = |place: Place, records: &mut dyn Iterator<Item = (u8, &[u8])>| {
        places.push(place);
        assert_eq!(records.count(), 1);
        ControlFlow::Continue(())
    };
    reader.read(Place::start(1), u64::MAX, &mut each).unwrap();
    assert_eq!(places.iter().map(|place| place.batch).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let read = |from, until| {
        let mut numbers = Vec::new();
        let mut each = |place: Place, _: &mut dyn Iterator<Item = (u8, &[u8])>| {
            numbers.push(place.batch);
            ControlFlow::Continue(())
        };
        reader.read(from, until, &mut each).map(|()| numbers)
    };
    assert_eq!(read(places[1], 4).unwrap(), [3, 4], "it goes on where it was told to");
    disk.corrupt(&segment_name(1), 4096 + 3 * BATCH_BYTES + 40);
    let error = read(Place::start(1), u64::MAX).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
}

#[test]
fn a_header_survives_damage_to_one_copy_and_never_vanishes_silently() {
    for byte in 0..64 {
        for copy in [0, 2048] {
            let disk = five_batches();
            disk.corrupt(&segment_name(1), copy + byte);
            assert_eq!(numbers(&disk), [1, 2, 3, 4, 5], "byte {byte} of the copy at {copy}");
        }
        let disk = five_batches();
        disk.corrupt(&segment_name(1), byte);
        disk.corrupt(&segment_name(1), 2048 + byte);
        assert!(matches!(open(&disk), Err(OpenError::Corrupt { offset: 0, .. })), "byte {byte}");
    }
}

#[test]
fn a_missing_segment_and_a_foreign_file_are_named() {
    for missing in 1..=3 {
        let disk = SimDisk::default();
        let (mut journal, _) = open(&disk).unwrap();
        (1..=8).for_each(|number| append_synced(&mut journal, number, 5000));
        assert_eq!(journal.segments(), 4);
        disk.remove(&segment_name(missing)).unwrap();
        assert!(matches!(open(&disk), Err(OpenError::Corrupt { .. })), "segment {missing}");
    }
    let disk = five_batches();
    let file = disk.create(&segment_name(7)).unwrap();
    file.write_at(b"a letter to my mother", 0).unwrap();
    let error = open(&disk).unwrap_err().to_string();
    assert!(error.contains(&segment_name(7)), "{error}");
    assert_eq!(disk.open(&segment_name(7)).unwrap().len().unwrap(), 21);
}

#[test]
fn two_files_with_one_serial_are_damage() {
    let disk = five_batches();
    let mut block = vec![0; 16 * 1024];
    disk.open(&segment_name(1)).unwrap().read_at(&mut block, 0).unwrap();
    disk.create(&segment_name(2)).unwrap().write_at(&block, 0).unwrap();
    assert!(matches!(open(&disk), Err(OpenError::Corrupt { .. })));
}

#[test]
fn what_a_recycled_segment_held_before_never_comes_back() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    // All batches have the same length: a stale one stands exactly where the next would.
    (1..=40).for_each(|number| append_synced(&mut journal, number, 2000));
    while 1 < journal.segments() {
        free_oldest(&mut journal).unwrap();
    }
    let (last, files) = (journal.oldest(), disk.list().unwrap().len());
    (41..=43).for_each(|number| append_synced(&mut journal, number, 2000));
    let mut number = 43;
    while journal.segments() < 3 {
        number += 1;
        append_synced(&mut journal, number, 2000);
    }
    assert_eq!(disk.list().unwrap().len(), files, "it goes on in recycled segments");
    disk.crash(CrashPlan::Lose);
    let (_, read) = open(&disk).unwrap();
    assert!(read.iter().all(|(serial, _)| last <= *serial), "{read:?}");
    let after: Vec<u64> = read.iter().map(|(_, number)| *number).filter(|n| 40 < *n).collect();
    assert_eq!(after, (41..=number).collect::<Vec<_>>());
}

#[test]
fn a_stale_batch_of_the_next_number_and_the_same_serial_does_not_validate() {
    // An opening finds the newest segment without a whole batch and takes it into use anew, with the same serial.
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    append(&mut journal, 1, 64).unwrap();
    append_synced(&mut journal, 2, 64);
    disk.corrupt(&segment_name(1), 4096 + 3);
    // Batch 2 names nothing as synced: batch 1 may have been torn.
    let (mut journal, read) = open(&disk).unwrap();
    assert_eq!(read, []);
    assert_eq!(append(&mut journal, 3, 64).unwrap(), 1);
    journal.sync().unwrap();
    disk.crash(CrashPlan::Lose);
    assert_eq!(numbers(&disk), [3]);
}

#[test]
fn a_batch_forged_in_a_body_proves_nothing() {
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk).unwrap();
    append_synced(&mut journal, 1, 64);
    append(&mut journal, 2, 64).unwrap();
    for secret in [0, 1, u64::MAX] {
        let mut forged = Batch::new();
        put(&mut forged, 66, 0);
        forged.seal(Salt { serial: 1, secret }, 5, 4, false);
        let mut batch = Batch::new();
        batch.record(KIND, |into| {
            into.extend_from_slice(&[0; 3]); // so that it stands at a multiple of 8
            into.extend_from_slice(forged.bytes());
        });
        journal.append(&mut batch, false).unwrap();
    }
    disk.corrupt(&segment_name(1), 4096 + BATCH_BYTES + 3);
    assert_eq!(numbers(&disk), [1]);
}
