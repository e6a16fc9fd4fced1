//! `ackd serve`: runs the server until it is told to stop.

use std::net::SocketAddr;

use ackd_server::Server;
use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::ConfigArgs;
use crate::logging;

pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<()> {
    let config = args.load()?;
    logging::start(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let is_first_start = !config.data_dir.exists();
        let stop = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
        let listen = config.listen;
        let server = Server::start(config)
            .await
            .with_context(|| format!("cannot start the server on {listen}"))?;
        let address = server.local_addr();
        println!("listening on http://{address}");
        if is_first_start {
            print!("{}", next_steps(address));
        }
        server.run_until(any(stop)).await.context("the server failed")
    })
}

/// Resolves with the first of the signals.
async fn any([mut terminate, mut interrupt]: [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// What a newcomer does next.
fn next_steps(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    let url =
        if host == "localhost:5000" { String::new() } else { format!(" --url http://{host}") };
    format!(
        "\nThis is its first start. Next:\n\
         \x20 open http://{host}\n\
         \x20 ackd listen{url} --claim ann\n\
         \x20 ackd send{url} --to ann hello\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_steps_name_a_url_that_can_be_typed() {
        let plain = next_steps("0.0.0.0:5000".parse().expect("an address"));
        assert!(plain.contains("open http://localhost:5000\n"), "{plain}");
        assert!(plain.contains("ackd send --to ann hello\n"), "{plain}");
        let other = next_steps("127.0.0.1:7".parse().expect("an address"));
        assert!(other.contains("ackd listen --url http://127.0.0.1:7 --claim ann\n"), "{other}");
    }
}
