//! Frames of clients that speak MessagePack: what they say is written in JSON here and translated by the product's own
//! codecs, and so is what they hear, so that log and model read one language.

use ackd_wire::v1::{json, msgpack};

/// What a client says, as MessagePack. What is no good frame goes as it is: it is none in MessagePack either.
pub(crate) fn to_msgpack(text: &str) -> Vec<u8> {
    let Ok(frames) = json::decode(text).collect::<Result<Vec<_>, _>>() else {
        return text.as_bytes().to_vec();
    };
    let mut bytes = Vec::new();
    if text.starts_with('[') {
        let count = u16::try_from(frames.len()).expect("a client says little at once");
        bytes.push(ARRAY_16);
        bytes.extend_from_slice(&count.to_be_bytes());
    }
    for frame in &frames {
        msgpack::encode_client(&mut bytes, frame);
    }
    bytes
}

/// What the server says, in JSON; `None`: it is not readable.
pub(crate) fn to_json(bytes: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    for frame in msgpack::decode_server(bytes) {
        json::encode(&mut text, &frame.ok()?);
    }
    String::from_utf8(text).ok()
}

/// The MessagePack format of an array with a length of two bytes.
const ARRAY_16: u8 = 0xdc;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_an_array_and_what_is_unreadable_stays_so() {
        let one = r#"{"op":"ping","ref":"p"}"#;
        let batch = to_msgpack(&format!("[{one},{one}]"));
        assert_eq!(msgpack::decode(&batch).flatten().count(), 2);
        assert_eq!(msgpack::decode(&to_msgpack(one)).flatten().count(), 1);
        assert!(msgpack::decode(&to_msgpack("{\"op\":")).any(|frame| frame.is_err()));
    }
}
