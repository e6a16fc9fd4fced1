//! One WebSocket message: a frame, or an array of frames.

use super::fields::Fields;
use super::head::{Cursor, Head};
use super::span::pass;
use crate::fields::Fault;
use crate::limits::{BATCH_FRAMES_MAX, DEPTH_MAX};

/// Goes through the frames of a message, in order. What can be read before the bytes stop being MessagePack is read.
pub(crate) struct Batch<'a> {
    cursor: Cursor<'a>,
    /// Frames read.
    frames: usize,
    next: Next,
}

enum Next {
    /// Nothing is read yet.
    Start,
    /// So many frames of an array are to come; at least one.
    Frames(u32),
    /// All is read, but the message goes on.
    TooLong,
    /// All is read, or the rest cannot be.
    End,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { cursor: Cursor { rest: bytes }, frames: 0, next: Next::Start }
    }

    /// Reads the next frame's fields. `None`: there is no more. After a fault `fields` holds what could be read of
    /// this frame.
    pub(crate) fn read(&mut self, fields: &mut Fields<'a>) -> Option<Result<(), Fault>> {
        fields.clear();
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Start => Some(self.start(fields)),
            Next::Frames(left) => Some(self.element(fields, left)),
            Next::TooLong => Some(Err("something follows the batch".into())),
            Next::End => None,
        }
    }

    fn start(&mut self, fields: &mut Fields<'a>) -> Result<(), Fault> {
        if self.cursor.rest.is_empty() {
            return Err("the message is empty".into());
        }
        let mut inside = self.cursor;
        if let Ok(Head::Array(frames)) = inside.head() {
            self.cursor = inside;
            return match frames {
                0 => Err("the batch is empty".into()),
                frames => self.element(fields, frames),
            };
        }
        let frame = self.frame(fields)?;
        if !self.cursor.rest.is_empty() {
            return Err("something follows the frame".into());
        }
        frame
    }

    /// One frame of an array of which so many are to come.
    fn element(&mut self, fields: &mut Fields<'a>, left: u32) -> Result<(), Fault> {
        if self.frames == BATCH_FRAMES_MAX {
            return Err(format!("a batch has at most {BATCH_FRAMES_MAX} frames").into());
        }
        self.frames += 1;
        let frame = self.frame(fields)?;
        self.next = match left {
            2.. => Next::Frames(left - 1),
            _ if self.cursor.rest.is_empty() => Next::End,
            _ => Next::TooLong,
        };
        frame
    }

    /// The frame that begins here. The outer fault ends the message, the inner one only this frame.
    fn frame(&mut self, fields: &mut Fields<'a>) -> Result<Result<(), Fault>, Fault> {
        let start = self.cursor;
        let Head::Map(pairs) = self.cursor.head()? else {
            self.cursor = start;
            pass(&mut self.cursor, DEPTH_MAX)?;
            return Ok(Err("a frame is a map".into()));
        };
        Ok(match fields.read(&mut self.cursor, pairs)? {
            None => Ok(()),
            Some(flaw) => Err(flaw.into()),
        })
    }
}
