//! One WebSocket message: a frame, or an array of frames.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::fields::{Fields, not_json};
use super::is_too_deep;
use crate::fields::Fault;
use crate::limits::{BATCH_FRAMES_MAX, DEPTH_MAX};

/// Goes through the frames of a text, in order. What can be read before a fault of the JSON is read.
pub(crate) struct Batch<'a> {
    text: &'a str,
    /// `at <= text.len()`, on a character's boundary.
    at: usize,
    /// Frames read.
    frames: usize,
    next: Next,
}

enum Next {
    /// Nothing is read yet.
    Start,
    /// A frame of an array begins.
    Frame,
    /// The text goes wrong here.
    Fault(&'static str),
    /// All is read, or the rest cannot be.
    End,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, frames: 0, next: Next::Start }
    }

    /// Reads the next frame's fields. `None`: there is no more. After a fault `fields` holds what could be read of
    /// this frame.
    pub(crate) fn read(&mut self, fields: &mut Fields<'a>) -> Option<Result<(), Fault>> {
        fields.clear();
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Start => Some(self.start(fields)),
            Next::Frame => Some(self.element(fields)),
            Next::Fault(fault) => Some(Err(fault.into())),
            Next::End => None,
        }
    }

    fn start(&mut self, fields: &mut Fields<'a>) -> Result<(), Fault> {
        match self.peek() {
            None => Err("the text is empty".into()),
            Some(b'[') => {
                self.at += 1;
                if self.peek() == Some(b']') {
                    return Err("the batch is empty".into());
                }
                self.element(fields)
            }
            Some(_) => {
                let frame = self.frame(fields)?;
                if self.peek().is_some() {
                    return Err("something follows the frame".into());
                }
                frame
            }
        }
    }

    /// One frame of an array, and what follows it.
    fn element(&mut self, fields: &mut Fields<'a>) -> Result<(), Fault> {
        if self.frames == BATCH_FRAMES_MAX {
            return Err(format!("a batch has at most {BATCH_FRAMES_MAX} frames").into());
        }
        self.frames += 1;
        self.peek();
        let frame = self.frame(fields)?;
        self.next = match self.peek() {
            Some(b',') => {
                self.at += 1;
                Next::Frame
            }
            Some(b']') => {
                self.at += 1;
                if self.peek().is_none() {
                    Next::End
                } else {
                    Next::Fault("something follows the batch")
                }
            }
            _ => Next::Fault("not JSON: a frame of a batch is followed by neither `,` nor `]`"),
        };
        frame
    }

    /// The frame that begins here. The outer fault ends the text, the inner one only this frame.
    fn frame(&mut self, fields: &mut Fields<'a>) -> Result<Result<(), Fault>, Fault> {
        let rest = &self.text[self.at..];
        if !rest.starts_with('{') {
            self.at += skip(rest)?;
            return Ok(Err("a frame is a JSON object".into()));
        }
        let length = fields.read(rest)?;
        self.at += length;
        if is_too_deep(&rest[..length]) {
            return Ok(Err(format!("the frame has more than {DEPTH_MAX} levels").into()));
        }
        Ok(Ok(()))
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blank = rest.iter().position(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        self.at += blank.unwrap_or(rest.len());
        rest.get(blank?).copied()
    }
}

/// The length of the JSON value at the start of `text`.
fn skip(text: &str) -> Result<usize, Fault> {
    let value = <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(text));
    value.map(|raw| raw.get().len()).map_err(|error| not_json(&error))
}
