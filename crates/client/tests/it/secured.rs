//! Behind TLS.

use ackd_client::{Client, ConnectError, DialError, Outgoing};
use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::real::{Real, id, message, text};

/// A server for `localhost`, and the certificate that it shows.
async fn secured() -> (Real, String) {
    let made = generate_simple_self_signed(["localhost".to_owned()]).expect("it is made");
    let CertifiedKey { cert, signing_key } = made;
    let files = tempfile::tempdir().expect("a directory");
    let (cert_path, key_path) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    std::fs::write(&cert_path, cert.pem()).expect("written");
    std::fs::write(&key_path, signing_key.serialize_pem()).expect("written");
    let set = |key: &str, path: &std::path::Path| format!("tls.{key}={}", path.display());
    let real = Real::start(&[&set("cert", &cert_path), &set("key", &key_path)]).await;
    (real, cert.pem())
}

#[tokio::test]
async fn messages_of_every_size_pass_through_tls() {
    let (real, certificate) = secured().await;
    let url = format!("wss://localhost:{}", real.address().port());
    let builder = || Client::builder(&url).trust_pem(certificate.clone());
    let (_bob, mut inbox) = builder().claim(id("bob")).connect().await.expect("let in");
    let (ann, _inbox) = builder().connect().await.expect("let in");
    for size in [0, 1, 1_000, 16_384, 60_000] {
        let body = "x".repeat(size);
        let outgoing = Outgoing::to("bob").expect("an ID").text(&body);
        ann.send(outgoing).await.await.expect("accepted");
        assert_eq!(text(&message(&mut inbox).await.body), body);
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let (real, certificate) = secured().await;
    let port = real.address().port();
    let other = generate_simple_self_signed(["localhost".to_owned()]).expect("it is made");
    let refused = [
        Client::builder(&format!("https://localhost:{port}")).trust_pem(other.cert.pem()),
        Client::builder(&format!("https://127.0.0.1:{port}")).trust_pem(certificate),
    ];
    for builder in refused {
        let error = builder.connect().await.expect_err("not trusted");
        assert!(matches!(error, ConnectError::Unreachable(DialError::Tls { .. })), "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_with_it() {
    let real = Real::start(&[]).await;
    let builder = Client::builder(&format!("https://localhost:{}", real.address().port()));
    let certificate = generate_simple_self_signed(["localhost".to_owned()]).expect("it is made");
    let error = builder.trust_pem(certificate.cert.pem()).connect().await.expect_err("no TLS");
    assert!(matches!(error, ConnectError::Unreachable(DialError::Tls { .. })), "{error}");
}
