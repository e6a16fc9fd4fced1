//! What both sides say.

use std::borrow::Cow;

use crate::v1::Body;
use crate::{ClientId, ErrorCode, MessageId, Token};

/// One frame of a client.
#[derive(Debug, Clone)]
pub enum ClientFrame<'a> {
    /// `newID`: tell me my ID.
    NewId,
    /// `setID`: I am this one.
    SetId {
        /// The ID.
        id: ClientId,
        /// Its secret, where the client knows of secrets.
        token: Option<Token>,
    },
    /// `sendMessage`: pass this on.
    SendMessage {
        /// To whom; empty and absent are the same: to the room. A text that is no ID ([`ClientId::parse`]) names
        /// somebody whom nobody can be.
        to: Option<Cow<'a, str>>,
        /// Who the client says it is; counts for nothing.
        from: Option<Cow<'a, str>>,
        /// The whole object, byte for byte: the body for v1.
        data: &'a str,
    },
    /// `ack`: this message is processed.
    Ack {
        /// Which. `None`: a text that is no message's ID, such as the empty one of frames that want no ack.
        id: Option<MessageId>,
    },
    /// Any other command, for everyone else in the room.
    Other {
        /// Its name.
        command: Cow<'a, str>,
        /// What comes with it, as raw JSON.
        data: Option<&'a str>,
    },
}

/// One frame of a server.
#[derive(Debug, Clone)]
pub enum ServerFrame<'a> {
    /// `clientID`: the connection's present ID.
    ClientId {
        /// The ID, as `data` and as `clientID`.
        id: Cow<'a, str>,
        /// Its secret, where it is to be told.
        token: Option<Token>,
    },
    /// `error`: something was refused.
    Error {
        /// Why.
        code: ErrorCode,
        /// The reason in words.
        message: Cow<'a, str>,
    },
    /// `newUser`: somebody came into the room.
    NewUser {
        /// Who.
        id: Cow<'a, str>,
    },
    /// `userDisconnected`: somebody has gone.
    UserDisconnected {
        /// Who.
        id: Cow<'a, str>,
    },
    /// A command of another client, `sendMessage` included, its data untouched.
    Command {
        /// The message's ID; `None`: nothing is to be acknowledged.
        id: Option<MessageId>,
        /// The sender's ID.
        from: Cow<'a, str>,
        /// The command's name.
        command: Cow<'a, str>,
        /// What comes with it, as raw JSON; `None` is written as `null`.
        data: Option<&'a str>,
    },
    /// A message as it is stored, written as `sendMessage`; see [`super::send_message_data`]. Never decoded: what was
    /// written is a [`ServerFrame::Command`].
    Message {
        /// The message's ID; `None`: nothing is to be acknowledged.
        id: Option<MessageId>,
        /// The sender's ID.
        from: Cow<'a, str>,
        /// To whom it was addressed, where that was an identity.
        to: Option<Cow<'a, str>>,
        /// The body.
        body: Body<'a>,
    },
}
