//! A peer that can say anything, right or wrong. It builds frames from the RFC's picture, not with
//! the crate's encoder, so that the two check each other.

use ackd_websocket::Role;

/// One frame: its first byte (FIN, RSV, opcode) and its payload before masking.
#[derive(Debug, Clone)]
pub(crate) struct RawFrame {
    pub(crate) first_byte: u8,
    pub(crate) payload: Vec<u8>,
}

impl RawFrame {
    pub(crate) fn new(first_byte: u8, payload: impl AsRef<[u8]>) -> Self {
        Self { first_byte, payload: payload.as_ref().to_vec() }
    }

    pub(crate) fn text(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x81, payload)
    }

    pub(crate) fn binary(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x82, payload)
    }

    pub(crate) fn ping(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x89, payload)
    }

    pub(crate) fn pong(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x8a, payload)
    }

    /// A text frame without FIN.
    pub(crate) fn first_text(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x01, payload)
    }

    pub(crate) fn middle(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x00, payload)
    }

    pub(crate) fn last(payload: impl AsRef<[u8]>) -> Self {
        Self::new(0x80, payload)
    }

    pub(crate) fn close(code: u16, reason: impl AsRef<[u8]>) -> Self {
        Self::new(0x88, [&code.to_be_bytes()[..], reason.as_ref()].concat())
    }

    /// A message of kind `opcode` in fragments of `size` bytes.
    pub(crate) fn fragments(opcode: u8, payload: &[u8], size: usize) -> Vec<Self> {
        let mut frames: Vec<Self> =
            payload.chunks(size).map(|chunk| Self::new(0x00, chunk)).collect();
        frames[0].first_byte |= opcode;
        let last = frames.len() - 1;
        frames[last].first_byte |= 0x80;
        frames
    }
}

/// The bytes of `frames` as `role`'s peer sends them.
pub(crate) fn stream(role: Role, frames: &[RawFrame]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames {
        let mask = (role == Role::Server).then_some([0x37, 0xfa, 0x21, 0x3d]);
        write_frame(&mut out, frame, shortest(frame.payload.len()), mask);
    }
    out
}

/// How a length is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LengthForm {
    Short,
    U16,
    U64,
}

pub(crate) fn shortest(length: usize) -> LengthForm {
    match length {
        0..=125 => LengthForm::Short,
        126..=65_535 => LengthForm::U16,
        _ => LengthForm::U64,
    }
}

pub(crate) fn write_frame(
    out: &mut Vec<u8>,
    frame: &RawFrame,
    form: LengthForm,
    mask: Option<[u8; 4]>,
) {
    let length = frame.payload.len();
    let mask_bit = if mask.is_some() { 0x80 } else { 0 };
    out.push(frame.first_byte);
    match form {
        LengthForm::Short => out.push(mask_bit | length as u8),
        LengthForm::U16 => {
            out.push(mask_bit | 0x7e);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        LengthForm::U64 => {
            out.push(mask_bit | 0x7f);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    match mask {
        None => out.extend_from_slice(&frame.payload),
        Some(key) => {
            out.extend_from_slice(&key);
            out.extend(frame.payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        }
    }
}
