//! The same server behind TLS.

use std::path::Path;

use ackd_server::{CertificateError, check_files};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Certificate, Running, configuration, server, soon};

/// A server with a certificate, whose files lie in the directory.
async fn started(certificate: &Certificate, directory: &Path) -> Running {
    certificate.write(directory);
    Certificate::used_by(server(), directory).start().await
}

#[tokio::test]
async fn messages_of_every_size_pass_through_tls() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = started(&certificate, directory.path()).await;
    let (mut ann, mut bob) = (certificate.client(&server).await, certificate.client(&server).await);
    for size in [0, 1, 1_000, 16_000, 16_384, 40_000, 65_000] {
        let body = "x".repeat(size);
        ann.send(json!({"op": "send", "to": bob.id, "body": body})).await;
        ann.expect("accepted").await;
        let message = bob.expect("message").await;
        assert_eq!(message["body"], body);
        bob.send(json!({"op": "ack", "seq": message["seq"]})).await;
    }
    bob.close().await;
}

#[tokio::test]
async fn plain_answers_are_given_through_tls_too() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = started(&certificate, directory.path()).await;
    let mut stream = certificate.dial(&server).await.expect("trusted");
    let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.expect("written");
    let mut answer = String::new();
    // Ends without an error: the server says that this is the end (close_notify), nobody has cut the line.
    soon("the answer", stream.read_to_string(&mut answer)).await.expect("read");
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("ready\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_never_reads_costs_the_others_nothing_behind_tls_either() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = started(&certificate, directory.path()).await;
    let (mut ann, mut deaf) =
        (certificate.client(&server).await, certificate.client(&server).await);
    let body = "x".repeat(60_000);
    for _ in 0..200 {
        // 12 MB, more than any socket holds.
        ann.send(json!({"op": "send", "to": deaf.id, "body": body})).await;
        ann.expect("accepted").await;
    }
    for seq in 1..=200 {
        let message = deaf.expect("message").await;
        assert_eq!((&message["seq"], &message["body"]), (&json!(seq), &json!(body)));
        deaf.send(json!({"op": "ack", "seq": seq})).await;
    }
}

#[tokio::test]
async fn a_drain_says_goodbye_through_tls_too() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = started(&certificate, directory.path()).await;
    let mut ann = certificate.client(&server).await;
    let stopping = tokio::spawn(server.stop());
    ann.expect("goaway").await;
    assert_eq!(ann.close_code().await, Some(1001));
    soon("the end", stopping).await.expect("no panic");
}

#[tokio::test]
async fn who_speaks_no_tls_or_does_not_go_on_is_cut_off() {
    let (certificate, directory) = (Certificate::new(), tempfile::tempdir().unwrap());
    certificate.write(directory.path());
    let server = Certificate::used_by(server(), directory.path()).set("connect_timeout", "300ms");
    let server = server.start().await;
    for said in [&b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"[..], b"", b"\x16\x03\x01"] {
        let mut stream = server.dial().await;
        stream.write_all(said).await.expect("written");
        let mut rest = Vec::new();
        let _cut = soon("the end", stream.read_to_end(&mut rest)).await;
        assert!(!rest.starts_with(b"HTTP"), "nothing is said in the clear");
    }
}

#[tokio::test]
async fn a_new_certificate_is_taken_over_and_a_bad_one_is_not() {
    let (old, new) = (Certificate::new(), Certificate::new());
    let directory = tempfile::tempdir().unwrap();
    let server = started(&old, directory.path()).await;
    let mut ann = old.client(&server).await;
    assert!(new.dial(&server).await.is_err());

    new.write(directory.path());
    server.reload(&[]).expect("a good certificate");
    assert!(old.dial(&server).await.is_err());
    let mut bob = new.client(&server).await;
    ann.send(json!({"op": "send", "to": bob.id, "body": "still here"})).await;
    assert_eq!(bob.expect("message").await["body"], "still here");

    std::fs::write(directory.path().join("cert.pem"), "nonsense").unwrap();
    let error = server.reload(&["limits.connections_per_ip=1"]).expect_err("a bad one");
    assert!(matches!(error, CertificateError::File { .. }), "{error}");
    let mut carl = new.client(&server).await;
    carl.round_trip().await; // of the configuration nothing was taken over
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let directory = tempfile::tempdir().unwrap();
    Certificate::new().write(directory.path());
    let config = |cert: &str, key: &str| {
        let path = |name: &str| directory.path().join(name).display().to_string();
        let set = [("tls.cert", path(cert)), ("tls.key", path(key))];
        let set = set.map(|(key, path)| format!("{key}={path}"));
        check_files(&configuration(directory.path(), &set)).map_err(|error| error.to_string())
    };
    assert_eq!(config("cert.pem", "key.pem"), Ok(()));
    let error = config("nowhere.pem", "key.pem").expect_err("it is not there");
    assert!(error.starts_with("cannot read a certificate from ") && error.contains("nowhere.pem"));
    let error = config("cert.pem", "cert.pem").expect_err("no key");
    assert!(error.starts_with("cannot read a private key from "), "{error}");
    let error = config("key.pem", "key.pem").expect_err("no certificate");
    assert!(error.starts_with("cannot read a certificate from "), "{error}");
    let other = Certificate::new();
    std::fs::rename(directory.path().join("cert.pem"), directory.path().join("old.pem")).unwrap();
    other.write(directory.path());
    let error = config("old.pem", "key.pem").expect_err("not together");
    assert!(error.contains("old.pem") && error.contains("cannot be used"), "{error}");
}
