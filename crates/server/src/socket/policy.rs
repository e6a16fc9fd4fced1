//! What an operator may change while the server runs: who is let in, how fast a client may speak, the certificate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::RwLock;
use tokio_rustls::TlsAcceptor;

use super::rate::RateLimit;
use crate::config::{Origins, Secret};

/// The present terms. Looked at for each new connection; the rate for each read.
#[derive(Debug)]
pub(crate) struct Policy {
    terms: RwLock<Arc<Terms>>,
    frames_per_second: AtomicU32,
}

/// What holds for connections that begin now.
pub(crate) struct Terms {
    /// Web pages that may connect.
    pub(crate) origins: Origins,
    /// What an operator shows; `None`: being on this machine is enough.
    pub(crate) token: Option<Secret>,
    /// Speaks TLS, where there is a certificate.
    pub(crate) tls: Option<TlsAcceptor>,
}

impl Policy {
    pub(crate) fn new(terms: Terms, frames_per_second: u32) -> Self {
        let frames_per_second = AtomicU32::new(frames_per_second);
        Self { terms: RwLock::new(Arc::new(terms)), frames_per_second }
    }

    /// Other terms from now on.
    pub(crate) fn change(&self, terms: Terms, frames_per_second: u32) {
        *self.terms.write() = Arc::new(terms);
        self.frames_per_second.store(frames_per_second, Ordering::Relaxed);
    }

    pub(super) fn terms(&self) -> Arc<Terms> {
        self.terms.read().clone()
    }

    pub(super) fn tls(&self) -> Option<TlsAcceptor> {
        self.terms.read().tls.clone()
    }

    pub(super) fn rate_limit(&self) -> RateLimit {
        RateLimit::new(self.frames_per_second.load(Ordering::Relaxed))
    }
}

impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { origins, token, tls } = self;
        let terms = &mut f.debug_struct("Terms");
        terms.field("origins", origins).field("token", token).field("tls", &tls.is_some()).finish()
    }
}
