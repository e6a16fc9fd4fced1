//! The archive's keys: one letter for the kind, then big-endian numbers, so that a log's messages lie in order of `seq`.
//! Persisted: keep stable. `docs/storage-format.md` describes them with their values.

use ackd_wire::Seq;

/// Its value: format version and oldest segment of the journal.
pub(super) const STORE: &[u8] = b"s";
/// Its value: the counters' record.
pub(super) const COUNTERS: &[u8] = b"c";
/// Dead letters, by log and `seq`.
pub(super) const DEAD: u8 = b'd';
/// Identities, by number.
pub(super) const IDENTITY: u8 = b'i';
/// Logs, by number of their identity.
pub(super) const LOG: u8 = b'l';
/// Messages, by log and `seq`.
pub(super) const MESSAGE: u8 = b'm';
/// Outboxes, by number.
pub(super) const OUTBOX: u8 = b'o';
/// Rooms, by number.
pub(super) const ROOM: u8 = b'r';
/// Blocks of archived messages of a room, by room and first `seq`.
pub(super) const BLOCK: u8 = b'b';
/// Durable members, by identity, room and device.
pub(super) const MEMBER: u8 = b'p';

/// The key of one number.
pub(super) fn numbered(kind: u8, number: u64) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The key of a place in a log.
pub(super) fn placed(kind: u8, log: u64, seq: Seq) -> [u8; 17] {
    let mut key = [kind; 17];
    key[1..9].copy_from_slice(&log.to_be_bytes());
    key[9..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// The key of a device of a room's member.
pub(super) fn member((identity, room, device): (u64, u64, u16)) -> [u8; 19] {
    let mut key = [MEMBER; 19];
    key[1..9].copy_from_slice(&identity.to_be_bytes());
    key[9..17].copy_from_slice(&room.to_be_bytes());
    key[17..].copy_from_slice(&device.to_be_bytes());
    key
}

/// The number in a key made by [`numbered`], or the log in one made by [`placed`].
pub(super) fn number_of(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1..9)?.try_into().ok()?))
}

/// The `seq` in a key made by [`placed`].
pub(super) fn seq_of(key: &[u8]) -> Option<Seq> {
    Some(u64::from_be_bytes(key.get(9..17)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lie_in_order_and_say_what_they_were_made_of() {
        let keys = [(1, 0), (1, 1), (1, 256), (2, 0), (256, 0), (u64::MAX, u64::MAX)];
        let keys = keys.map(|(log, seq)| (placed(MESSAGE, log, seq), log, seq));
        assert!(keys.is_sorted());
        for (key, log, seq) in keys {
            assert_eq!((number_of(&key), seq_of(&key)), (Some(log), Some(seq)));
        }
        assert_eq!(number_of(&numbered(IDENTITY, 7)), Some(7));
        assert_eq!(seq_of(&numbered(IDENTITY, 7)), None);
    }
}
