//! What an engine answers, and what it tells unasked.

use ackd_wire::v1::EndReason;
use ackd_wire::{ClientId, Epoch, MessageId, Millis, Room, Seq, Token};

use super::{
    IdentityKey, LogKey, MemberKey, Message, OutboxKey, ReaderKey, RoomPage, RoomPlace, SessionKey,
    Tag,
};

/// What one commit (or one batch of commands that need none) brought, in order: first `answers`, then `notices`.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Answers to commands.
    pub answers: Vec<(Tag, Answer)>,
    /// What sessions that are here need to know.
    pub notices: Vec<Notice>,
}

/// The answer to one command.
#[derive(Debug)]
pub enum Answer {
    /// The session is in.
    Connected(Box<Connected>),
    /// No.
    Refused(Refusal),
    /// The message is stored (or, for a `Pass`, its number is decided).
    Accepted {
        /// The message's ID.
        id: MessageId,
        /// Whether this was a repeat: nothing new was stored.
        dup: bool,
        /// Who was there to take it.
        recipient: Recipient,
    },
    /// Part of a log.
    Page {
        /// Unsettled messages, ascending by `seq`.
        messages: Vec<Delivery>,
        /// What stood between them and has ended unread, ascending. Each counts as one message of the page.
        lost: Vec<Lost>,
        /// All of the log up to here has been looked at: the last message's `seq` where the limit cut it, else the
        /// log's end.
        read_to: Seq,
        /// The log's end when it was read.
        end: Seq,
    },
    /// The identity is a durable member, and that is stored.
    JoinedRoom(Box<RoomPlace>),
    /// It is none any more, and that is stored.
    LeftRoom,
    /// Part of a room's log.
    RoomPage(Box<RoomPage>),
    /// A new room number.
    RoomNumber(u64),
    /// So many messages were purged, and that is stored.
    Purged(u64),
    /// It is done and stored.
    Done,
}

/// Who was there when a message was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// Connected.
    Here,
    /// Not connected: the message is archived at once.
    Away,
    /// Nobody holds the name yet.
    Unclaimed,
    /// Not looked at: a repeat, or no mailbox was meant.
    Unasked,
    /// A room without durable members: nothing is stored, and whoever asked delivers the message from memory.
    Live,
}

/// A message on its way to a reader.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// How often it was delivered to this reader before: 0 for the first time.
    pub attempts: u16,
}

/// Messages that ended before their reader had them. All numbers of the range have ended, for this reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The first of them.
    pub from: Seq,
    /// The last of them.
    pub to: Seq,
    /// Why.
    pub reason: EndReason,
}

/// A session's entry.
#[derive(Debug)]
pub struct Connected {
    /// The identity's ID.
    pub id: ClientId,
    /// The token, where the engine made one: for this one answer.
    pub token: Option<Token>,
    /// Whether the identity is new.
    pub new: bool,
    /// The identity.
    pub identity: IdentityKey,
    /// The reader that this session serves.
    pub reader: ReaderKey,
    /// The outbox, now held by this session.
    pub outbox: Option<OutboxKey>,
    /// The mailbox's incarnation.
    pub epoch: Epoch,
    /// All up to here is settled for this reader.
    pub acked: Seq,
    /// The mailbox's end: later messages are told by [`Notice::Stored`].
    pub end: Seq,
    /// Messages that wait for this reader.
    pub pending: u64,
    /// Highest number accepted from the outbox; 0: none known.
    pub sent: u64,
    /// When the identity ends if this connection ended now.
    pub expires: Millis,
    /// The durable rooms that it is a member of, and where this device stands there.
    pub rooms: Vec<RoomPlace>,
}

/// Told unasked, to whichever sessions serve the log or reader.
#[derive(Debug)]
pub enum Notice {
    /// A message is stored. Per log, in order of `seq`; told only while the log has a connected reader.
    Stored {
        /// Where.
        log: LogKey,
        /// What.
        message: Message,
    },
    /// A reader that several sessions serve has settled (or rejected) something; or messages have ended, and their places
    /// are free.
    Settled {
        /// Which.
        reader: ReaderKey,
        /// Whose command it was; [`SessionKey::NOBODY`] where they have ended by themselves.
        by: SessionKey,
        /// Everything up to here.
        up_to: Option<Seq>,
        /// And these.
        seqs: Vec<Seq>,
    },
    /// The same of a durable member of a room.
    RoomSettled {
        /// Which.
        member: MemberKey,
        /// Its mailbox.
        mailbox: LogKey,
        /// Whose command it was.
        by: SessionKey,
        /// Everything up to here.
        up_to: Option<Seq>,
        /// And these.
        seqs: Vec<Seq>,
    },
    /// A room has other durable members than before. Told of all that have any when the store is opened.
    RoomChanged {
        /// Which room.
        room: Room,
        /// Its log.
        log: LogKey,
        /// Identities that are durable members; 0: what is sent there from now on is not stored.
        members: u64,
    },
    /// An identity has become a durable member by the command of one of its sessions.
    JoinedRoom {
        /// Its mailbox.
        mailbox: LogKey,
        /// Where it begins, each of its devices.
        place: RoomPlace,
    },
    /// An identity is a durable member no more.
    LeftRoom {
        /// Its mailbox.
        mailbox: LogKey,
        /// Which room.
        room: Room,
    },
    /// The identity has ended while it was connected: its sessions must close (4401).
    Ended {
        /// Its mailbox.
        log: LogKey,
    },
}

/// Why an engine says no. The edge maps each once to a code of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The ID is held and the secret is not its own.
    #[error("this ID is held, and the token is not its own")]
    Unauthorized,
    /// Nobody holds the ID, or it has ended: ask for a new one.
    #[error("nobody holds this ID, or it has ended: connect without an id for a new one")]
    UnknownIdentity,
    /// Policy, or a limit of the identity; the text says which.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Nobody holds the recipient's ID.
    #[error("nobody holds the recipient's ID")]
    UnknownRecipient,
    /// The sender is no member of the room.
    #[error("join the room first")]
    NotAMember,
    /// An ack reaches beyond the log's end.
    #[error("this seq is beyond the end of the log")]
    BadAck,
    /// A smaller number's last answer on this connection was a passing refusal.
    #[error("repeat number {expected} first")]
    Gap {
        /// The smallest such number.
        expected: u64,
    },
    /// A later connection holds the outbox.
    #[error("another connection has taken this outbox over")]
    OutboxTaken,
    /// Too old to tell whether it was accepted.
    #[error("this number is too old to tell what became of it")]
    OutcomeUnknown,
    /// It was refused before; the reason is no longer known.
    #[error("this number was refused before")]
    Refused,
    /// The mailbox is full, as a whole or for this sender.
    #[error("the recipient's mailbox is full{}", if *.sender { " of this sender's messages" } else { "" })]
    MailboxFull {
        /// Whether it is the sender's share that is full.
        sender: bool,
        /// When to try again.
        retry_after_ms: Millis,
    },
    /// The body is over the limit.
    #[error("the body is larger than max_message")]
    TooLarge,
    /// The frame was unreadable or contradicts itself (a numbered one: final for its number).
    #[error("the frame could not be read")]
    BadFrame,
    /// More has gathered since the last commit than goes into one. Passing: repeat the same number.
    #[error("the store is overloaded; nothing is lost, repeat later")]
    Overloaded,
    /// The store does not take writes now. Passing: repeat the same number.
    #[error("the store takes no writes now; nothing is lost, repeat later")]
    StoreUnavailable,
}

impl Refusal {
    /// Whether the same number is to be repeated, its outcome being open until then.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::StoreUnavailable | Self::Overloaded | Self::Gap { .. })
    }
}
