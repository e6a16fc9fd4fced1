//! Bytes: what is written reads back, and no bytes make the reader panic.

use proptest::prelude::*;

use super::super::batch::{BatchHeader, HEADER_BYTES, Salt, records};
use super::super::segment::{SegmentHeader, Start};
use super::*;
use crate::disk::{Disk, DiskFile};

const SALT: Salt = Salt { serial: 3, secret: 0x0123_4567_89ab_cdef };

fn batch(contents: &[(u8, Vec<u8>)]) -> Batch {
    let mut batch = Batch::new();
    for (kind, content) in contents {
        let place = batch.record(*kind, |into| into.extend_from_slice(content));
        assert_eq!(&batch.bytes()[place], &content[..]);
    }
    batch
}

fn contents() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..80)), 0..12)
}

/// A journal whose only segment has these bytes behind its header.
fn disk_with(bytes: &[u8]) -> SimDisk {
    let disk = SimDisk::default();
    let file = disk.create(&segment_name(1)).unwrap();
    file.allocate(OPTIONS.segment_bytes).unwrap();
    let salt = Salt { serial: 1, secret: 7 };
    let header = SegmentHeader { salt, first_batch: 1, batch_before: 0, oldest: 1 };
    header.write(&file).unwrap();
    file.write_at(bytes, 4096).unwrap();
    disk
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_reads_back_as_written_and_only_with_its_salt(
        contents in contents(),
        number in any::<u64>(),
        synced in any::<u64>(),
        closed in any::<bool>(),
    ) {
        let mut batch = batch(&contents);
        let expected = batch.sealed_bytes();
        batch.seal(SALT, number, synced, closed);
        let bytes = batch.bytes();
        prop_assert_eq!((bytes.len() as u64, bytes.len() % 8), (expected, 0));
        let header = BatchHeader::read(bytes, SALT).unwrap();
        prop_assert_eq!((header.number, header.synced, header.closed), (number, synced, closed));
        let read: Vec<_> = records(header.payload(bytes, SALT).unwrap()).map(Option::unwrap).collect();
        let written: Vec<_> = contents.iter().map(|(kind, content)| (*kind, &content[..])).collect();
        prop_assert_eq!(read, written);
        for salt in [Salt { serial: 4, ..SALT }, Salt { secret: SALT.secret ^ 1, ..SALT }] {
            prop_assert!(BatchHeader::read(bytes, salt).is_none());
        }
        let other = Salt { secret: SALT.secret ^ 1 << 63, ..SALT };
        prop_assert!(header.payload(bytes, other).is_none());
        prop_assert!(header.payload(&bytes[..bytes.len() - 1], SALT).is_none());
        prop_assert!(BatchHeader::read(&bytes[..HEADER_BYTES - 1], SALT).is_none());
    }

    #[test]
    fn random_bytes_in_a_segment_are_its_end_or_damage(
        bytes in prop::collection::vec(any::<u8>(), 0..9000),
    ) {
        let disk = disk_with(&bytes);
        let opened = Journal::open(disk, OPTIONS, &mut |_, _, _| Err("nothing was written"));
        prop_assert!(opened.is_ok());
    }

    #[test]
    fn a_segment_with_some_bytes_changed_never_gives_a_record_that_was_not_written(
        changes in prop::collection::vec((0_usize..6000, any::<u8>()), 1..20),
    ) {
        let disk = SimDisk::default();
        let (mut journal, _) = open(&disk).unwrap();
        (1..=9).for_each(|number| append_synced(&mut journal, number, 500));
        let file = disk.open(&segment_name(1)).unwrap();
        for (offset, byte) in changes {
            file.write_at(&[byte], 4000 + offset as u64).unwrap();
        }
        if let Ok((_, read)) = open(&disk) {
            let numbers: Vec<u64> = read.iter().map(|(_, number)| *number).collect();
            prop_assert_eq!(&numbers[..], &[1, 2, 3, 4, 5, 6, 7, 8, 9][..numbers.len()]);
        }
    }

    #[test]
    fn lengths_that_do_not_fit_end_a_batch(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        prop_assert!(records(&bytes).count() <= 1 + bytes.len() / RECORD_OVERHEAD);
    }
}

#[test]
fn the_bytes_of_a_batch_and_a_header_stay_as_they_are() {
    let mut batch = batch(&[(7, b"hello".to_vec())]);
    batch.seal(SALT, 5, 4, true);
    let bytes = batch.bytes();
    assert_eq!(&bytes[..28], b"ackb\x0a\0\0\0\x05\0\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x01\0\0\0");
    assert_eq!(&bytes[32..48], b"\x05\0\0\0\x07hello\0\0\0\0\0\0");
    assert_eq!((&bytes[48..56], &bytes[60..]), (&b"\x05\0\0\0\0\0\0\0"[..], &[0; 4][..]));
    let serial = SALT.serial.to_le_bytes();
    let header = [&serial[..], &bytes[..28]].concat();
    assert_eq!(bytes[28..32], crc32c::crc32c_append(0x89ab_cdef, &header).to_le_bytes());
    let payload = [&serial[..], &5_u64.to_le_bytes(), &bytes[32..48]].concat();
    assert_eq!(bytes[56..60], crc32c::crc32c_append(0x0123_4567, &payload).to_le_bytes());
}

#[test]
fn a_later_format_is_told_from_damage_and_both_versions_are_named() {
    let disk = disk_with(&[]);
    let file = disk.open(&segment_name(1)).unwrap();
    assert!(matches!(SegmentHeader::read(&file).unwrap(), Start::Valid(_)));
    let mut header = [0; 64];
    file.read_at(&mut header, 0).unwrap();
    header[8] = 2;
    let checksum = crc32c::crc32c(&header[..60]);
    header[60..].copy_from_slice(&checksum.to_le_bytes());
    file.write_at(&header, 0).unwrap();
    let error = open(&disk).unwrap_err();
    assert!(matches!(error, OpenError::Version { found: 2, .. }));
    let text = error.to_string();
    assert!(text.contains("version 2") && text.contains("version 1"), "{text}");
}
