//! What holds for every archive. Each test gets a [`Rig`], which knows how to close an archive and open it again.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{ARCHIVE_KEY_BYTES_MAX, Archive, ArchiveBatch, ArchiveSnapshot};

/// Where archives under test live.
pub(super) trait Rig {
    type Archive: Archive;
    fn new() -> Self;
    /// Opens what is there; the archive of before is dropped.
    fn open(&mut self) -> Self::Archive;
}

/// Makes a test of each check for a rig.
macro_rules! conformance {
    ($rig:ty) => {
        $crate::archive::conformance::conformance!($rig:
            entries_come_in_the_order_of_their_keys, a_range_has_its_start_and_not_its_end,
            a_scan_ends_when_it_is_told_to, the_last_change_counts, a_failed_key_is_refused,
            what_is_removed_is_gone_after_opening, a_batch_is_drained_and_an_empty_one_is_fine,
            a_large_value_comes_back, a_snapshot_does_not_change, readers_see_whole_batches,
            compacting_changes_nothing, it_does_what_a_map_does);
    };
    ($rig:ty: $($check:ident),*) => {
        $(#[test]
        fn $check() {
            $crate::archive::conformance::$check(<$rig as $crate::archive::conformance::Rig>::new());
        })*
    };
}
pub(super) use conformance;

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn put(archive: &impl Archive, entries: &[(&[u8], &[u8])]) {
    let mut batch = ArchiveBatch::new();
    for (key, value) in entries {
        batch.put(key, value);
    }
    archive.write(&mut batch).unwrap();
}

fn remove(archive: &impl Archive, keys: &[&[u8]]) {
    let mut batch = ArchiveBatch::new();
    for key in keys {
        batch.remove(key);
    }
    archive.write(&mut batch).unwrap();
}

fn scan(archive: &impl Archive, start: &[u8], end: &[u8]) -> Entries {
    let mut entries = Entries::new();
    let mut each = |key: &[u8], value: &[u8]| {
        entries.push((key.into(), value.into()));
        ControlFlow::Continue(())
    };
    archive.scan(start, end, &mut each).unwrap();
    entries
}

fn keys(archive: &impl Archive, start: &[u8], end: &[u8]) -> Vec<Vec<u8>> {
    scan(archive, start, end).into_iter().map(|(key, _)| key).collect()
}

/// A key behind all those of these tests.
const END: &[u8] = &[0xff; 8];

pub(super) fn entries_come_in_the_order_of_their_keys(mut rig: impl Rig) {
    let archive = rig.open();
    assert_eq!(scan(&archive, b"", END), []);
    put(&archive, &[(b"b", b"2"), (b"\xff", b"4"), (b"a", b"1"), (b"ab", b"3")]);
    put(&archive, &[(b"\0\0", b""), (b"aa", b"5")]);
    let expected: [&[u8]; 6] = [b"\0\0", b"a", b"aa", b"ab", b"b", b"\xff"];
    assert_eq!(keys(&archive, b"", END), expected);
    assert_eq!(archive.get(b"ab").unwrap().as_deref(), Some(&b"3"[..]));
    assert_eq!(archive.get(b"\0\0").unwrap().as_deref(), Some(&b""[..]));
    for absent in [&b""[..], b"\0", b"abc", END] {
        assert_eq!(archive.get(absent).unwrap(), None);
    }
}

pub(super) fn a_range_has_its_start_and_not_its_end(mut rig: impl Rig) {
    let archive = rig.open();
    put(&archive, &[(b"a", b""), (b"a\0", b""), (b"a\xff", b""), (b"a\xff\xff", b""), (b"b", b"")]);
    assert_eq!(keys(&archive, b"a", b"b"), [&b"a"[..], b"a\0", b"a\xff", b"a\xff\xff"]);
    assert_eq!(keys(&archive, b"a\0", b"a\xff\xff"), [&b"a\0"[..], b"a\xff"]);
    assert_eq!(keys(&archive, b"a\0\0", b"a\xff"), [b""; 0]);
    assert_eq!(keys(&archive, b"a", b"a"), [b""; 0]);
    assert_eq!(keys(&archive, b"b", b"a"), [b""; 0]);
    assert_eq!(keys(&archive, b"", b""), [b""; 0]);
    assert_eq!(keys(&archive, b"b", END), [b"b"]);
}

pub(super) fn a_scan_ends_when_it_is_told_to(mut rig: impl Rig) {
    let archive = rig.open();
    put(&archive, &[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]);
    let mut seen = Vec::new();
    let mut each = |key: &[u8], _: &[u8]| {
        seen.push(archive.get(key).unwrap().unwrap());
        if key == b"b" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    archive.scan(b"a", END, &mut each).unwrap();
    assert_eq!(seen, [b"1", b"2"]);
}

pub(super) fn the_last_change_counts(mut rig: impl Rig) {
    let archive = rig.open();
    put(&archive, &[(b"a", b"1"), (b"b", b"1"), (b"c", b"1")]);
    let mut batch = ArchiveBatch::new();
    batch.put(b"c", b"2");
    batch.put(b"a", b"2");
    batch.remove(b"b");
    batch.put(b"b", b"3");
    batch.put(b"d", b"4");
    batch.remove(b"d");
    batch.put(b"a", b"5");
    archive.write(&mut batch).unwrap();
    archive.sync().unwrap();
    let entries = [
        (b"a".to_vec(), b"5".to_vec()),
        (b"b".to_vec(), b"3".to_vec()),
        (b"c".to_vec(), b"2".to_vec()),
    ];
    assert_eq!(scan(&archive, b"", END), entries);
    drop(archive);
    assert_eq!(scan(&rig.open(), b"", END), entries);
}

pub(super) fn a_failed_key_is_refused(mut rig: impl Rig) {
    let archive = rig.open();
    let longest = vec![7; ARCHIVE_KEY_BYTES_MAX];
    put(&archive, &[(&longest, b"1")]);
    assert_eq!(archive.get(&longest).unwrap().as_deref(), Some(&b"1"[..]));
    for key in [&b""[..], b"\0", &[7; ARCHIVE_KEY_BYTES_MAX + 1]] {
        let refused = std::panic::catch_unwind(|| ArchiveBatch::new().put(key, b""));
        assert!(refused.is_err(), "{key:?}");
    }
}

pub(super) fn what_is_removed_is_gone_after_opening(mut rig: impl Rig) {
    let archive = rig.open();
    put(&archive, &[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")]);
    archive.sync().unwrap();
    remove(&archive, &[b"b", b"never there"]);
    assert_eq!(archive.get(b"b").unwrap(), None);
    assert_eq!(keys(&archive, b"", END), [b"a", b"c"]);
    archive.sync().unwrap();
    drop(archive);
    let archive = rig.open();
    assert_eq!(keys(&archive, b"", END), [b"a", b"c"]);
    put(&archive, &[(b"b", b"4")]);
    archive.sync().unwrap();
    drop(archive);
    assert_eq!(rig.open().get(b"b").unwrap().as_deref(), Some(&b"4"[..]));
}

pub(super) fn a_batch_is_drained_and_an_empty_one_is_fine(mut rig: impl Rig) {
    let archive = rig.open();
    archive.sync().unwrap();
    let mut batch = ArchiveBatch::new();
    archive.write(&mut batch).unwrap();
    batch.put(b"a", b"1");
    archive.write(&mut batch).unwrap();
    assert!(batch.is_empty());
    archive.write(&mut batch).unwrap();
    archive.sync().unwrap();
    archive.sync().unwrap();
    assert_eq!(keys(&archive, b"", END), [b"a"]);
}

pub(super) fn a_large_value_comes_back(mut rig: impl Rig) {
    let archive = rig.open();
    let large: Vec<u8> =
        (0..1 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    put(&archive, &[(b"a", &large), (b"b", &vec![0; 1 << 20]), (b"c", b"")]);
    archive.sync().unwrap();
    drop(archive);
    let archive = rig.open();
    assert!(archive.get(b"a").unwrap().unwrap() == large);
    assert_eq!(archive.get(b"b").unwrap().unwrap().len(), 1 << 20);
    assert_eq!(archive.get(b"c").unwrap().unwrap(), b"");
}

pub(super) fn a_snapshot_does_not_change(mut rig: impl Rig) {
    let archive = rig.open();
    put(&archive, &[(b"a", b"1"), (b"b", b"1")]);
    let snapshot = archive.snapshot().unwrap();
    let before = view(snapshot.as_ref());
    put(&archive, &[(b"a", b"2"), (b"c", b"2")]);
    remove(&archive, &[b"b"]);
    archive.compact().unwrap();
    assert_eq!(view(snapshot.as_ref()), before);
    assert_eq!(before.len(), 2);
    assert_eq!(keys(&archive, b"", END), [b"a", b"c"]);
}

fn view(snapshot: &dyn ArchiveSnapshot) -> Entries {
    let mut entries = Entries::new();
    let mut each = |key: &[u8], value: &[u8]| {
        entries.push((key.into(), value.into()));
        ControlFlow::Continue(())
    };
    snapshot.scan(b"", END, &mut each).unwrap();
    entries
}

/// Each batch sets all keys to one value, so a reader who sees two values has seen half a batch.
pub(super) fn readers_see_whole_batches(mut rig: impl Rig) {
    let archive = rig.open();
    let names: Vec<[u8; 2]> = (1..500u16).map(u16::to_be_bytes).collect();
    let write = |round: u32| {
        let mut batch = ArchiveBatch::new();
        for name in &names {
            batch.put(name, &round.to_be_bytes());
        }
        archive.write(&mut batch).unwrap();
    };
    write(0);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for entries in
                    [scan(&archive, b"", END), view(archive.snapshot().unwrap().as_ref())]
                {
                    assert_eq!(entries.len(), names.len());
                    assert!(entries.iter().all(|(_, value)| *value == entries[0].1));
                }
            }
        });
        for round in 1..200 {
            write(round);
        }
        done.store(true, Ordering::Relaxed);
    });
}

pub(super) fn compacting_changes_nothing(mut rig: impl Rig) {
    let archive = rig.open();
    for at in 0..100u8 {
        put(&archive, &[(&[1, at], &[at]), (&[2, at], &[at])]);
    }
    for at in 0..100u8 {
        remove(&archive, &[&[1, at]]);
    }
    let before = scan(&archive, b"", END);
    archive.compact().unwrap();
    assert_eq!(scan(&archive, b"", END), before);
    archive.sync().unwrap();
    drop(archive);
    let archive = rig.open();
    archive.compact().unwrap();
    assert_eq!(scan(&archive, b"", END), before);
    assert_eq!(before.len(), 100);
}

#[derive(Debug, Clone)]
enum Step {
    /// Puts (`Some`) and removals.
    Write(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Sync,
    Compact,
    Reopen,
    Scan(Vec<u8>, Vec<u8>),
}

fn a_key() -> impl Strategy<Value = Vec<u8>> {
    // Few letters, so that keys meet and are prefixes of one another.
    prop::collection::vec(prop::sample::select(vec![1, 2, 0x7f, 0xff]), 1..5)
}

fn a_step() -> impl Strategy<Value = Step> {
    let change = (a_key(), prop::option::of(prop::collection::vec(any::<u8>(), 0..40)));
    prop_oneof![
        8 => prop::collection::vec(change, 0..12).prop_map(Step::Write),
        2 => Just(Step::Sync),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        4 => (a_key(), a_key()).prop_map(|(start, end)| Step::Scan(start, end)),
    ]
}

/// Closed in an orderly way an archive keeps everything, synced or not.
pub(super) fn it_does_what_a_map_does<R: Rig>(_: R) {
    let steps = prop::collection::vec(a_step(), 1..40);
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        let mut rig = R::new();
        let mut archive = Some(rig.open());
        let mut map = BTreeMap::new();
        for step in steps {
            apply(&mut rig, &mut archive, &mut map, step)?;
        }
        Ok(())
    });
    outcome.unwrap();
}

fn apply<R: Rig>(
    rig: &mut R,
    archive: &mut Option<R::Archive>,
    map: &mut BTreeMap<Vec<u8>, Vec<u8>>,
    step: Step,
) -> Result<(), TestCaseError> {
    let opened = archive.as_ref().unwrap();
    match step {
        Step::Write(changes) => write(opened, map, changes),
        Step::Sync => opened.sync().unwrap(),
        Step::Compact => opened.compact().unwrap(),
        Step::Reopen => {
            *archive = None;
            *archive = Some(rig.open());
        }
        Step::Scan(start, end) => {
            let inside = map.iter().filter(|(key, _)| start <= **key && **key < end);
            let expected: Entries =
                inside.map(|(key, value)| (key.clone(), value.clone())).collect();
            prop_assert_eq!(scan(opened, &start, &end), expected);
            prop_assert_eq!(opened.get(&start).unwrap(), map.get(&start).cloned());
        }
    }
    let archive = archive.as_ref().unwrap();
    let expected: Entries = map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    prop_assert_eq!(scan(archive, b"", END), expected);
    Ok(())
}

fn write(
    archive: &impl Archive,
    map: &mut BTreeMap<Vec<u8>, Vec<u8>>,
    changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
) {
    let mut batch = ArchiveBatch::new();
    for (key, value) in changes {
        if let Some(value) = value {
            batch.put(&key, &value);
            map.insert(key, value);
        } else {
            batch.remove(&key);
            map.remove(&key);
        }
    }
    archive.write(&mut batch).unwrap();
}
