//! What can be set when an archive is opened.

/// Sizes of an archive. What concerns the tables holds for those that are made from then on.
#[derive(Debug, Clone, Copy)]
pub struct FjallOptions {
    /// Bytes of blocks read lately that stay in memory.
    pub cache_bytes: u64,
    /// Bytes of keys and values that gather in memory until they become a table. Up to four times this is in memory
    /// while much is written, and with the places of the entries about twice of that.
    pub memtable_bytes: u64,
    /// Space that is left on the disk: a batch that puts something finds it full below this, one that only removes
    /// below a quarter of it. What the library merges in the background needs space as well, most of all to free some.
    pub reserve_bytes: u64,
    /// Tables whose files stay open.
    pub open_files: usize,
    /// Threads that make and merge tables.
    pub(super) threads: usize,
    /// How often a write looks, 10 ms apart, whether the background work got on.
    pub(super) stall_polls: u32,
}

impl Default for FjallOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 8 << 20,
            memtable_bytes: 4 << 20,
            reserve_bytes: 128 << 20,
            open_files: 128,
            threads: 2,
            stall_polls: 3_000,
        }
    }
}
