//! Archived messages of a room in a row, counted together, so that a long log takes little memory.

use std::collections::VecDeque;

use ackd_wire::{Millis, Seq};

use super::RoomLog;
use crate::embedded::log::Moved;
use crate::embedded::records::{BlockRecord, StoredRoom};

/// Some of the messages of a room that are in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::embedded) struct Block {
    /// The first of them when it was begun.
    pub(super) start: Seq,
    pub(super) last: Seq,
    /// Those that are kept.
    pub(super) messages: u64,
    /// Names and bodies of those, about.
    pub(super) bytes: u64,
    /// When all of them have ended.
    pub(super) expires: Millis,
}

impl Block {
    pub(super) fn of(start: Seq, record: BlockRecord) -> Self {
        let BlockRecord { last, messages, bytes, expires } = record;
        Self { start, last, messages, bytes, expires }
    }

    pub(super) fn record(self) -> BlockRecord {
        let Self { last, messages, bytes, expires, .. } = self;
        BlockRecord { last, messages, bytes, expires }
    }

    /// The oldest of them ends. Its share of the bytes.
    pub(super) fn end_first(&mut self) -> u64 {
        let bytes = self.bytes / self.messages.max(1);
        self.messages -= 1;
        self.bytes -= bytes;
        bytes
    }

    /// Only so many are kept.
    fn keep(&mut self, messages: u64) {
        self.bytes = (u128::from(self.bytes) * u128::from(messages)
            / u128::from(self.messages.max(1))) as u64;
        self.messages = messages;
    }
}

impl RoomLog {
    /// The blocks that are begun or become longer when these, ascending, are in the archive too.
    pub(super) fn blocks_with(&self, moved: &[Moved]) -> Vec<Block> {
        let mut blocks: VecDeque<Block> = self.blocks.back().copied().into_iter().collect();
        for message in moved {
            if let Some(entry) = self.get(message.seq) {
                lengthen(&mut blocks, message, entry.message.expires);
            }
        }
        blocks.into()
    }

    /// What its record will say then.
    pub(super) fn stored_with(&self, moved: &[Moved]) -> StoredRoom {
        let StoredRoom { low, to } = self.stored;
        let low = if to == 0 { moved.first().map_or(low, |first| first.seq) } else { low };
        StoredRoom { low, to: moved.last().map_or(to, |last| last.seq.max(to)) }
    }

    /// These, ascending, are in the archive from now on. Up to the last of them nothing is left in memory.
    pub(super) fn moved(&mut self, moved: &[Moved]) {
        self.stored = self.stored_with(moved);
        for message in moved {
            let first = self.entries.front();
            let Some(entry) = first.filter(|entry| entry.message.seq == message.seq) else {
                continue; // it has ended meanwhile
            };
            lengthen(&mut self.blocks, message, entry.message.expires);
            self.block_bytes += message.bytes;
            self.entry_bytes -= message.bytes;
            self.entries.pop_front();
        }
        if self.entries.is_empty() {
            self.entries.shrink_to_fit();
        }
    }

    /// A block as the archive had it when the store was opened.
    pub(super) fn restore(&mut self, start: Seq, record: BlockRecord) {
        self.blocks.push_back(Block::of(start, record));
        self.end = self.end.max(record.last);
        self.next_seq = self.next_seq.max(record.last + 1);
    }

    /// After everything is read: what has ended of the blocks is not counted.
    pub(super) fn fit_blocks(&mut self) {
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.retain_mut(|block| {
            block.keep(self.numbers(block.start.max(self.first), block.last));
            block.messages != 0
        });
        self.block_bytes = blocks.iter().map(|block| block.bytes).sum();
        self.blocks = blocks;
        let kept = self.blocks.front().map(|block| block.start.max(self.first));
        let kept = kept.or(self.entries.front().map(|entry| entry.message.seq));
        self.first = kept.unwrap_or(self.next_seq);
    }

    /// What has ended and may still be in the archive: from, and before.
    pub(super) fn garbage(&self) -> Option<(Seq, Seq)> {
        let before = self.first.min(self.stored.to + 1);
        (self.stored.low < before && self.stored.to != 0).then_some((self.stored.low, before))
    }
}

/// One more message at the end of the blocks.
fn lengthen(blocks: &mut VecDeque<Block>, message: &Moved, expires: Millis) {
    match blocks.back_mut().filter(|block| block.messages < BLOCK_MESSAGES) {
        Some(block) => {
            block.last = message.seq;
            block.messages += 1;
            block.bytes += message.bytes;
            block.expires = block.expires.max(expires);
        }
        None => blocks.push_back(Block {
            start: message.seq,
            last: message.seq,
            messages: 1,
            bytes: message.bytes,
            expires,
        }),
    }
}

/// Messages of one block.
const BLOCK_MESSAGES: u64 = 256;
