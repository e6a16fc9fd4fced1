//! From what was decoded to commands: all of one read in one batch, as far as the session takes it and the client's rate
//! allows it.

use ackd_wire::{Millis, Name};

use super::rate::{Rate, RateLimit};
use super::reader::{Lent, Piece};
use crate::dialect::Dialect;
use crate::session::{Command, Output, Session};

/// Whom the client talks to.
pub(super) struct Hearing<'s> {
    pub(super) session: &'s mut Session,
    pub(super) dialect: &'s Dialect,
    pub(super) rate: &'s mut Rate,
    pub(super) limit: RateLimit,
    /// The device that the client names.
    pub(super) device: &'s mut Name,
}

/// How the connection is to end: a close code and a reason.
pub(super) type End<'a> = Option<(u16, &'a str)>;

impl Hearing<'_> {
    /// Gives the session what the client has said. What it does not take now stays marked as not handled.
    pub(super) fn hear<'a>(mut self, now: Millis, lent: Lent<'a>, out: &mut Output<'a>) -> End<'a> {
        let Lent { bytes, pieces, handled } = lent;
        while let Some(piece) = pieces.get(handled.pieces) {
            let message = match piece {
                Piece::Here(range) => &bytes[range.clone()],
                Piece::Gathered(bytes) => bytes,
                Piece::End(code, reason) => return Some((*code, reason)),
            };
            if let Some(commands) = self.hear_message(now, message, handled.commands, out) {
                handled.commands = commands;
                break;
            }
            handled.commands = 0;
            handled.pieces += 1;
            if self.rate.blocked_until(now).is_some() {
                break;
            }
        }
        None
    }

    /// Gives the commands of one message behind the first `skip`. How many were given, where the session takes no
    /// more.
    fn hear_message<'a>(
        &mut self,
        now: Millis,
        message: &'a [u8],
        skip: usize,
        out: &mut Output<'a>,
    ) -> Option<usize> {
        let Self { session, device, .. } = self;
        let mut frames = 0;
        let stopped = self.dialect.decode(message, skip, &mut |command| {
            frames += cost(&command);
            if let Command::Connect(connect) = &command {
                device.clone_from(&connect.device);
            }
            session.command(now, command, out);
            !session.is_paused() && !session.is_closed()
        });
        self.rate.spend(self.limit, now, frames);
        stopped
    }
}

/// What a command counts towards `frames_per_second`.
fn cost(command: &Command<'_>) -> u64 {
    u64::from(!matches!(command, Command::Ack { .. }))
}
