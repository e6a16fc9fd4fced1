//! The journal: batches of opaque records in preallocated segments, written sequentially, synced, replayed and recycled.
//! It knows no record's meaning. Every byte is described in `docs/storage-format.md`.

mod batch;
mod open;
mod read;
mod salvage;
mod scan;
mod segment;
mod spare;
mod write;

pub(crate) use batch::{Batch, RECORD_OVERHEAD};
pub use open::OpenError;
pub(crate) use read::Place;
pub use salvage::Dropped;
pub(crate) use salvage::salvage;
pub(crate) use spare::{SpareMaker, make_segment};
pub(crate) use write::{Capacity, Journal, JournalError, Options, Written};

/// The number of a segment: grows with each that is taken into use, never repeats in one data directory.
pub(crate) type Serial = u64;

#[cfg(test)]
mod tests;
