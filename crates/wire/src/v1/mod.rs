//! The v1 dialect: its vocabulary ([`ClientFrame`], [`ServerFrame`]) and its encodings. Sections 2 to 6 of the
//! protocol; no delivery rule lives here.

mod decode;
mod frame;
pub mod json;
pub mod msgpack;

pub use decode::UnreadableFrame;
pub use frame::{
    AcceptedFrame, AckFrame, BadFrame, Body, ClientFrame, ConnectFrame, ConnectedFrame, Credential,
    DurableRoom, EndReason, ErrorFrame, GoawayFrame, JoinFrame, JoinedFrame, JsonBody, LostFrame,
    MessageFrame, Persist, Place, PresenceFrame, ReceiptFrame, ReceiptState, SendFrame,
    ServerFrame, Target, Watched, Which,
};
