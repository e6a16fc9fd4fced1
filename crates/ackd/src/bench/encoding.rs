//! In which encoding the load generator speaks. What it says rarely is written once, in JSON, and translated here by the
//! same codec as the server's; what it says for each message is laid out in `template.rs` and `scan.rs`.

use ackd_wire::v1::{self, json, msgpack};
use anyhow::{Context as _, anyhow};
use serde_json::Value;

/// How frames are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Encoding {
    /// Text frames
    Json,
    /// Binary frames, MessagePack
    Msgpack,
}

impl Encoding {
    /// What the upgrade asks for.
    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "ackd.v1.json",
            Self::Msgpack => "ackd.v1.msgpack",
        }
    }

    /// A client's frame, given in JSON.
    pub(crate) fn client_frame(self, text: &str) -> Vec<u8> {
        if self == Self::Json {
            return text.as_bytes().to_vec();
        }
        let mut out = Vec::new();
        for frame in json::decode(text) {
            msgpack::encode_client(&mut out, &frame.expect("the generator's frames are good"));
        }
        out
    }

    /// A server's frame as JSON.
    pub(crate) fn server_frame(self, frame: &[u8]) -> anyhow::Result<Value> {
        if self == Self::Json {
            return serde_json::from_slice(frame).context("the server's frame");
        }
        let mut out = Vec::new();
        let frame: v1::ServerFrame<'_> =
            msgpack::decode_server(frame).next().ok_or_else(|| anyhow!("no frame"))??;
        json::encode(&mut out, &frame);
        serde_json::from_slice(&out).context("the server's frame")
    }
}
