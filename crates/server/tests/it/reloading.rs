//! What a running server takes over when its configuration is read again.

use crate::support::{server, upgrade_request};

#[tokio::test]
async fn limits_and_origins_hold_for_whoever_comes_from_now_on() {
    let server = server().start().await;
    let (mut first, _second) = (server.client().await, server.client().await);
    server.reload(&["limits.connections_per_ip=2"]).expect("good");
    let (answer, _) = server.try_upgrade(&upgrade_request("/v1/ws")).await;
    assert_eq!(answer.status, 429);
    server.reload(&["limits.connections=2"]).expect("good");
    let (answer, _) = server.try_upgrade(&upgrade_request("/v1/ws")).await;
    assert_eq!(answer.status, 503);
    first.round_trip().await; // nobody has to leave

    server.reload(&["auth.allowed_origins=https://a.example"]).expect("good");
    let from = |origin| upgrade_request("/v1/ws").replacen("Host", &format!("{origin}\r\nHost"), 1);
    let (answer, _) = server.try_upgrade(&from("Origin: https://b.example")).await;
    assert_eq!(answer.status, 403);
    let (answer, _) = server.try_upgrade(&from("Origin: https://a.example")).await;
    assert_eq!(answer.status, 101);
}

#[tokio::test]
async fn the_rate_holds_for_connections_that_exist() {
    let server = server().set("limits.frames_per_second", 1).start().await;
    let mut client = server.client().await;
    server.reload(&["limits.frames_per_second=1000000"]).expect("good");
    for _ in 0..1_000 {
        // At one a second this would take a quarter of an hour.
        client.round_trip().await;
    }
}
