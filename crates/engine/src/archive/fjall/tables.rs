//! The library, opened: one keyspace, its settings, and its errors in our words. In the keyspace there is one entry of
//! our own: the number of the last batch, written with each batch.

use std::io;
use std::path::Path;

use fjall::compaction::Leveled;
use fjall::config::{
    BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry,
    PartitioningPolicy, PinningPolicy,
};
use fjall::{
    AbstractTree, CompressionType, Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch,
    PersistMode, Readable, Snapshot,
};

use parking_lot::RwLock;

use super::super::batch::OWN_KEY;
use super::{ArchiveBatch, ArchiveError, Each, FjallOptions};

pub(super) struct Tables {
    keyspace: Keyspace,
    database: Database,
    life: u64,
    memtable_bytes: u64,
    /// Held while a batch is applied, and to take a snapshot. The library makes everything visible whenever it has made
    /// or merged a table, a batch that is half applied as well.
    applying: RwLock<()>,
}

impl Tables {
    pub(super) fn open(path: &Path, options: &FjallOptions, life: u64) -> fjall::Result<Self> {
        let database = Database::builder(path)
            .cache_size(options.cache_bytes)
            .max_cached_files(Some(options.open_files))
            .worker_threads_unchecked(options.threads)
            .journal_compression(CompressionType::None)
            .max_journaling_size(JOURNAL_BYTES)
            .open()?;
        let keyspace = database.keyspace("archive", keyspace_options)?;
        let memtable_bytes = options.memtable_bytes;
        Ok(Self { keyspace, database, life, memtable_bytes, applying: RwLock::default() })
    }

    /// Which opening of the archive this is.
    pub(super) fn life(&self) -> u64 {
        self.life
    }

    /// The number of the last batch that is there.
    pub(super) fn number(&self) -> Result<u64, fjall::Error> {
        let number = self.keyspace.get(OWN_KEY)?;
        let bytes = number.and_then(|value| <[u8; 8]>::try_from(&*value).ok());
        Ok(bytes.map_or(0, u64::from_be_bytes))
    }

    pub(super) fn get(&self, key: &[u8]) -> fjall::Result<Option<Vec<u8>>> {
        if key.is_empty() || key == OWN_KEY {
            return Ok(None);
        }
        Ok(self.keyspace.get(key)?.map(|value| value.to_vec()))
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let _whole = self.applying.read();
        self.database.snapshot()
    }

    pub(super) fn scan(
        &self,
        snapshot: &Snapshot,
        start: &[u8],
        end: &[u8],
        each: &mut Each<'_>,
    ) -> fjall::Result<()> {
        if end <= start {
            return Ok(());
        }
        for entry in snapshot.range(&self.keyspace, start..end) {
            let (key, value) = entry.into_inner()?;
            if *key != *OWN_KEY && each(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Hands a batch to the operating system. Its keys must be sorted and differ: all changes of a batch have one
    /// number in the library, and of two changes to one key either might win.
    pub(super) fn commit(&self, batch: &ArchiveBatch, number: u64) -> fjall::Result<()> {
        let mut changes = OwnedWriteBatch::with_capacity(self.database.clone(), batch.len() + 1)
            .durability(Some(PersistMode::Buffer));
        changes.insert(&self.keyspace, OWN_KEY, number.to_be_bytes());
        for (key, value) in batch.iter() {
            match value {
                Some(value) => changes.insert(&self.keyspace, key, value),
                None => changes.remove(&self.keyspace, key),
            }
        }
        let _alone = self.applying.write();
        changes.commit()
    }

    pub(super) fn sync(&self) -> fjall::Result<()> {
        self.database.persist(PersistMode::SyncData)?;
        // A thread of the library that failed to sync the same file tells so a moment later.
        self.check()
    }

    /// `Poisoned` when a thread of the library has failed.
    pub(super) fn check(&self) -> fjall::Result<()> {
        self.database.persist(PersistMode::Buffer)
    }

    /// Whether a commit returns at once. The library makes who commits wait in loops without an end when its threads
    /// lag, or are dead: so nobody commits who would have to. It would also leave it to those threads to begin a new
    /// memtable, and let this one grow meanwhile: so that is done here.
    pub(super) fn make_ready(&self) -> fjall::Result<bool> {
        let tree = &self.keyspace.tree;
        if self.keyspace.sealed_memtable_count() < SEALED_MAX
            && self.memtable_bytes <= tree.active_memtable().size()
        {
            self.flush()?;
        }
        Ok(self.keyspace.sealed_memtable_count() < SEALED_MAX
            && tree.l0_run_count() < RUNS_MAX
            && self.database.write_buffer_size() < BUFFERS_MAX * self.memtable_bytes)
    }

    /// Bytes in memory as the library counts them.
    pub(super) fn memory_bytes(&self) -> u64 {
        let tree = &self.keyspace.tree;
        let pinned = tree.pinned_filter_size() + tree.pinned_block_index_size();
        self.database.cache_size() + self.database.write_buffer_size() + pinned as u64
    }

    /// Makes a table of what is in memory. It is there when [`Tables::is_flushed`].
    pub(super) fn flush(&self) -> fjall::Result<()> {
        self.keyspace.rotate_memtable().map(|_| ())
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.keyspace.sealed_memtable_count() == 0
    }

    /// Entries and, among them, removals that tables have.
    pub(super) fn counts(&self) -> Counts {
        let removals = self.keyspace.tree.tombstone_count();
        Counts { entries: self.keyspace.approximate_len() as u64, removals }
    }

    /// Merges all tables.
    pub(super) fn merge(&self) -> fjall::Result<()> {
        self.keyspace.major_compact()
    }
}

pub(super) struct Counts {
    pub(super) entries: u64,
    pub(super) removals: u64,
}

fn keyspace_options() -> KeyspaceCreateOptions {
    let bits = FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0));
    KeyspaceCreateOptions::default()
        .max_memtable_size(u64::MAX)
        .data_block_compression_policy(CompressionPolicy::all(CompressionType::None))
        .filter_policy(FilterPolicy::all(bits))
        // Nothing grows with the number of entries: what is large is read block by block, through the cache.
        .index_block_partitioning_policy(PartitioningPolicy::all(true))
        .filter_block_partitioning_policy(PartitioningPolicy::all(true))
        .index_block_pinning_policy(PinningPolicy::all(false))
        .filter_block_pinning_policy(PinningPolicy::all(false))
        .compaction_strategy(std::sync::Arc::new(
            Leveled::default().with_table_target_size(TABLE_BYTES),
        ))
}

impl From<fjall::Error> for ArchiveError {
    fn from(error: fjall::Error) -> Self {
        match error {
            fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => {
                error.into()
            }
            fjall::Error::Poisoned => Self::Poisoned,
            fjall::Error::Locked => Self::Io(io::Error::other("the archive is open elsewhere")),
            other => damaged(&other.to_string()),
        }
    }
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(error),
            _ => Self::Io(error),
        }
    }
}

pub(super) fn damaged(what: &str) -> ArchiveError {
    ArchiveError::Damaged(what.into())
}

/// The least that the library takes. A journal goes when what is in it is in tables.
const JOURNAL_BYTES: u64 = 64 << 20;
const TABLE_BYTES: u64 = 16 << 20;
/// The library halts who commits at 4 and 30.
const SEALED_MAX: usize = 3;
const RUNS_MAX: usize = 20;
/// More than it has open and sealed, unless they come from journals that were read again.
const BUFFERS_MAX: u64 = 8;
