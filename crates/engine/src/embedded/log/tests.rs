//! What a log keeps in memory, beside what the engine's tests see of it.

use ackd_wire::{MessageId, Name, Seq};

use super::{Entry, Log, Moved, Reader};
use crate::api::{Address, Encoding, Lengths};
use crate::embedded::records::MessageRecord;
use crate::embedded::recover;

fn entry(seq: Seq) -> Entry {
    recover::entry(&MessageRecord {
        log: 1,
        seq,
        id: MessageId([1; 16]),
        at: 1,
        ttl_ms: 1,
        sender: 2,
        outbox: 0,
        n: 0,
        encoding: Encoding::Json,
        address: Address::Direct,
        receipt: false,
        told: 0,
        lengths: Lengths::default(),
        text: [b"{}", b"", b"", b""],
    })
}

/// A log of one device, with mail that came while it was away.
fn away(messages: Seq) -> Log {
    let mut log = Log::new(1);
    log.push_reader(Reader::new(Name::default(), 0));
    for seq in 1..=messages {
        let entry = entry(seq);
        assert_eq!(log.admit(2, entry.message.bytes()), seq);
        log.insert(entry, 1);
    }
    log
}

#[test]
fn a_mailbox_that_is_away_has_no_more_places_than_twice_its_mail() {
    for messages in [1, 2, 3, 100] {
        let log = away(messages);
        let (messages, places) = (messages as usize, log.entries.capacity());
        assert!((messages..2 * messages).contains(&places), "{places} for {messages}");
        assert_eq!(log.readers.capacity(), 1);
    }
}

#[test]
fn a_mailbox_whose_mail_is_archived_or_settled_has_none() {
    let mut log = away(100);
    let bytes = entry(1).message.bytes();
    let moved: Vec<_> =
        (1..=100).map(|seq| Moved { seq, sender: 2, bytes, wanted: false, told: false }).collect();
    log.moved(&moved);
    assert_eq!(log.entries.capacity(), 0);

    let mut log = away(100);
    assert!(log.settle(0, Some(100), &[]));
    log.detach_all(); // its device leaves
    assert_eq!(log.entries.capacity(), 0);
}
