//! What is particular to this archive: crashes that tear its journal, damage, a full disk, dead threads, and space.

use std::fs::{self, OpenOptions};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::super::conformance::{Rig, conformance};
use super::*;

struct FjallRig(TempDir);

impl Rig for FjallRig {
    type Archive = FjallArchive;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&mut self) -> FjallArchive {
        open(&self.0).unwrap()
    }
}

conformance!(FjallRig);

/// Small tables, so that there are many.
const SMALL: FjallOptions = FjallOptions {
    cache_bytes: 1 << 20,
    memtable_bytes: 64 << 10,
    reserve_bytes: 0,
    open_files: 16,
    threads: 2,
    stall_polls: 3_000,
};

fn open(dir: &TempDir) -> Result<FjallArchive, ArchiveError> {
    FjallArchive::open(&dir.path().join("archive"), SMALL)
}

/// Writes a batch of one entry with a large value.
fn put(archive: &FjallArchive, key: u8) -> Result<(), ArchiveError> {
    let mut batch = ArchiveBatch::new();
    batch.put(&[key], &[key; 10_000]);
    archive.write(&mut batch)
}

fn keys(archive: &FjallArchive) -> Vec<u8> {
    let mut keys = Vec::new();
    let mut each = |key: &[u8], _: &[u8]| {
        keys.extend_from_slice(key);
        ControlFlow::Continue(())
    };
    archive.scan(b"", &[0xff; 9], &mut each).unwrap();
    keys
}

fn journal(dir: &TempDir) -> PathBuf {
    let files = fs::read_dir(dir.path().join("archive/tables")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files.find(|file| file.extension().is_some_and(|kind| kind == "jnl")).unwrap()
}

/// Spoils the value of an entry in the journal, as a page that was not written.
fn spoil(dir: &TempDir, key: u8) {
    let path = journal(dir);
    let bytes = fs::read(&path).unwrap();
    let at = bytes.windows(1_000).position(|window| window == [key; 1_000]).unwrap();
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[0; 512], at as u64 + 2_000).unwrap();
}

#[test]
fn a_batch_torn_in_the_middle_is_dropped_with_what_came_after() {
    let dir = tempfile::tempdir().unwrap();
    let archive = open(&dir).unwrap();
    put(&archive, 1).unwrap();
    archive.sync().unwrap();
    put(&archive, 2).unwrap();
    put(&archive, 3).unwrap();
    put(&archive, 4).unwrap();
    drop(archive);
    spoil(&dir, 3);
    let archive = open(&dir).unwrap();
    assert_eq!(keys(&archive), [1, 2]);
    put(&archive, 5).unwrap();
    archive.sync().unwrap();
    drop(archive);
    assert_eq!(keys(&open(&dir).unwrap()), [1, 2, 5]);
}

#[test]
fn damage_to_what_was_synced_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let archive = open(&dir).unwrap();
    put(&archive, 1).unwrap();
    put(&archive, 2).unwrap();
    archive.sync().unwrap();
    put(&archive, 3).unwrap();
    drop(archive);
    spoil(&dir, 2);
    for _ in 0..2 {
        let refused = open(&dir).unwrap_err();
        assert!(matches!(refused, ArchiveError::Damaged(_)), "{refused}");
        assert_eq!(
            refused.to_string(),
            "the archive is damaged: batch 2 was synced, and the last one there is 1"
        );
    }
}

#[test]
fn a_journal_cut_short_is_told_if_it_was_synced() {
    let dir = tempfile::tempdir().unwrap();
    let archive = open(&dir).unwrap();
    put(&archive, 1).unwrap();
    archive.sync().unwrap();
    put(&archive, 2).unwrap();
    archive.sync().unwrap();
    drop(archive);
    OpenOptions::new().write(true).open(journal(&dir)).unwrap().set_len(12_000).unwrap();
    assert!(matches!(open(&dir), Err(ArchiveError::Damaged(_))));
}

#[test]
fn a_start_that_was_cut_off_is_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir).unwrap());
    // The mark is the last to be made, the library's version the last but one.
    fs::remove_file(dir.path().join("archive/synced")).unwrap();
    fs::write(dir.path().join("archive/tables/version"), b"").unwrap();
    let archive = open(&dir).unwrap();
    put(&archive, 1).unwrap();
    archive.sync().unwrap();
    drop(archive);
    assert_eq!(keys(&open(&dir).unwrap()), [1]);
}

#[test]
fn a_second_opening_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let archive = open(&dir).unwrap();
    assert!(matches!(open(&dir), Err(ArchiveError::Io(_))));
    put(&archive, 1).unwrap();
}

#[test]
fn without_space_in_reserve_only_removals_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive");
    let archive = FjallArchive::open(&path, SMALL).unwrap();
    put(&archive, 1).unwrap();
    put(&archive, 2).unwrap();
    let free = archive.shared.place.free_bytes().unwrap();
    drop(archive);
    // What others take or give meanwhile is less than the half.
    let options = FjallOptions { reserve_bytes: free * 2, ..SMALL };
    let archive = FjallArchive::open(&path, options).unwrap();
    assert!(matches!(put(&archive, 3), Err(ArchiveError::Full(_))));
    let mut batch = ArchiveBatch::new();
    batch.remove(&[1]);
    archive.write(&mut batch).unwrap();
    archive.sync().unwrap();
    assert_eq!(keys(&archive), [2]);
}

/// Without threads nothing becomes a table: each opening anew frees what the last one had sealed, up to a limit.
#[test]
fn threads_that_do_not_get_on_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let options = FjallOptions { threads: 0, stall_polls: 2, ..SMALL };
    let archive = FjallArchive::open(&dir.path().join("archive"), options).unwrap();
    let mut written = 0;
    let stalled = loop {
        match put(&archive, written + 1) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(stalled, ArchiveError::Stalled), "{stalled}");
    assert!(0 < archive.shared.tables().unwrap().life(), "it was not opened anew");
    let bytes = u64::from(written) * 10_000;
    assert!(7 * SMALL.memtable_bytes < bytes && bytes < 9 * SMALL.memtable_bytes, "{bytes}");
    // Nothing is lost, and what was written can be made durable.
    archive.sync().unwrap();
    assert_eq!(keys(&archive), (1..=written).collect::<Vec<_>>());
    drop(archive);
    let archive = open(&dir).unwrap();
    put(&archive, written + 1).unwrap();
    assert_eq!(keys(&archive).len(), usize::from(written) + 1);
}

#[test]
fn a_snapshot_ends_when_the_archive_is_opened_anew() {
    let dir = tempfile::tempdir().unwrap();
    let archive = open(&dir).unwrap();
    put(&archive, 1).unwrap();
    let snapshot = archive.snapshot().unwrap();
    archive.shared.reopen(&mut archive.shared.writer.lock()).unwrap();
    let mut each = |_: &[u8], _: &[u8]| ControlFlow::Continue(());
    assert!(matches!(snapshot.scan(b"", b"\xff", &mut each), Err(ArchiveError::Poisoned)));
    put(&archive, 2).unwrap();
    assert_eq!(keys(&archive), [1, 2]);
}

#[test]
fn after_a_failure_nothing_is_believed() {
    let dir = tempfile::tempdir().unwrap();
    let archive = open(&dir).unwrap();
    put(&archive, 1).unwrap();
    archive.shared.fail(ArchiveError::Stalled);
    assert!(matches!(put(&archive, 2), Err(ArchiveError::Poisoned)));
    assert!(matches!(archive.sync(), Err(ArchiveError::Poisoned)));
    assert!(matches!(archive.get(&[1]), Err(ArchiveError::Poisoned)));
    assert_eq!(archive.usage().memory_bytes, 0);
    drop(archive);
    assert_eq!(keys(&open(&dir).unwrap()), [1]);
}

#[test]
fn what_is_removed_gives_its_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let archive = open(&dir).unwrap();
    for first in 0..100u32 {
        let mut batch = ArchiveBatch::new();
        for at in first * 100..(first + 1) * 100 {
            batch.put(&(at + 1).to_be_bytes(), &[7; 1_000]);
        }
        archive.write(&mut batch).unwrap();
    }
    archive.sync().unwrap();
    let full = archive.usage().disk_bytes;
    assert!(10_000_000 < full);
    let mut batch = ArchiveBatch::new();
    (0..10_000u32).for_each(|at| batch.remove(&(at + 1).to_be_bytes()));
    archive.write(&mut batch).unwrap();
    archive.compact().unwrap();
    let tables = archive.shared.tables().unwrap();
    assert!(tables.counts().entries < 10, "{}", tables.counts().entries);
    // What is left is the journal, which goes when it is full.
    let tables = fs::read_dir(dir.path().join("archive/tables/keyspaces/1/tables")).unwrap();
    let bytes: u64 = tables.map(|table| table.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < full / 100, "{bytes}");
    assert!(keys(&archive).is_empty());
}
