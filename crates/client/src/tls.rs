//! TLS by rustls: which authorities are trusted, and the handshake.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::TlsError;
use crate::stream::Stream;

/// What handshakes are made with.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(…)")
    }
}

impl Tls {
    /// Trusts the authorities of a PEM text, or, without one, the system's.
    pub(crate) fn new(authorities: Option<&[u8]>) -> Result<Self, TlsError> {
        let roots = match authorities {
            Some(pem) => given(pem)?,
            None => systems()?,
        };
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // HTTP/2 has no upgrade: a proxy in front must not choose it.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Shakes hands as the client of `host`.
    pub(crate) async fn shake_hands(&self, host: &str, stream: TcpStream) -> io::Result<Stream> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        Ok(Stream::Tls(Box::new(self.0.connect(name, stream).await?)))
    }
}

fn given(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| TlsError::Authorities(error.to_string()))?;
        roots.add(certificate).map_err(|error| TlsError::Authorities(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(TlsError::Authorities("there is no certificate in it".to_owned()));
    }
    Ok(roots)
}

fn systems() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let loaded = rustls_native_certs::load_native_certs();
    // Some system stores hold certificates that are none; the rest is good all the same.
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        return Err(TlsError::NoSystemAuthorities);
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_certificate_is_told() {
        let error = Tls::new(Some(b"no PEM")).expect_err("nothing to trust").to_string();
        assert!(error.contains("there is no certificate in it"), "{error}");
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(Tls::new(Some(broken)), Err(TlsError::Authorities(_))));
    }
}
