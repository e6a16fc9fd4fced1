//! What an error means for the exit status: 2 for wrong usage or configuration, else 1.

use std::process::ExitCode;

use ackd_server::config::ConfigError;
use ackd_server::{CertificateError, StartError};

/// Wrong usage that only shows when a command runs. One sentence, with what to do.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The exit status for an error.
pub(crate) fn status(error: &anyhow::Error) -> ExitCode {
    let is_usage = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<Usage>()
            || cause.is::<ConfigError>()
            || cause.is::<CertificateError>()
            || matches!(cause.downcast_ref(), Some(StartError::Certificate(_)))
    };
    if error.chain().any(is_usage) { ExitCode::from(2) } else { ExitCode::FAILURE }
}
