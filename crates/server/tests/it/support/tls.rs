//! A certificate of the test's own, and a client that trusts nothing else.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::server::{Builder, Running, try_upgrade_on};
use super::{Client, soon, upgrade_request};

/// A certificate for `localhost`, with the name of nobody who could be asked about it.
pub(crate) struct Certificate {
    cert: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let made = generate_simple_self_signed(["localhost".to_owned()]).expect("it is made");
        let CertifiedKey { cert, signing_key } = made;
        Self { cert: cert.pem(), key: signing_key.serialize_pem(), der: cert.der().clone() }
    }

    /// Writes both files into this directory.
    pub(crate) fn write(&self, directory: &Path) {
        std::fs::write(directory.join("cert.pem"), &self.cert).expect("written");
        std::fs::write(directory.join("key.pem"), &self.key).expect("written");
    }

    /// A server that reads them there.
    pub(crate) fn used_by(server: Builder, directory: &Path) -> Builder {
        let path = |name| directory.join(name).display().to_string();
        server.set("tls.cert", path("cert.pem")).set("tls.key", path("key.pem"))
    }

    /// A connection of a client that trusts only this certificate.
    pub(crate) async fn dial(&self, server: &Running) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        let tcp = server.dial().await;
        soon("a handshake", connector.connect(name, tcp)).await
    }

    /// A v1 client with a new identity.
    pub(crate) async fn client(&self, server: &Running) -> Client {
        let stream = self.dial(server).await.expect("the certificate is trusted");
        let (answer, mut client) = try_upgrade_on(stream, &upgrade_request("/v1/ws")).await;
        assert_eq!(answer.status, 101, "{}", answer.head);
        client.connect(serde_json::json!({})).await;
        client
    }
}
