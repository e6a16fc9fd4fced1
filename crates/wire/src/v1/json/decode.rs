//! Going through the frames of a JSON text.

use crate::json::{Batch, Fields};
use crate::v1::decode::{UnreadableFrame, bad_frame, client_frame, server_frame};
use crate::v1::{BadFrame, ClientFrame, ServerFrame};

/// The frames of one WebSocket message, in order; each that is bad gives a [`BadFrame`] of its own and spoils no
/// other. Where the text stops being JSON, the frames before that are given, then one [`BadFrame`].
pub fn decode(text: &str) -> ClientFrames<'_> {
    ClientFrames { batch: Batch::new(text), fields: Fields::new() }
}

/// What [`decode`] gives.
pub struct ClientFrames<'a> {
    batch: Batch<'a>,
    fields: Fields<'a>,
}

/// The frames of one WebSocket message, in order.
pub fn decode_server(text: &str) -> ServerFrames<'_> {
    ServerFrames { batch: Batch::new(text), fields: Fields::new() }
}

/// What [`decode_server`] gives.
pub struct ServerFrames<'a> {
    batch: Batch<'a>,
    fields: Fields<'a>,
}

impl<'a> Iterator for ClientFrames<'a> {
    type Item = Result<ClientFrame<'a>, BadFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        let fields = &mut self.fields;
        let frame = self.batch.read(fields)?.and_then(|()| client_frame(fields));
        Some(frame.map_err(|message| bad_frame(fields, message)))
    }
}

impl<'a> Iterator for ServerFrames<'a> {
    type Item = Result<ServerFrame<'a>, UnreadableFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        let fields = &mut self.fields;
        let read = self.batch.read(fields)?;
        Some(read.map_err(UnreadableFrame::from).and_then(|()| server_frame(fields)))
    }
}

impl std::fmt::Debug for ClientFrames<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientFrames").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ServerFrames<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerFrames").finish_non_exhaustive()
    }
}
