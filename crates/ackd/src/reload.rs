//! SIGHUP: the configuration is read again from the same file, environment and flags. What a running server can take over
//! is taken over, the rest is named; a bad configuration changes nothing.

use ackd_server::Server;
use ackd_server::config::{Change, Changes, Raw};

use crate::config::ConfigArgs;
use crate::logging::LogLevel;

/// What is in force, and where it came from.
#[derive(Debug)]
pub(crate) struct InForce<'a> {
    pub(crate) args: &'a ConfigArgs,
    pub(crate) raw: Raw,
    pub(crate) level: LogLevel,
}

impl InForce<'_> {
    /// Reads the configuration again, and says in the log what came of it.
    pub(crate) fn reload(&mut self, server: &Server) {
        match self.take_over(server) {
            Ok((changes, certificate)) => report(&changes, certificate),
            Err(error) => {
                tracing::error!("nothing was reloaded, all stays as it was: {error:#}");
            }
        }
    }

    /// What has changed, and whether there is a certificate, which was read again.
    fn take_over(&mut self, server: &Server) -> anyhow::Result<(Changes, bool)> {
        let new = self.args.raw()?;
        new.check()?;
        let mut raw = self.raw.clone();
        let changes = raw.adopt(&new);
        let config = raw.check()?;
        server.reload(&config)?;
        self.level.change(config.log.level);
        self.raw = raw;
        Ok((changes, config.tls.is_some()))
    }
}

fn report(changes: &Changes, certificate: bool) {
    let certificate = certificate.then_some("read again");
    let list = |changes: &[Change]| {
        let texts: Vec<_> = changes.iter().map(Change::to_string).collect();
        texts.join(", ")
    };
    if changes.applied.is_empty() {
        tracing::info!(
            certificate,
            "reloaded; no key has changed that a running server takes over"
        );
    } else {
        tracing::info!(certificate, changed = list(&changes.applied), "reloaded");
    }
    if !changes.at_restart.is_empty() {
        tracing::warn!(changed = list(&changes.at_restart), "not before the next start");
    }
}
