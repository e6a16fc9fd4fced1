//! From the fields of a frame to the frame: the same rules in every encoding.

mod client;
mod read;
mod server;

pub(super) use client::{bad_frame, client_frame};
pub use server::UnreadableFrame;
pub(super) use server::server_frame;
