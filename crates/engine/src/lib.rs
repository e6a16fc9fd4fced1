//! Durable mailboxes: the [`Engine`] trait and the embedded journal engine.
//!
//! The engine owns what must survive: identities, logs with their readers and positions, outbox numbers. It takes
//! many [`Command`]s at once and answers many; an answer that promises storage leaves only after the storage is
//! synced. It knows no socket, no HTTP and no frame, reads no clock (every call brings `now`) and draws its
//! randomness from a parameter.

mod api;
mod archive;
mod backup;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod disk;
mod embedded;
mod journal;
#[cfg(feature = "redis")]
pub mod redis;

// The public interface is:
pub use api::{
    Address, Answer, Append, Body, Command, Commit, Connect, Connected, Credential, Delivery,
    Disconnect, Encoding, Engine, Entropy, GivenUp, IdentityKey, JoinRoom, Limits, LogKey, Lost,
    MemberKey, Message, Notice, Observer, OutboxKey, Outcome, Pass, Read, ReadRoom, ReaderKey,
    Receipt, ReceiptState, Recipient, Refusal, RoomPage, RoomPlace, SessionKey, Settle, SettleRoom,
    Sink, Submission, Tag, Target, Unknown,
};
pub use archive::{
    ARCHIVE_KEY_BYTES_MAX, Archive, ArchiveBatch, ArchiveError, ArchiveSnapshot, ArchiveUsage,
    Each, FjallArchive, FjallOptions, SimArchive,
};
pub use backup::{BackupSummary, RestoreError, restore, verify};
pub use disk::{
    CrashPlan, DataDir, Disk, DiskFile, FaultPlan, JOURNAL, LockError, REPAIRING, RESTORING,
    RealDisk, SimDisk, SimFile,
};
pub use embedded::repair;
pub use embedded::{
    BackupError, Durability, Embedded, Mode, Now, OpenError, Recovered, Settings, Stats, Threads,
};
pub use journal::{Dropped, OpenError as JournalError};
