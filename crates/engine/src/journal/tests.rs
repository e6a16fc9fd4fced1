//! What a journal promises, on a disk that fails on purpose.

mod crash;
mod damage;
mod format;
mod space;

use super::*;
use crate::disk::SimDisk;

pub(super) const OPTIONS: Options = Options { segment_bytes: 16 * 1024 };
pub(super) const KIND: u8 = 9;

pub(super) type Opened = Result<(Journal<SimDisk>, Vec<(Serial, u64)>), OpenError>;

/// Opens the journal, and gives the segment and number of each record.
pub(super) fn open(disk: &SimDisk) -> Opened {
    let mut read = Vec::new();
    let journal = Journal::open(disk.clone(), OPTIONS, &mut |serial, kind, record| {
        assert_eq!(kind, KIND);
        let (number, filler) = record.split_first_chunk().ok_or("too short")?;
        let number = u64::from_le_bytes(*number);
        assert!(
            filler.iter().all(|byte| *byte == number as u8),
            "record {number} is not as written"
        );
        read.push((serial, number));
        Ok(())
    })?;
    Ok((journal, read))
}

pub(super) fn numbers(disk: &SimDisk) -> Vec<u64> {
    let (_, read) = open(disk).expect("it opens");
    read.into_iter().map(|(_, number)| number).collect()
}

/// Adds the record of this number, with a filler.
pub(super) fn put(batch: &mut Batch, number: u64, filler: usize) {
    batch.record(KIND, |into| {
        into.extend_from_slice(&number.to_le_bytes());
        into.resize(into.len() + filler, number as u8);
    });
}

/// Appends a batch of one record.
pub(super) fn append(
    journal: &mut Journal<SimDisk>,
    number: u64,
    filler: usize,
) -> Result<Serial, JournalError> {
    let mut batch = Batch::new();
    put(&mut batch, number, filler);
    Ok(journal.append(&mut batch, false)?.serial)
}

pub(super) fn append_synced(journal: &mut Journal<SimDisk>, number: u64, filler: usize) {
    append(journal, number, filler).unwrap();
    journal.sync().unwrap();
}

pub(super) fn free_oldest(journal: &mut Journal<SimDisk>) -> Result<(), JournalError> {
    let mut batch = Batch::new();
    Journal::<SimDisk>::checkpoint(&mut batch, journal.oldest());
    journal.append(&mut batch, false)?;
    journal.sync()?;
    journal.recycle_oldest();
    Ok(())
}

pub(super) fn close(journal: &mut Journal<SimDisk>) -> Result<(), JournalError> {
    journal.append(&mut Batch::new(), true)?;
    journal.sync()
}

pub(super) fn segment_name(slot: u64) -> String {
    format!("segment-{slot:010}.ackd")
}
