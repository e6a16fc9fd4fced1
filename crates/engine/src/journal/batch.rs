//! One batch: what one commit writes. Checksums (CRC32C) are salted with the segment's serial and secret salt, so that
//! neither what a recycled segment held before nor what a client puts into a body ever looks like a batch.
//!
//! ```text
//! 0   magic "ackb"          u32 le
//! 4   payload bytes         u32 le   records, without padding
//! 8   batch number          u64 le   grows by one from batch to batch
//! 16  last synced batch     u64 le   known to be durable when this one was sealed
//! 24  flags                 u32 le   1: the journal was closed with this batch
//! 28  header checksum       u32 le   over serial and bytes 0..28
//! 32  records: { payload bytes u32 le, kind u8, payload } …, zeros up to a multiple of 8
//! ..  batch number          u64 le
//! ..  payload checksum      u32 le   over serial, batch number, records and padding
//! ..  zero                  u32
//! ```

use std::ops::Range;

use bytes::Bytes;

use super::Serial;

/// A batch under construction. Room for the header is kept in front.
#[derive(Debug)]
pub(crate) struct Batch {
    buf: Vec<u8>,
}

/// What the checksums of a segment's batches begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Salt {
    pub(super) serial: Serial,
    pub(super) secret: u64,
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub(super) payload_bytes: u32,
    pub(super) number: u64,
    pub(super) synced: u64,
    pub(super) closed: bool,
}

impl Batch {
    pub(crate) fn new() -> Self {
        let mut buf = Vec::with_capacity(4096);
        buf.resize(HEADER_BYTES, 0);
        Self { buf }
    }

    /// With the records of another one.
    pub(super) fn of(payload: &[u8]) -> Self {
        let mut batch = Self::new();
        batch.buf.extend_from_slice(payload);
        batch
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buf.len() == HEADER_BYTES
    }

    /// Bytes that the sealed batch takes in a segment.
    pub(crate) fn sealed_bytes(&self) -> u64 {
        (self.buf.len().next_multiple_of(ALIGNMENT) + TRAILER_BYTES) as u64
    }

    /// Writes a record and says where its payload lies in the batch's bytes.
    pub(crate) fn record(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let start = self.buf.len();
        self.buf.extend_from_slice(&[0, 0, 0, 0, kind]);
        let payload = self.buf.len();
        write(&mut self.buf);
        let bytes = u32::try_from(self.buf.len() - payload).expect("records are far below 4 GiB");
        self.buf[start..start + 4].copy_from_slice(&bytes.to_le_bytes());
        payload..self.buf.len()
    }

    /// Fills in header and trailer.
    pub(super) fn seal(&mut self, salt: Salt, number: u64, synced: u64, closed: bool) {
        let payload_bytes =
            u32::try_from(self.buf.len() - HEADER_BYTES).expect("batches are below 4 GiB");
        let padded = self.buf.len().next_multiple_of(ALIGNMENT);
        self.buf.resize(padded, 0);
        let header = BatchHeader { payload_bytes, number, synced, closed };
        header.write(&mut self.buf[..HEADER_BYTES], salt);
        let checksum = salt.payload_checksum(number, &self.buf[HEADER_BYTES..]);
        self.buf.extend_from_slice(&number.to_le_bytes());
        self.buf.extend_from_slice(&checksum.to_le_bytes());
        self.buf.extend_from_slice(&[0; 4]);
    }

    /// The sealed bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buf
    }

    /// The bytes for good: messages are slices of them.
    pub(crate) fn freeze(self) -> Bytes {
        self.buf.into()
    }
}

impl BatchHeader {
    fn write(self, into: &mut [u8], salt: Salt) {
        into[0..4].copy_from_slice(&MAGIC);
        into[4..8].copy_from_slice(&self.payload_bytes.to_le_bytes());
        into[8..16].copy_from_slice(&self.number.to_le_bytes());
        into[16..24].copy_from_slice(&self.synced.to_le_bytes());
        into[24..28].copy_from_slice(&u32::from(self.closed).to_le_bytes());
        let checksum = salt.header_checksum(&into[..28]);
        into[28..32].copy_from_slice(&checksum.to_le_bytes());
    }

    /// The header at the start of `from`, if a valid one of this segment is there.
    pub(super) fn read(from: &[u8], salt: Salt) -> Option<Self> {
        let header = from.get(..HEADER_BYTES)?;
        if header[..4] != MAGIC || u32_at(header, 28)? != salt.header_checksum(&header[..28]) {
            return None;
        }
        Some(Self {
            payload_bytes: u32_at(header, 4)?,
            number: u64_at(header, 8)?,
            synced: u64_at(header, 16)?,
            closed: u32_at(header, 24)? == 1,
        })
    }

    /// Bytes of the whole batch.
    pub(super) fn batch_bytes(self) -> usize {
        HEADER_BYTES + (self.payload_bytes as usize).next_multiple_of(ALIGNMENT) + TRAILER_BYTES
    }

    /// The records of the batch at the start of `from`, if all of it is there and whole.
    pub(super) fn payload(self, from: &[u8], salt: Salt) -> Option<&[u8]> {
        let end = self.batch_bytes();
        let padded = from.get(HEADER_BYTES..end - TRAILER_BYTES)?;
        let trailer = from.get(end - TRAILER_BYTES..end)?;
        let whole = u64_at(trailer, 0)? == self.number
            && u32_at(trailer, 8)? == salt.payload_checksum(self.number, padded)
            && u32_at(trailer, 12)? == 0;
        if whole { padded.get(..self.payload_bytes as usize) } else { None }
    }
}

impl Salt {
    fn header_checksum(self, header: &[u8]) -> u32 {
        let low = self.secret as u32;
        crc32c::crc32c_append(crc32c::crc32c_append(low, &self.serial.to_le_bytes()), header)
    }

    /// From the other half of the secret: who guessed one checksum knows nothing of the other.
    fn payload_checksum(self, number: u64, padded: &[u8]) -> u32 {
        let mut start = [0; 16];
        start[..8].copy_from_slice(&self.serial.to_le_bytes());
        start[8..].copy_from_slice(&number.to_le_bytes());
        let high = (self.secret >> 32) as u32;
        crc32c::crc32c_append(crc32c::crc32c_append(high, &start), padded)
    }
}

/// What the next salt comes from, after one more sealed batch: its checksum is added.
pub(super) fn stir(secret: u64, sealed: &[u8]) -> u64 {
    let checksum = sealed.len().checked_sub(8).and_then(|at| u32_at(sealed, at));
    secret.rotate_left(1) ^ u64::from(checksum.unwrap_or(0))
}

/// One step of splitmix64 (Steele, Lea, Flood 2014).
pub(super) fn mix(secret: u64) -> u64 {
    let mut z = secret.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Kind and payload of each record of a batch; `None`, then the end, where a length does not fit.
pub(super) fn records(mut payload: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    std::iter::from_fn(move || {
        if payload.is_empty() {
            return None;
        }
        let record = split_record(payload);
        payload = record.map_or(&[], |(_, _, rest)| rest);
        Some(record.map(|(kind, record, _)| (kind, record)))
    })
}

fn split_record(payload: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let bytes = u32_at(payload, 0)? as usize;
    let kind = *payload.get(4)?;
    let (record, rest) = payload.get(RECORD_OVERHEAD..)?.split_at_checked(bytes)?;
    Some((kind, record, rest))
}

/// Whether a batch of any segment may begin here.
pub(super) fn is_batch_magic(from: &[u8]) -> bool {
    from.starts_with(&MAGIC)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

const MAGIC: [u8; 4] = *b"ackb";
pub(super) const HEADER_BYTES: usize = 32;
pub(super) const TRAILER_BYTES: usize = 16;
pub(super) const ALIGNMENT: usize = 8;
/// What a record costs beside its payload.
pub(crate) const RECORD_OVERHEAD: usize = 5;
