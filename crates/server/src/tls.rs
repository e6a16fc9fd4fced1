//! The certificate: from PEM files to what speaks TLS. Sockets are not touched here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error as RustlsError, ServerConfig};

use crate::config::Tls;

/// Why TLS cannot be spoken with these files. Correct them, or the keys that name them; after SIGHUP the certificate
/// from before stays in use.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or holds no such thing.
    #[error("cannot read {what} from {}: {error}", .path.display())]
    File {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        error: pem::Error,
    },
    /// Both can be read, but not used, or not together.
    #[error("the certificate {} and the key {} cannot be used: {error}", .cert.display(), .key.display())]
    Unusable {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of its key.
        key: PathBuf,
        /// Why.
        error: RustlsError,
    },
}

/// Reads certificate and key, and sees that they belong together.
pub(crate) fn load(tls: &Tls) -> Result<TlsAcceptor, CertificateError> {
    let certificates = certificates(&tls.cert).map_err(fault("a certificate", &tls.cert))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(fault("a private key", &tls.key))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .and_then(|mut config| {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            // Whoever comes back after a cut line is spared half the handshake, also when all come back at once.
            config.ticketer = ring::Ticketer::new()?;
            Ok(config)
        });
    let (cert, key) = (tls.cert.clone(), tls.key.clone());
    let config = config.map_err(|error| CertificateError::Unusable { cert, key, error })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?;
    if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) }
}

fn fault(what: &'static str, path: &Path) -> impl FnOnce(pem::Error) -> CertificateError {
    move |error| CertificateError::File { what, path: path.to_owned(), error }
}
