//! Pages of what waits.

use super::client::{Rig, page, refused, seqs};
use super::{OpenEmpty, Test, tests};
use crate::api::{Command, Connected, LogKey, Read, ReaderKey, Refusal};

pub(super) const TESTS: &[Test] = tests![
    pages_end_by_count_and_by_bytes,
    only_what_is_unsettled_is_fetched,
    a_reader_that_does_not_exist_reads_nothing,
];

fn read(rig: &Rig, who: &Connected, after: u64, messages: u16, bytes: u32) -> (Vec<u64>, u64, u64) {
    let read = Read { reader: who.reader, after, messages, bytes };
    let (messages, read_to, end) = page(rig.ask(2, Command::Read(read)));
    (seqs(&messages), read_to, end)
}

fn pages_end_by_count_and_by_bytes(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=6).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &bob, None, &[2]);
    assert_eq!(read(&rig, &bob, 0, 3, u32::MAX), (vec![1, 3, 4], 4, 6));
    assert_eq!(read(&rig, &bob, 4, 3, u32::MAX), (vec![5, 6], 6, 6));
    assert_eq!(read(&rig, &bob, 6, 3, u32::MAX), (vec![], 6, 6));
    // Each has 3 bytes of name and 7 of body.
    assert_eq!(read(&rig, &bob, 0, 100, 11), (vec![1, 3], 3, 6));
    assert_eq!(read(&rig, &bob, 0, 100, 1), (vec![1], 1, 6), "one at least");
}

fn only_what_is_unsettled_is_fetched(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    (1..=4).for_each(|n| drop(rig.send(1, &ann, "bob", n)));
    rig.settle(2, &bob, None, &[2]);
    let fetch = Command::Fetch { reader: bob.reader, seqs: vec![1, 2, 4, 9] };
    assert_eq!(seqs(&page(rig.ask(2, fetch)).0), [1, 4]);
    rig.submit(2, 1, Command::Archive { reader: bob.reader, seqs: vec![1, 2, 9] });
    assert_eq!(rig.read(2, &bob)[0].message.body(), b"\"hello\"", "archiving changes nothing");
}

fn a_reader_that_does_not_exist_reads_nothing(open: OpenEmpty<'_>) {
    let rig = Rig::new(open);
    let (ann, bob) = (rig.claim(1, "ann"), rig.claim(2, "bob"));
    rig.send(1, &ann, "bob", 1);
    let other = ReaderKey { index: 9, ..bob.reader };
    let read = Read { reader: other, after: 0, messages: 9, bytes: 999 };
    assert_eq!(page(rig.ask(2, Command::Read(read))).0.len(), 0);
    let stale = ReaderKey { log: LogKey(u64::MAX), ..bob.reader };
    let read = Read { reader: stale, ..read };
    assert_eq!(refused(&rig.ask(2, Command::Read(read))), Some(Refusal::UnknownIdentity));
}
