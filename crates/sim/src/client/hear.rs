//! What a client makes of what it hears.

use ackd_wire::v1::{ConnectedFrame, ErrorFrame, MessageFrame, Place, ServerFrame, json};
use ackd_wire::{ErrorCode, Millis};

use super::{Client, Stage};
use crate::frames;
use crate::link::Packet;
use crate::model::letter_key;
use crate::random::Random;

/// What a client does next, because of what it has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It goes on.
    GoOn,
    /// It is in: it says everything unanswered again.
    Repeat,
    /// It gives this connection up and makes a new one.
    Reconnect,
}

impl Client {
    /// Takes one packet.
    pub(crate) fn hear(&mut self, now: Millis, packet: &Packet, random: &mut Random) -> Next {
        let translated;
        let text = match packet {
            Packet::Text(text) => text,
            Packet::Binary(bytes) => {
                translated = frames::to_json(bytes).unwrap_or_default();
                &translated
            }
            // The server is leaving, or was too full: it comes back.
            Packet::Close | Packet::End => return Next::Reconnect,
        };
        let mut next = Next::GoOn;
        for frame in json::decode_server(text).filter_map(Result::ok) {
            match frame {
                ServerFrame::Connected(frame) => {
                    self.enter(&frame);
                    self.look_around();
                    next = Next::Repeat;
                }
                ServerFrame::Accepted(frame) => {
                    if let Some(n) = frame.n {
                        self.unanswered.remove(&n);
                    }
                }
                ServerFrame::Error(frame) if frame.code == ErrorCode::OutboxTaken => {
                    return Next::Reconnect; // a connection of its own that it has given up came in late
                }
                ServerFrame::Error(frame) => self.refused(now, &frame, random),
                ServerFrame::Message(frame) => self.receive(&frame),
                ServerFrame::Lost(frame) => self.lost.push(frame.to),
                _ => {}
            }
        }
        next
    }

    fn enter(&mut self, frame: &ConnectedFrame<'_>) {
        self.stage = Stage::Here;
        if self.epoch.as_deref() != Some(&*frame.epoch) {
            self.epoch = Some(frame.epoch.clone().into_owned());
            (self.acked, self.highest) = (0, 0);
        }
    }

    fn refused(&mut self, now: Millis, frame: &ErrorFrame<'_>, random: &mut Random) {
        if frame.code.is_passing() {
            self.repeat_later(now, random);
        } else if let Some(n) = frame.n {
            self.unanswered.remove(&n);
        }
    }

    fn receive(&mut self, frame: &MessageFrame<'_>) {
        if let Some(key) = std::str::from_utf8(frame.body.bytes()).ok().and_then(letter_key) {
            self.processed.insert(key);
        }
        let Place::Mailbox(seq) = frame.place else {
            return self.live.push(frame.id);
        };
        self.live.retain(|id| *id != frame.id);
        self.highest = self.highest.max(seq);
        if self.received.iter().all(|(known, _)| *known != seq) {
            self.received.push((seq, frame.id));
        }
    }
}
