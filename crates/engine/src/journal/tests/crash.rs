//! The power goes, or the disk fails, at every operation of a history.

use super::*;
use crate::disk::{CrashPlan, FaultPlan};

/// What was written, and what of it must be there.
#[derive(Debug, Default)]
struct Written {
    /// Every record, in order, with its segment.
    records: Vec<(Serial, u64)>,
    /// So many of them are durable.
    synced: usize,
    /// Those in older segments may be gone.
    oldest: Serial,
    /// Never given twice, so that a record of a lost future is noticed.
    next: u64,
}

impl Written {
    /// Appends, syncs, frees, makes spares, closes and opens again, until something fails.
    fn live(&mut self, disk: &SimDisk, steps: u64) -> Result<(), String> {
        let (mut journal, read) = open(disk).map_err(|error| error.to_string())?;
        self.check(&read);
        for step in 0..steps {
            if step == steps / 2 {
                close(&mut journal).map_err(|error| error.to_string())?;
                let (reopened, read) = open(disk).map_err(|error| error.to_string())?;
                assert!(reopened.was_closed());
                self.check(&read);
                journal = reopened;
            }
            self.step(&mut journal, step).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn step(&mut self, journal: &mut Journal<SimDisk>, step: u64) -> Result<(), JournalError> {
        let mut batch = Batch::new();
        for record in 0..=step % 3 {
            put(&mut batch, self.next, ((step * 977 + record * 131) % 1900) as usize);
            self.records.push((Serial::MAX, self.next));
            self.next += 1;
        }
        let serial = journal.append(&mut batch, false)?.serial;
        let unplaced = self.records.iter_mut().rev();
        unplaced.take_while(|(at, _)| *at == Serial::MAX).for_each(|(at, _)| *at = serial);
        if step % 3 != 1 {
            journal.sync()?;
            self.synced = self.records.len();
        }
        if 3 < journal.segments() {
            self.oldest = journal.oldest() + 1;
            free_oldest(journal)?;
            self.synced = self.records.len();
        }
        let spares = journal.spare_maker();
        if step % 8 == 2 && spares.ready() == 0 {
            spares.make(step % 16 == 2)?;
        }
        Ok(())
    }

    /// Everything durable is there, in order, and nothing but what was written. What was read is durable from now on.
    fn check(&mut self, read: &[(Serial, u64)]) {
        let read: Vec<u64> = read.iter().map(|(_, number)| *number).collect();
        let written: Vec<u64> = self.records.iter().map(|(_, number)| *number).collect();
        let needed = self.records.iter().position(|(serial, _)| self.oldest <= *serial);
        let needed = needed.unwrap_or(self.records.len());
        let start = match read.first() {
            Some(first) => {
                written.iter().position(|number| number == first).expect("it was written")
            }
            None => needed,
        };
        let end = start + read.len();
        assert!(start <= needed && self.synced <= end, "{start}..{end} is left of {self:?}");
        assert_eq!(written.get(start..end), Some(&read[..]));
        self.records.truncate(end);
        self.synced = end;
        // Where a write failed it is not known whether it was done.
        let first = self.records.first().map_or(1, |(serial, _)| *serial);
        self.records.iter_mut().fold(first, |last, (serial, _)| {
            *serial = if *serial == Serial::MAX { last } else { *serial };
            *serial
        });
    }

    fn check_disk(&mut self, disk: &SimDisk) {
        self.check(&open(disk).expect("it opens").1);
    }
}

fn plans(seed: u64) -> impl Iterator<Item = CrashPlan> {
    let random = (0..4).map(move |more| CrashPlan::Random(seed * 31 + more));
    [CrashPlan::Lose, CrashPlan::Keep].into_iter().chain(random)
}

const STEPS: u64 = 48;

fn operations() -> u64 {
    let (disk, mut written) = (SimDisk::default(), Written::default());
    written.live(&disk, STEPS).unwrap();
    let (journal, _) = open(&disk).unwrap();
    assert!(3 < journal.oldest(), "segments were freed and used again");
    disk.operations()
}

#[test]
fn the_power_goes_at_every_operation_and_soon_again() {
    for cut in 1..=operations() {
        for plan in plans(cut) {
            let (disk, mut written) = (SimDisk::default(), Written::default());
            disk.plan(FaultPlan { power_cut_at: Some(cut), ..FaultPlan::default() });
            let error = written.live(&disk, STEPS).err();
            assert!(error.is_none_or(|error| error.contains("the power is off")));
            disk.crash(plan);
            written.check_disk(&disk);
            disk.crash(CrashPlan::Lose);
            disk.plan(FaultPlan { power_cut_at: Some(cut % 37), ..FaultPlan::default() });
            let _cut = written.live(&disk, 12);
            disk.crash(plan);
            written.live(&disk, 12).unwrap();
            disk.crash(CrashPlan::Lose);
            written.check_disk(&disk);
        }
    }
}

#[test]
fn the_power_goes_at_every_operation_of_an_opening() {
    for cut in (1..=operations()).step_by(5) {
        for (again, plan) in (1..12).flat_map(|again| plans(cut).map(move |plan| (again, plan))) {
            let (disk, mut written) = (SimDisk::default(), Written::default());
            disk.plan(FaultPlan { power_cut_at: Some(cut), ..FaultPlan::default() });
            let _cut = written.live(&disk, STEPS);
            disk.crash(plan);
            disk.plan(FaultPlan { power_cut_at: Some(again), ..FaultPlan::default() });
            if let Ok((_, read)) = open(&disk) {
                written.check(&read);
            }
            disk.crash(plan);
            written.check_disk(&disk);
        }
    }
}

#[test]
fn an_error_at_any_operation_poisons_or_changes_nothing_and_the_next_start_makes_durable_what_it_reads()
 {
    for at in 1..=operations() {
        let (disk, mut written) = (SimDisk::default(), Written::default());
        disk.plan(FaultPlan { error_at: Some(at), ..FaultPlan::default() });
        let _failed = written.live(&disk, STEPS);
        disk.plan(FaultPlan::default());
        // Only the process starts again: the page cache has what a failed sync has lost on the disk.
        written.check_disk(&disk);
        disk.crash(CrashPlan::Lose);
        written.check_disk(&disk);
        written.live(&disk, 12).unwrap();
    }
}

#[test]
fn the_disk_is_full_at_any_operation() {
    for at in 1..=operations() {
        let (disk, mut written) = (SimDisk::default(), Written::default());
        disk.plan(FaultPlan { full_at: Some(at), ..FaultPlan::default() });
        let _full = written.live(&disk, STEPS);
        disk.crash(CrashPlan::Random(at));
        written.check_disk(&disk);
        written.live(&disk, 12).unwrap();
    }
}

#[test]
fn what_came_after_a_lost_batch_never_comes_back() {
    let mut reordered = 0;
    for seed in 0..60 {
        let disk = SimDisk::default();
        let (mut journal, _) = open(&disk).unwrap();
        append_synced(&mut journal, 1, 500);
        append(&mut journal, 2, 500).unwrap();
        append(&mut journal, 3, 500).unwrap();
        disk.crash(CrashPlan::Random(seed));
        let (mut journal, read) = open(&disk).unwrap();
        if read.len() != 1 {
            continue;
        }
        reordered += 1;
        append_synced(&mut journal, 4, 500);
        close(&mut journal).unwrap();
        disk.crash(CrashPlan::Lose);
        // Behind a close writing goes on in place; what is lost there is lost for good too.
        let (mut journal, _) = open(&disk).unwrap();
        append(&mut journal, 5, 500).unwrap();
        append(&mut journal, 6, 500).unwrap();
        disk.crash(CrashPlan::Random(seed + 100));
        let (mut journal, read) = open(&disk).unwrap();
        let known = read.len();
        append_synced(&mut journal, 7, 500);
        disk.crash(CrashPlan::Lose);
        let all = [vec![1, 4], vec![5, 6][..known - 2].to_vec(), vec![7]].concat();
        assert_eq!(numbers(&disk), all);
    }
    assert!(10 < reordered);
}
