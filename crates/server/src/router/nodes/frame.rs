//! Frames between nodes: a head, and items one after the other. Nodes of one cluster may be of different versions while
//! they are upgraded: variants are only ever appended, and a frame of another format is passed over.

use serde::{Deserialize, Serialize};

/// What every frame begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The sending node.
    pub(super) from: u64,
    /// The node it is for.
    pub(super) to: u64,
    /// The sender's number for the link.
    pub(super) mine: u64,
    /// The receiver's number for it, as far as the sender knows; 0: not at all.
    pub(super) theirs: u64,
    /// The packet that this frame carries; 0: none.
    pub(super) packet: u64,
    /// All packets up to here have come to the sender.
    pub(super) ack: u64,
    /// The last packet that it has sent.
    pub(super) sent: u64,
    /// The newest generation of presence that the sender knows.
    pub(super) generation: u64,
}

/// What a node tells another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Item<'a> {
    /// An identity has its first connection at the sender.
    Online { id: &'a str },
    /// It has none any more.
    Offline { id: &'a str },
    /// An identity is in a room at the sender, or is there in another way than before.
    Joined { room: &'a str, id: &'a str, durable: bool, classic: u32 },
    /// It is not any more; `left`: by its own wish.
    Parted { room: &'a str, id: &'a str, left: bool },
    /// A session of the classic dialect has come or gone.
    Roommate { room: &'a str, id: &'a str, came: bool },
    /// A message delivered from memory.
    #[serde(borrow)]
    Live(Live<'a>),
    /// Live messages to an identity are settled or stored.
    Over { id: &'a str, messages: Vec<[u8; 16]> },
}

/// A message on its way to the sessions of another node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Live<'a> {
    #[serde(borrow)]
    pub(super) audience: To<'a>,
    pub(super) from: &'a str,
    pub(super) id: [u8; 16],
    pub(super) at: u64,
    /// `persist: miss`.
    pub(super) ack: bool,
    pub(super) encoding: u8,
    pub(super) body: &'a [u8],
}

/// For whom it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum To<'a> {
    Room(&'a str),
    RoomAndSender(&'a str),
    All,
    Id(&'a str),
}

/// A frame as it is sent.
pub(super) fn write(head: &Head, items: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES_MAX + items.len());
    bytes.push(FORMAT);
    let mut bytes = postcard::to_extend(head, bytes).expect("a Vec grows");
    bytes.extend_from_slice(items);
    bytes
}

/// Head and items of a frame; `None` for one of another format.
pub(super) fn read(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let (format, rest) = bytes.split_first()?;
    if *format != FORMAT {
        return None;
    }
    postcard::take_from_bytes(rest).ok()
}

/// Appends one item.
pub(super) fn push(items: &mut Vec<u8>, item: &Item<'_>) {
    *items = postcard::to_extend(item, std::mem::take(items)).expect("a Vec grows");
}

/// The items of a frame or a packet, up to the first that this version does not know.
pub(super) fn items(mut bytes: &[u8]) -> impl Iterator<Item = Item<'_>> {
    std::iter::from_fn(move || {
        let (item, rest) = postcard::take_from_bytes(bytes).ok()?;
        bytes = rest;
        Some(item)
    })
}

const FORMAT: u8 = 1;
const HEAD_BYTES_MAX: usize = 81;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let head = Head {
            from: 1,
            to: u64::MAX,
            mine: 3,
            theirs: 0,
            packet: 7,
            ack: 6,
            sent: 8,
            generation: 9,
        };
        let live = Live {
            audience: To::Room("lobby"),
            from: "ann",
            id: [7; 16],
            at: 1,
            ack: true,
            encoding: 2,
            body: b"\x00\xff",
        };
        let all = [
            Item::Online { id: "ann" },
            Item::Joined { room: "lobby", id: "ann", durable: true, classic: 2 },
            Item::Live(live),
            Item::Over { id: "ann", messages: vec![[1; 16], [2; 16]] },
        ];
        let mut bytes = Vec::new();
        for item in &all {
            push(&mut bytes, item);
        }
        let frame = write(&head, &bytes);
        let (read_head, rest) = read(&frame).unwrap();
        assert_eq!(read_head, head);
        assert_eq!(items(rest).collect::<Vec<_>>(), all);
    }

    #[test]
    fn what_is_no_frame_of_ours_is_passed_over() {
        assert_eq!(read(b""), None);
        assert_eq!(read(&[FORMAT + 1, 1, 1, 1, 1, 1, 1, 1]), None);
        assert_eq!(read(&[FORMAT, 1]), None, "cut");
        let mut bytes = Vec::new();
        push(&mut bytes, &Item::Offline { id: "ann" });
        bytes.push(99);
        assert_eq!(items(&bytes).count(), 1, "an item of a later version");
    }
}
