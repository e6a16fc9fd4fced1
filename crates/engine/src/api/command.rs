//! What an engine is asked. Texts and bodies are borrowed from the caller's read buffer; an engine copies a body
//! once, to where it is stored.

use ackd_wire::{ClientId, Epoch, MessageId, Millis, Name, Room, Seq, Token, TokenHash};

use super::{
    Address, Encoding, IdentityKey, JoinRoom, LogKey, MemberKey, OutboxKey, ReadRoom, ReaderKey,
    Refusal, SessionKey, SettleRoom, Tag,
};

/// One command and where its answer goes.
#[derive(Debug)]
pub struct Submission<'a> {
    /// Where the answer goes.
    pub tag: Tag,
    /// What is asked.
    pub command: Command<'a>,
}

/// The verbs of an engine. Those of one batch are decided in order.
#[derive(Debug)]
pub enum Command<'a> {
    /// A session enters an identity. Answered by `Connected` or `Refused`.
    Connect(Connect<'a>),
    /// A session has left its identity. No answer.
    Disconnect(Disconnect),
    /// The identity's secret changes; the old one lives until the new one is used. Answered by `Done`.
    Rotate {
        /// Whose secret.
        identity: IdentityKey,
        /// Hash of the new secret.
        token: TokenHash,
    },
    /// A fresh identity is stored from now on. Answered by `Done` when it is.
    Keep {
        /// Which.
        identity: IdentityKey,
    },
    /// Stores a message. Answered by `Accepted` once it is stored, or by `Refused`.
    Append(Append<'a>),
    /// Decides a numbered send that is not stored (`persist`: miss, never). Answered by `Accepted` or `Refused`.
    Pass(Pass<'a>),
    /// Settles messages for a reader. `Refused(BadAck)`, and nothing settled, when it reaches beyond the log's end; else
    /// `Done`, at once. Neither is answered to [`Tag::QUIET`].
    Settle(Settle),
    /// Ends messages as dead: for all readers of the log where none has settled them yet, else for this one. Readers find
    /// [`super::Lost`] where they stood, but for the one that rejected them itself. No answer.
    Reject {
        /// For whom.
        reader: ReaderKey,
        /// Which messages; what is no longer there is skipped.
        seqs: Vec<Seq>,
        /// Who gave them up.
        by: GivenUp,
    },
    /// These were delivered and not acknowledged in time: they are known to wait. No answer.
    Archive {
        /// Who let them wait.
        reader: ReaderKey,
        /// Which messages.
        seqs: Vec<Seq>,
    },
    /// The next unsettled messages of a reader, in order. Answered by `Page`.
    Read(Read),
    /// These messages again, as far as they are unsettled. Answered by `Page`, whose end says nothing new.
    Fetch {
        /// For whom.
        reader: ReaderKey,
        /// Which, ascending.
        seqs: Vec<Seq>,
    },
    /// An identity becomes a durable member of a room; one that is keeps its place. Answered by `JoinedRoom` once it is
    /// stored, or by `Refused`.
    JoinRoom(JoinRoom<'a>),
    /// It is no durable member any more, on none of its devices. Answered by `LeftRoom` once that is stored, at once where
    /// it was none.
    LeaveRoom {
        /// Who.
        identity: IdentityKey,
        /// Which room.
        room: &'a Room,
    },
    /// The next unsettled messages of a reader of a room. Answered by `RoomPage`.
    ReadRoom(ReadRoom),
    /// These messages of a room again, as far as they are unsettled. Answered by `RoomPage`, whose end says nothing new.
    FetchRoom {
        /// For whom.
        member: MemberKey,
        /// Which, ascending.
        seqs: Vec<Seq>,
    },
    /// Settles messages of a room for a member. `Refused(BadAck)`, and nothing settled, when it reaches beyond the log's
    /// end; else `Done`, at once. Neither is answered to [`Tag::QUIET`].
    SettleRoom(SettleRoom),
    /// A member will never process these messages of a room: settled for it, and put aside as dead. No answer.
    RejectRoom {
        /// Who rejects.
        member: MemberKey,
        /// Which messages; what is no longer there is skipped.
        seqs: Vec<Seq>,
    },
    /// A connection of a member has ended that messages of a room were delivered on: what it has not settled of them may
    /// have been seen. No answer.
    SeenRoom {
        /// Whose connection.
        member: MemberKey,
        /// The last of them.
        up_to: Seq,
    },
    /// A new room number (classic dialect). Answered by `RoomNumber`, once it is stored.
    TakeRoomNumber,
    /// An operator ends all messages that wait in a mailbox, as `purged`: its readers find [`super::Lost`] where they stood.
    /// Answered by `Purged` once it is stored; refused part of the way it may be asked again.
    Purge {
        /// Whose mailbox.
        id: &'a ClientId,
    },
    /// An operator ends an identity: what waits for it is `purged`, its name is free for anybody. Answered by `Done` once it
    /// is stored.
    Delete {
        /// Which.
        id: &'a ClientId,
    },
}

/// Who gave a message up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// Its reader: it rejected the message, and need not be told.
    Reader,
    /// The server: it was delivered `max_attempts` times.
    Server,
}

/// How a session enters an identity.
#[derive(Debug)]
pub struct Connect<'a> {
    /// What entitles it.
    pub credential: Credential<'a>,
    /// The device that reads; the empty name is a device too.
    pub device: &'a Name,
    /// The outbox that its numbered sends belong to; taken over from whoever holds it.
    pub outbox: Option<&'a Name>,
    /// What the client has processed, and of which incarnation: counts only with the present epoch.
    pub acked: Option<(Epoch, Seq)>,
}

/// What entitles a session to an identity. Whether a kind is allowed at all is the caller's policy.
#[derive(Debug)]
pub enum Credential<'a> {
    /// A new identity with an ID and a token made by the engine, stored before the answer.
    Issue,
    /// The same, but kept in memory until [`Command::Keep`] or the first message to it (classic dialect).
    Fresh,
    /// An identity that exists, by its secret.
    Token(&'a ClientId, &'a Token),
    /// A name of the client's choice with a secret of its own; enters the identity if that secret is its own.
    Claim(&'a ClientId, &'a Token),
    /// A name nobody holds, with a token made by the engine (classic `setID`).
    ClaimIssued(&'a ClientId),
    /// By name alone: held or not (`auth.open_claims`, classic dialect only).
    Open(&'a ClientId),
}

/// A session leaves.
#[derive(Debug)]
pub struct Disconnect {
    /// What it was connected as.
    pub identity: IdentityKey,
    /// The reader it served.
    pub reader: ReaderKey,
    /// The outbox it held, unless another has taken it since.
    pub outbox: Option<OutboxKey>,
    /// What it had delivered without an ack, with the attempts made, so that the next delivery counts on.
    pub unacked: Vec<(Seq, u16)>,
}

/// A message to store.
#[derive(Debug)]
pub struct Append<'a> {
    /// Who sends, where that is an identity known here.
    pub sender: Option<IdentityKey>,
    /// The sender's ID as the recipient will see it; empty: the ID of `sender`.
    pub from: &'a str,
    /// Outbox and number of a numbered send.
    pub number: Option<(OutboxKey, u64)>,
    /// The mailbox.
    pub to: Target<'a>,
    /// The message's ID where it has one already; else the engine makes it.
    pub id: Option<MessageId>,
    /// To whom it was addressed.
    pub address: Address,
    /// The room's name for [`Address::Room`], else empty.
    pub room: &'a str,
    /// What is sent.
    pub body: Body<'a>,
    /// Life asked for; clamped to the limit.
    pub ttl_ms: Option<Millis>,
    /// Whether the sender wants a receipt.
    pub receipt: bool,
    /// `ref` of the send, for its receipts: at most 64 characters; kept only where one is wanted.
    pub mark: Option<&'a str>,
    /// A refusal that the caller has already found (too large, forbidden …): given unless the number decides.
    pub refusal: Option<Refusal>,
    /// What to do for a name that nobody holds.
    pub unknown: Unknown,
}

/// Where a message goes.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// The mailbox of this ID.
    Name(&'a str),
    /// A mailbox that was resolved before.
    Mailbox(LogKey),
    /// A room. Where it has no durable members, nothing is stored: the answer's recipient is `Live`, or the send is
    /// refused.
    Room {
        /// Its name.
        name: &'a str,
        /// Whether the caller delivers the message from memory where nothing is stored.
        live: bool,
    },
}

/// A body and its encoding.
#[derive(Debug, Clone, Copy)]
pub struct Body<'a> {
    /// In which encoding.
    pub encoding: Encoding,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What happens to mail for a name that nobody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It is refused: `unknown_recipient`.
    Refuse,
    /// It waits for whoever claims the name, within `unclaimed_bytes`.
    Keep,
}

/// A numbered send that is delivered from memory.
#[derive(Debug)]
pub struct Pass<'a> {
    /// Who sends.
    pub sender: IdentityKey,
    /// Outbox and number.
    pub number: (OutboxKey, u64),
    /// The scope in which order counts: the room's name, or empty for `all`.
    pub scope: &'a str,
    /// As in [`Append::refusal`].
    pub refusal: Option<Refusal>,
}

/// What a reader has settled. Both parts may be empty.
#[derive(Debug)]
pub struct Settle {
    /// Who.
    pub reader: ReaderKey,
    /// Everything up to here.
    pub up_to: Option<Seq>,
    /// Just these, those beyond `up_to` included; what is no longer there is skipped.
    pub seqs: Vec<Seq>,
}

/// The next part of a log.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// For whom: what it has settled is left out.
    pub reader: ReaderKey,
    /// Begins behind this `seq`.
    pub after: Seq,
    /// At most so many messages.
    pub messages: u16,
    /// Stops after the message that reaches so many bytes.
    pub bytes: u32,
}

impl SessionKey {
    /// The tag of this session's request `slot`.
    pub fn tag(self, slot: u32) -> Tag {
        Tag { session: self, slot }
    }
}
