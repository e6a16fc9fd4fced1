//! What the codec must do, seen from outside: every case of the Autobahn test suite that concerns
//! a codec, round trips, and the same verdicts as tungstenite on generated streams.
//!
//! Autobahn's sections 12 and 13 (permessage-deflate) do not apply: no extension is negotiated, so
//! a compressed frame is the reserved bit of 3.*. Section 10 (automatic fragmentation) and the
//! timing of 9.* concern the socket, not the codec.

mod autobahn_close;
mod autobahn_fragmentation;
mod autobahn_framing;
mod autobahn_limits;
mod autobahn_reserved;
mod autobahn_utf8;
mod differential;
mod generator;
mod memory;
mod peer;
mod roundtrip;
mod support;
