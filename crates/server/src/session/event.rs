//! What a session tells its client (through the dialect), and what reaches a session from the router.

use std::borrow::Cow;

use ackd_engine::{Answer, LogKey, Lost, Message, RoomPlace};
use ackd_wire::{ClientId, Epoch, MessageId, Millis, Ref, Room, Seq, Token};

/// One thing the client is told. A dialect writes these as frames, or leaves out what its clients do not know.
#[derive(Debug)]
pub enum Event {
    /// The client is in.
    Connected(Box<Welcome>),
    /// The classic dialect's `clientID`: the connection's present ID, and its token where it is to be told.
    Identity {
        /// The ID.
        id: ClientId,
        /// Its secret.
        token: Option<Token>,
    },
    /// A send is accepted.
    Accepted {
        /// Echo.
        r#ref: Option<Ref>,
        /// Echo.
        n: Option<u64>,
        /// The message's ID.
        id: MessageId,
        /// Whether it was a repeat.
        dup: bool,
    },
    /// A message, for the first time or again.
    Message {
        /// The message.
        message: Message,
        /// 1 for the first time.
        attempt: u16,
        /// How the recipient is to treat it.
        kind: Kind,
    },
    /// Messages that ended before this client had them stood here.
    Lost(Lost),
    /// What became of a message that the client has sent: mail of its own, stored as the message it carries.
    Receipt(Message),
    /// The same of a durable room.
    LostInRoom {
        /// Which room.
        room: Room,
        /// What.
        lost: Lost,
    },
    /// The answer to a ping.
    Pong {
        /// Echo.
        r#ref: Option<Ref>,
    },
    /// The new secret is stored.
    Rotated {
        /// Echo.
        r#ref: Option<Ref>,
    },
    /// The client is a member.
    Joined {
        /// Echo.
        r#ref: Option<Ref>,
        /// Of this room.
        room: Room,
        /// Identities that are members, this one included.
        members: u64,
        /// Of a durable member: the log's incarnation, what is settled, and its end.
        durable: Option<(Epoch, Seq, Seq)>,
    },
    /// It is a member no more.
    Left {
        /// Echo.
        r#ref: Option<Ref>,
        /// Of this room.
        room: Room,
        /// Identities joined now.
        members: u64,
    },
    /// Answers a `watch` or `unwatch`.
    Watching {
        /// Echo.
        r#ref: Option<Ref>,
        /// Who of the watched is here; empty for an `unwatch`.
        present: Vec<ClientId>,
    },
    /// One of the watched came or went.
    Presence(PresenceChange),
    /// Somebody came to or went from a classic room (shown to classic clients only).
    Roommate {
        /// Who.
        id: ClientId,
        /// Whether it came.
        came: bool,
    },
    /// Something was refused.
    Error(Box<ErrorEvent>),
    /// The server is leaving.
    Goaway {
        /// Pause before the client comes back.
        reconnect_after_ms: Millis,
        /// Why.
        reason: &'static str,
    },
    /// The connection ends now, with this code.
    Close(CloseCode),
}

/// What has become of one of the watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChange {
    /// Who.
    pub id: ClientId,
    /// Whether it is here: has any connection, or of a room's member, is one.
    pub online: bool,
    /// The higher one is the newer one.
    pub generation: u64,
    /// Since when.
    pub at: Millis,
    /// The room for whose sake it is told.
    pub room: Option<Room>,
}

/// Why somebody's presence is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unwatchable {
    /// The connection would watch too many.
    TooMany,
    /// The room has too many members.
    TooLarge,
}

/// How a message is to be treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Stored: has a `seq`.
    Stored,
    /// Stored in a durable room: has a `seq` there.
    Room,
    /// Live, wants an ack by ID.
    Live,
    /// Live, wants none.
    Signal,
}

/// What a client learns when it is in.
#[derive(Debug)]
pub struct Welcome {
    /// Echo.
    pub r#ref: Option<Ref>,
    /// Its ID.
    pub id: ClientId,
    /// Its secret, where the server has just made it.
    pub token: Option<Token>,
    /// Whether the identity is new.
    pub new: bool,
    /// The mailbox's incarnation.
    pub epoch: Epoch,
    /// All up to here is settled for this device.
    pub acked: Seq,
    /// How many messages wait after it.
    pub pending: u64,
    /// Highest number accepted from the outbox.
    pub sent: u64,
    /// When the identity ends if the connection ended now.
    pub expires: Millis,
}

/// Why the session says no.
#[derive(Debug)]
pub struct ErrorEvent {
    /// Echo.
    pub r#ref: Option<Ref>,
    /// Echo.
    pub n: Option<u64>,
    /// The wire's code.
    pub code: ackd_wire::ErrorCode,
    /// When to try again, for `temporary` errors.
    pub retry_after_ms: Option<Millis>,
    /// The number to repeat first, for `gap`.
    pub expected: Option<u64>,
    /// For people.
    pub message: Cow<'static, str>,
}

impl ErrorEvent {
    /// The server has failed: what this connection asked and was not answered is open.
    pub fn internal() -> Self {
        Self {
            r#ref: None,
            n: None,
            code: ackd_wire::ErrorCode::Internal,
            retry_after_ms: None,
            expected: None,
            message: "the server has failed; repeat what was not answered".into(),
        }
    }
}

/// With which code the connection ends.
pub use ackd_wire::CloseCode;

/// What reaches a session from outside its socket.
#[derive(Debug)]
pub enum Signal {
    /// The answer to a request.
    Answer(u32, Answer),
    /// A message is stored in the session's mailbox.
    Stored(Message),
    /// Another connection of the same reader has settled something.
    Settled {
        /// Everything up to here.
        up_to: Option<Seq>,
        /// And these.
        seqs: Vec<Seq>,
    },
    /// A message is stored in a durable room that the session is in.
    RoomStored(LogKey, Message),
    /// Such a room has grown: from behind the first `seq` to the second; the messages themselves were too many to queue.
    RoomGrown(LogKey, Room, Seq, Seq),
    /// Another connection of the same member has settled something in a room.
    RoomSettled {
        /// Which room.
        log: LogKey,
        /// Everything up to here.
        up_to: Option<Seq>,
        /// And these.
        seqs: Vec<Seq>,
    },
    /// A connection of the identity has made it a durable member of a room.
    JoinedRoom(Box<RoomPlace>),
    /// A connection of the identity has ended that.
    LeftRoom(Room),
    /// The mailbox has grown to this `seq`; the messages themselves were too many to queue.
    Grown(Seq),
    /// A live message.
    Live {
        /// The message.
        message: Message,
        /// Whether it wants an ack.
        ack: bool,
    },
    /// A live message has been settled by another connection, or stored.
    LiveOver(MessageId),
    /// The answer to [`super::Request::Join`] or `Leave`.
    Members(u32, u64),
    /// The answer to [`super::Request::Watch`] (who is here) or `Unwatch` (nobody).
    Watching(u32, Result<Vec<ClientId>, Unwatchable>),
    /// Something has changed in what the session watches.
    PresenceChanged,
    /// The answer to [`super::Request::Look`], in order.
    Presence(Vec<PresenceChange>),
    /// The same; but the session has looked so late that something is forgotten.
    PresenceMissed,
    /// Somebody came to or went from a room that the session is in with the classic dialect.
    Roommate {
        /// Who.
        id: ClientId,
        /// Whether it came.
        came: bool,
    },
    /// The identity has ended.
    Ended,
    /// The server is leaving: store what is live, say goodbye.
    Drain {
        /// Pause before the client comes back.
        reconnect_after_ms: Millis,
    },
}
