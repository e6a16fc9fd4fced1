use ackd_wire::v1::EndReason;
use ackd_wire::{ClientId, MessageId, Name, Room, TokenHash};
use proptest::prelude::*;

use super::*;
use crate::api::{Address, Encoding, Lengths};
use crate::embedded::outbox::Run;
use crate::embedded::ranges::Ranges;

fn ranges() -> impl Strategy<Value = Ranges> {
    proptest::collection::vec((any::<u32>(), 0..9u64), 0..9).prop_map(|parts| {
        let mut ranges = Ranges::default();
        for (at, more) in parts {
            ranges.insert_range(u64::from(at), u64::from(at) + more);
        }
        ranges
    })
}

/// Encodes, decodes, and checks that no shorter record passes as this one.
macro_rules! round_trip {
    ($record:expr, $type:ident) => {{
        let record = $record;
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        prop_assert!($type::decode(&bytes).is_ok_and(|decoded| decoded == record));
        for end in 0..bytes.len() {
            prop_assert!(!$type::decode(&bytes[..end]).is_ok_and(|decoded| decoded == record));
        }
    }};
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_round_trip(number: u64, other: u64, at: u64, flag: bool, hash: [u8; 32], ranges in ranges()) {
        let id = ClientId::parse("ann").unwrap();
        let secret = flag.then_some(TokenHash(hash));
        let next_secret = None;
        let (claimed, ended, created, outboxes_from) = (flag, !flag, at, other);
        round_trip!(IdentityRecord { number, id, claimed, ended, secret, next_secret, created, outboxes_from }, IdentityRecord);
        let beyond = ranges.clone();
        let again = ranges.clone();
        let reader = ReaderRecord { device: Name::default(), start: other, position: at, beyond, used: other, gone: true };
        round_trip!(HeaderRecord { number, epoch: other, next_seq: at, gaps: ranges.clone(), lost: vec![(EndReason::Dead, ranges.clone())], readers: vec![reader] }, HeaderRecord);
        for reason in [EndReason::Expired, EndReason::Purged, EndReason::Dead, EndReason::Full] {
            round_trip!(LostRecord { number, reason, which: ranges.clone() }, LostRecord);
        }
        round_trip!(PositionRecord { number, readers: 5, index: 3, position: at, beyond: ranges.clone(), used: other }, PositionRecord);
        let runs = vec![Run { first: at, count: other, scope: number }];
        let name = Name::parse_outbox("o").unwrap();
        round_trip!(OutboxRecord { number, identity: other, name, forgotten: at, runs, last_used: at }, OutboxRecord);
        round_trip!(SeenRecord { number, online: flag, at }, SeenRecord);
        round_trip!(EndedRecord { number }, EndedRecord);
        let room = Room::parse("team").unwrap();
        round_trip!(RoomRecord { number, name: room, epoch: other, next_seq: at, gaps: again.clone(), first: at, expired: again.clone() }, RoomRecord);
        round_trip!(StoredRoom { low: number, to: other }, StoredRoom);
        round_trip!(BlockRecord { last: number, messages: other, bytes: at, expires: number }, BlockRecord);
        round_trip!(MemberRecord { identity: number, room: other, device: 3, position: at, beyond: again, seen: number }, MemberRecord);
        round_trip!(LeftRecord { identity: number, room: other }, LeftRecord);
        let senders = vec![(number, 3), (other, u32::MAX)];
        let (wanted, untold, receipts) = (ranges.clone(), ranges.clone(), ranges.clone());
        let (low, to, bytes, receipt_bytes, earliest) = (number, other, at, at, other);
        round_trip!(ArchivedRecord { low, to, bytes, earliest, receipt_bytes, senders, wanted, untold, receipts }, ArchivedRecord);
        round_trip!(CounterRecord { next_number: number, room_number: other }, CounterRecord);
    }

    #[test]
    fn messages_round_trip(numbers: [u64; 6], id: [u8; 16], mark in proptest::option::of(0..2u16), text in proptest::collection::vec(any::<u8>(), 6..50)) {
        let message = MessageRecord {
            log: numbers[0],
            seq: numbers[1],
            id: MessageId(id),
            at: numbers[2],
            ttl_ms: numbers[3],
            sender: numbers[4],
            outbox: numbers[5],
            n: numbers[0],
            encoding: Encoding::Json,
            address: Address::Room,
            receipt: true,
            told: numbers[1],
            lengths: Lengths { from: 3, room: 2, mark },
            text: [&text, &[], &[], &[]],
        };
        round_trip!(message.clone(), MessageRecord);
        round_trip!(DeadRecord { at: numbers[1], message }, DeadRecord);
    }

    #[test]
    fn random_bytes_are_damage_or_a_record_but_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = IdentityRecord::decode(&bytes);
        let _ = HeaderRecord::decode(&bytes);
        let _ = PositionRecord::decode(&bytes);
        let _ = OutboxRecord::decode(&bytes);
        let _ = DeadRecord::decode(&bytes);
        let _ = ArchivedRecord::decode(&bytes);
    }
}
