//! `ackd serve`: runs the server until it is told to stop.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use ackd_server::Server;
use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::ConfigArgs;
use crate::reload::InForce;
use crate::{logging, open_files, supervisor};

pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<()> {
    let raw = args.raw()?;
    let config = raw.check()?;
    let level = logging::start(&config.log);
    open_files::raise(config.limits.connections);
    let mut in_force = InForce { args, raw, level };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let is_first_start = !config.data_dir.exists();
        let mut stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        let mut hangup = signal(SignalKind::hangup())?;
        let (listen, scheme) = (config.listen, if config.tls.is_some() { "https" } else { "http" });
        let server = Server::start(config)
            .await
            .with_context(|| format!("cannot start the server on {listen}"))?;
        let address = server.local_addr();
        let mut ready = format!("listening on {scheme}://{address}\n");
        if is_first_start {
            ready += &next_steps(scheme, address);
        }
        // Whoever started it may read no more than it needs, or nothing: that ends no server.
        let _unread = io::stdout().write_all(ready.as_bytes());
        tokio::spawn(supervisor::watch(server.pulse()));
        supervisor::ready();
        while let Next::Reload = next(&mut stop, &mut hangup).await {
            supervisor::reloading();
            in_force.reload(&server);
            supervisor::ready();
        }
        supervisor::stopping();
        let hurry = async { while let Next::Reload = next(&mut stop, &mut hangup).await {} };
        server.shutdown_hurried_by(hurry).await.context("the server failed")
    })
}

/// What a signal asks for.
enum Next {
    Reload,
    Stop,
}

async fn next([terminate, interrupt]: &mut [Signal; 2], hangup: &mut Signal) -> Next {
    tokio::select! {
        _ = terminate.recv() => Next::Stop,
        _ = interrupt.recv() => Next::Stop,
        _ = hangup.recv() => Next::Reload,
    }
}

/// What a newcomer does next.
fn next_steps(scheme: &str, address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    let is_default = (scheme, &*host) == ("http", "localhost:5000");
    let url = if is_default { String::new() } else { format!(" --url {scheme}://{host}") };
    format!(
        "\nThis is its first start. Next:\n\
         \x20 open {scheme}://{host}\n\
         \x20 ackd listen{url} --name ann\n\
         \x20 ackd send{url} --to ann hello\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_steps_name_a_url_that_can_be_typed() {
        let plain = next_steps("http", "0.0.0.0:5000".parse().expect("an address"));
        assert!(plain.contains("open http://localhost:5000\n"), "{plain}");
        assert!(plain.contains("ackd send --to ann hello\n"), "{plain}");
        let other = next_steps("http", "127.0.0.1:7".parse().expect("an address"));
        assert!(other.contains("ackd listen --url http://127.0.0.1:7 --name ann\n"), "{other}");
    }
}
