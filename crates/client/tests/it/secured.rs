//! Behind TLS.

use ackd_client::{Client, ConnectError, DialError, Outgoing};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedKey, IsCa, Issuer, KeyPair,
    generate_simple_self_signed,
};

use crate::real::{Real, id, message, text};

/// A server for `localhost`, and the certificate that it shows.
async fn secured() -> (Real, String) {
    showing(&generate_simple_self_signed(["localhost".to_owned()]).expect("it is made")).await
}

async fn showing(made: &CertifiedKey<KeyPair>) -> (Real, String) {
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

fn authority() -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// As `openssl req -x509` makes them.
fn self_signed_authority() -> CertifiedKey<KeyPair> {
    let signing_key = KeyPair::generate().expect("made");
    let cert = authority().self_signed(&signing_key).expect("signed");
    CertifiedKey { cert, signing_key }
}

#[tokio::test]
async fn a_servers_own_certificate_is_trusted_for_its_names_though_it_calls_itself_an_authority() {
    let (real, certificate) = showing(&self_signed_authority()).await;
    let port = real.address().port();
    let at = |host: &str| {
        Client::builder(&format!("https://{host}:{port}")).trust_pem(certificate.clone())
    };
    at("localhost").connect().await.expect("let in");
    let error = at("127.0.0.1").connect().await.expect_err("another name").to_string();
    assert!(error.contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_certificate_that_an_authority_vouches_for_is_trusted() {
    let CertifiedKey { cert: root, signing_key: root_key } = self_signed_authority();
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.is_ca = IsCa::ExplicitNoCa;
    let signing_key = KeyPair::generate().expect("made");
    let issuer = Issuer::new(authority(), root_key);
    let cert = params.signed_by(&signing_key, &issuer).expect("signed");
    let (real, _) = showing(&CertifiedKey { cert, signing_key }).await;
    let url = format!("wss://localhost:{}", real.address().port());
    let trusting = |pem: String| Client::builder(&url).trust_pem(pem);
    trusting(root.pem()).connect().await.expect("let in");
    let other = self_signed_authority();
    assert!(trusting(other.cert.pem()).connect().await.is_err());
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
