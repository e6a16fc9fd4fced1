//! Station 4: from a session's request to mailboxes and rooms, and from the engine back to the sessions that are here.
//! It knows no socket and no frame. The way back is an [`Inbox`] for each session, never a call.

mod inbox;
mod live;
mod nodes;
mod presence;
mod rooms;
mod submit;
mod switchboard;
mod topic;
mod watch;

pub use inbox::Inbox;
pub use nodes::{Bus, NodeId};
use submit::Missed;
pub use submit::Router;
pub use switchboard::Switchboard;

#[cfg(test)]
mod tests;
