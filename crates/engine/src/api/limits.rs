//! The engine's limits. All are given by the caller; the engine hides no default.

use ackd_wire::Millis;

/// What a store may hold and for how long. Durations in milliseconds, sizes in bytes.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Unsettled messages in one mailbox; beyond it a send is refused (`mailbox_full`). So many receipts beside them;
    /// beyond it the oldest end.
    pub mailbox_messages: u32,
    /// Bytes of bodies and names unsettled in one mailbox; beyond it a send is refused (`mailbox_full`).
    pub mailbox_bytes: u64,
    /// Of [`Limits::mailbox_messages`], from one sender.
    pub mailbox_sender_messages: u32,
    /// Messages kept in one durable room; beyond it the oldest end.
    pub room_messages: u32,
    /// Bytes of names and bodies kept in one durable room; beyond it the oldest end. The newest is always kept.
    pub room_bytes: u64,
    /// Durable rooms of one identity.
    pub rooms: u16,
    /// Bytes of mail to names nobody holds yet, in all.
    pub unclaimed_bytes: u64,
    /// Devices of one identity.
    pub devices: u16,
    /// Outboxes of one identity that are remembered at a time.
    pub outboxes: u16,
    /// Life of an identity after its last connection.
    pub identity_ttl_ms: Millis,
    /// Default and longest life of a message.
    pub message_ttl_ms: Millis,
    /// How long an unused outbox is remembered.
    pub dedup_window_ms: Millis,
    /// What a full mailbox tells its sender to wait before a new try.
    pub full_retry_after_ms: Millis,
}
