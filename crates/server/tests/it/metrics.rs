//! What `/metrics` says, and to whom.

use serde_json::json;

use crate::support::{Running, Samples, openmetrics, server, soon, upgrade_request};

async fn figures(server: &Running) -> Samples {
    let answer = server.get("/metrics").await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").expect("a type");
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    openmetrics::read(&answer.body)
}

#[track_caller]
fn check(samples: &Samples, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        assert_eq!(samples.get(*name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_page_is_valid_before_anything_has_happened() {
    let server = server().start().await;
    let samples = figures(&server).await;
    check(
        &samples,
        &[
            ("ackd_connections", 0.0),
            ("ackd_messages_accepted_total", 0.0),
            ("ackd_refused_total{code=\"gap\"}", 0.0),
            ("ackd_send_to_ack_seconds_count", 0.0),
            ("ackd_store_writable", 1.0),
            (&format!("ackd_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
        ],
    );
    assert!(100_000.0 < samples["process_resident_memory_bytes"]);
    let [journal, archive] = ["ackd_journal_bytes", "ackd_archive_bytes"].map(|name| samples[name]);
    assert!(0.0 < journal && 0.0 < archive, "{journal} {archive}");
    check(&samples, &[("ackd_store_bytes", journal + archive)]);
}

/// Three messages wait in a server that may have so much of them in memory: how it tells that.
async fn with_three_that_wait(index_bytes: &str, in_memory: f64) -> Samples {
    let server = server().set("index_bytes", index_bytes).start().await;
    let (mut ann, bob) = (server.client().await, server.client().await);
    let id = bob.id.clone();
    bob.close().await;
    for k in 1..=3 {
        ann.send(json!({"op": "send", "to": id, "body": k})).await;
        ann.expect("accepted").await;
    }
    let told = async {
        // What is to be in the archive is there a moment later.
        let mut samples = figures(&server).await;
        while samples.get("ackd_index_messages") != Some(&in_memory) {
            samples = figures(&server).await;
        }
        samples
    };
    soon("the figures", told).await
}

#[tokio::test]
async fn what_waits_is_told_from_what_of_it_takes_memory() {
    let samples = with_three_that_wait("1MiB", 3.0).await;
    check(&samples, &[("ackd_waiting_messages", 3.0)]);
    assert!(0.0 < samples["ackd_index_bytes"]);
    let samples = with_three_that_wait("0", 0.0).await;
    check(&samples, &[("ackd_waiting_messages", 3.0), ("ackd_index_bytes", 0.0)]);
}

#[tokio::test]
async fn what_happens_to_messages_is_counted() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.upgraded().await);
    bob.connect(json!({})).await;
    let away = server.client().await;
    let away_id = away.id.clone();
    away.close().await;
    for k in 1..=3 {
        ann.send(json!({"op": "send", "to": bob.id, "body": k})).await;
        ann.expect("accepted").await;
        assert_eq!(bob.expect("message").await["seq"], k);
    }
    bob.send(json!({"op": "ack", "seq": 2})).await;
    bob.round_trip().await;
    ann.send(json!({"op": "send", "to": away_id, "body": 0})).await;
    ann.expect("accepted").await;
    ann.send(json!({"op": "send", "to": "nobody", "body": 0})).await;
    ann.expect_error("unknown_recipient").await;
    check(
        &figures(&server).await,
        &[
            ("ackd_connections", 2.0),
            ("ackd_connections_opened_total", 3.0),
            ("ackd_messages_accepted_total", 4.0),
            ("ackd_messages_delivered_total", 3.0),
            ("ackd_messages_redelivered_total", 0.0),
            ("ackd_messages_acked_total", 2.0),
            ("ackd_send_to_ack_seconds_count", 2.0),
            ("ackd_messages_archived_total", 1.0),
            ("ackd_refused_total{code=\"unknown_recipient\"}", 1.0),
            ("ackd_refused_total{code=\"forbidden\"}", 0.0),
            ("ackd_waiting_messages", 2.0),
        ],
    );
    // One commit for each identity and for each message at least, as nothing came together.
    let samples = figures(&server).await;
    assert!(7.0 <= samples["ackd_commit_seconds_count"], "{samples:?}");
    check(&samples, &[("ackd_commit_answers_count", samples["ackd_commit_seconds_count"])]);
    assert!(0.0 < samples["ackd_commit_seconds_sum"]);

    bob.close().await;
    let samples = figures(&server).await;
    check(&samples, &[("ackd_messages_archived_total", 2.0), ("ackd_connections", 1.0)]);
}

#[tokio::test]
async fn repeats_and_redeliveries_are_told_from_the_first_time() {
    let server = server().set("ack_timeout", "100ms").set("message_ttl", "1h").start().await;
    let (mut ann, mut bob) = (server.upgraded().await, server.client().await);
    ann.connect(json!({"outbox": "o"})).await;
    for dup in [false, true, true] {
        ann.send(json!({"op": "send", "n": 1, "to": bob.id, "body": 1})).await;
        assert_eq!(
            ann.expect("accepted").await["dup"],
            if dup { json!(true) } else { json!(null) }
        );
    }
    let seq = bob.expect("message").await["seq"].clone();
    let again = bob.expect("message").await;
    assert_eq!((&again["seq"], &again["attempt"]), (&seq, &json!(2)));
    bob.send(json!({"op": "ack", "seq": seq})).await;
    bob.round_trip().await;
    let samples = figures(&server).await;
    check(
        &samples,
        &[
            ("ackd_messages_accepted_total", 1.0),
            ("ackd_messages_repeated_total", 2.0),
            ("ackd_messages_delivered_total", 1.0),
            ("ackd_messages_acked_total", 1.0),
            ("ackd_messages_archived_total", 1.0),
            ("ackd_send_to_ack_seconds_bucket{le=\"0.05\"}", 0.0),
        ],
    );
    assert!(0.1 <= samples["ackd_send_to_ack_seconds_sum"]);
    assert!(1.0 <= samples["ackd_messages_redelivered_total"]);
}

#[tokio::test]
async fn live_messages_and_acks_by_id_count_too() {
    let server = server().start().await;
    let (mut ann, mut bob) = (server.client().await, server.client().await);
    for client in [&mut ann, &mut bob] {
        client.send(json!({"op": "join", "room": "r"})).await;
        client.expect("joined").await;
    }
    ann.send(json!({"op": "send", "room": "r", "body": 1})).await;
    ann.expect("accepted").await;
    let id = bob.expect("message").await["id"].clone();
    bob.send(json!({"op": "ack", "ids": [id]})).await;
    bob.round_trip().await;
    check(
        &figures(&server).await,
        &[
            ("ackd_messages_accepted_total", 1.0),
            ("ackd_messages_delivered_total", 1.0),
            ("ackd_messages_acked_total", 1.0),
        ],
    );
}

#[tokio::test]
async fn who_is_turned_away_is_counted_by_reason() {
    let server = server().set("limits.connections_per_ip", 3).start().await;
    let _here = (server.client().await, server.client().await);
    server.reload(&["limits.connections_per_ip=2", "auth.allowed_origins=https://a.b"]).unwrap();
    let (answer, _held) = server.try_upgrade(&upgrade_request("/v1/ws")).await;
    assert_eq!(answer.status, 429);
    let foreign = upgrade_request("/v1/ws").replacen("Host", "Origin: https://x.y\r\nHost", 1);
    assert_eq!(server.try_upgrade(&foreign).await.0.status, 403);
    let counted = async {
        loop {
            // The refused have a place until their sockets are closed; then there is one to ask at.
            let samples = figures(&server).await;
            let count = |reason| {
                samples[&format!("ackd_connections_turned_away_total{{reason=\"{reason}\"}}")]
            };
            if (count("address_full"), count("origin"), count("draining")) == (1.0, 1.0, 0.0) {
                break;
            }
        }
    };
    soon("the counts", counted).await;
}

#[tokio::test]
async fn without_a_token_only_this_machine_may_ask_and_no_proxy_for_others() {
    let server = server().start().await;
    assert_eq!(server.get("/metrics").await.status, 200);
    for header in ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "Via: 1.1 p"] {
        let request =
            format!("GET /metrics HTTP/1.1\r\nHost: t\r\n{header}\r\nConnection: close\r\n\r\n");
        let answer = server.request(&request).await;
        assert_eq!(answer.status, 403, "{header}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!((&problem["code"], &problem["status"]), (&json!("forbidden"), &json!(403)));
    }
}

#[tokio::test]
async fn with_a_token_whoever_shows_it_may_ask_and_nobody_else() {
    let server = server().set("admin.token", "0123456789abcdef").start().await;
    let ask = async |authorization: &str| {
        let request = format!(
            "GET /metrics HTTP/1.1\r\nHost: t\r\n{authorization}Via: 1.1 p\r\nConnection: close\r\n\r\n"
        );
        server.request(&request).await
    };
    for wrong in [
        "",
        "Authorization: Bearer 0123456789abcdeX\r\n",
        "Authorization: Bearer 0123456789abcde\r\n",
        "Authorization: Basic 0123456789abcdef\r\n",
        "Authorization: Bearer\r\n",
    ] {
        let answer = ask(wrong).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    }
    assert_eq!(ask("Authorization: Bearer 0123456789abcdef\r\n").await.status, 200);
    assert_eq!(ask("Authorization: bearer 0123456789abcdef\r\n").await.status, 200);
    server.reload(&["admin.token=another-token-of-ours"]).expect("good");
    assert_eq!(ask("Authorization: Bearer 0123456789abcdef\r\n").await.status, 401);
    assert_eq!(ask("Authorization: Bearer another-token-of-ours\r\n").await.status, 200);
    for free in ["/healthz", "/readyz", "/"] {
        assert_eq!(server.get(free).await.status, 200, "{free}");
    }
}
