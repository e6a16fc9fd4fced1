//! Pings, and connections that nobody answers on.

use serde_json::json;

use crate::support::{Heard, server};

/// Long enough for a client of a test to answer on a machine that has other things to do: who does not answer within two
/// of them is given up, and rightly.
const INTERVAL: &str = "700ms";

#[tokio::test]
async fn a_ping_is_answered_with_its_payload() {
    let server = server().start().await;
    let mut client = server.client().await;
    for payload in [&b""[..], b"abc", &[7; 125]] {
        client.send_with(|e, out| e.ping(out, payload)).await;
        assert_eq!(client.hear().await, Heard::Pong(payload.to_vec()));
    }
    client.send(json!({"op": "ping", "ref": "mine"})).await;
    assert_eq!(client.expect("pong").await["ref"], "mine");
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_its_pongs_keep_it() {
    let server = server().set("ping_interval", INTERVAL).start().await;
    let mut client = server.client().await;
    for _ in 0..4 {
        assert_eq!(client.hear().await, Heard::Ping(Vec::new()));
    }
    client.round_trip().await;
}

#[tokio::test]
async fn two_unanswered_pings_end_the_connection() {
    let server = server().set("ping_interval", INTERVAL).start().await;
    let mut client = server.client().await;
    client.mute();
    assert_eq!(client.hear().await, Heard::Ping(Vec::new()));
    assert_eq!(client.hear().await, Heard::Ping(Vec::new()));
    assert_eq!(client.close_code().await, Some(1001));
}

#[tokio::test]
async fn any_frame_is_an_answer() {
    let server = server().set("ping_interval", INTERVAL).start().await;
    let mut client = server.client().await;
    client.mute();
    for _ in 0..4 {
        assert_eq!(client.hear().await, Heard::Ping(Vec::new()));
        client.send(json!({"op": "ack", "ids": ["0".repeat(32)]})).await;
    }
}

#[tokio::test]
async fn a_connection_before_its_connect_is_pinged_too() {
    let server = server().set("ping_interval", INTERVAL).start().await;
    let mut client = server.upgraded().await;
    for _ in 0..3 {
        assert_eq!(client.hear().await, Heard::Ping(Vec::new()));
    }
    client.connect(json!({})).await;
}
