//! `ackd health`: asks a server how it is, for container health checks and scripts, which then need no other program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ackd_client::{Operator, OperatorError};
use ackd_server::config::{Config, parse_duration};
use anyhow::{anyhow, bail};
use clap::Args;

use crate::config::ConfigArgs;
use crate::connection::runtime;
use crate::failure::Usage;

/// Which server, and what is asked.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// The server [default: the one that this configuration starts, on this machine]
    #[arg(long, value_name = "URL", env = "ACKD_URL")]
    url: Option<String>,
    /// Asks whether it lives (/healthz), not whether it takes clients (/readyz)
    #[arg(long)]
    live: bool,
    /// How long it may take to answer
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = patience)]
    timeout: Duration,
    /// Trusts the certificates in this PEM file (of authorities, or the server's own), in place of the system's
    #[arg(long, value_name = "FILE", env = "ACKD_CA")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

fn patience(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "a duration as \"3s\" (ms, s, m, h, d)".to_owned())
}

pub(crate) fn run(args: &HealthArgs) -> anyhow::Result<()> {
    let url = match &args.url {
        Some(url) => url.clone(),
        None => own_url(&args.config.load()?),
    };
    let said = runtime()?.block_on(async {
        let asking = tokio::time::timeout(args.timeout, args.ask(&url));
        asking.await.map_err(|_| anyhow!("{url} does not answer in time"))?
    })?;
    println!("{said}");
    Ok(())
}

impl HealthArgs {
    /// What it says, if it is well.
    async fn ask(&self, url: &str) -> anyhow::Result<String> {
        let authorities = self.ca.as_ref().map(|path| {
            std::fs::read(path)
                .map_err(|error| Usage(format!("cannot read --ca {}: {error}", path.display())))
        });
        let operator = Operator::new(url, authorities.transpose()?.as_deref(), None);
        let path = if self.live { "/healthz" } else { "/readyz" };
        let asked = async { operator?.get(path).await };
        let mut answer = asked.await.map_err(|error| match error {
            OperatorError::Address(error) => Usage(format!("--url {url}: {error}")).into(),
            error => anyhow!("{error}"),
        })?;
        let mut said = Vec::new();
        while let Some(bytes) = answer.next().await? {
            said.extend_from_slice(&bytes);
            if SAID_MAX < said.len() {
                bail!("{url} is no ackd server");
            }
        }
        let said = String::from_utf8_lossy(&said).trim_end().to_owned();
        match answer.status {
            200 => Ok(said),
            404 => bail!("{url} is no ackd server"),
            status => bail!("{url}: HTTP {status}, {said}"),
        }
    }
}

/// Where a server of this configuration is reached on its own machine.
fn own_url(config: &Config) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let address = match config.listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("{scheme}://{}", SocketAddr::new(address, config.listen.port()))
}

/// No ackd server says more.
const SAID_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use ackd_server::config::{Flags, Raw, Sources};

    use super::*;

    #[test]
    fn the_server_of_a_configuration_is_asked_where_it_listens() {
        let url = |listen: &str| {
            let flags = Flags { listen: Some(listen.to_owned()), ..Flags::default() };
            let raw = Raw::gather(&Sources { flags, ..Sources::default() }).expect("known keys");
            own_url(&raw.check().expect("valid"))
        };
        assert_eq!(url("0.0.0.0:7"), "http://127.0.0.1:7");
        assert_eq!(url("[::]:7"), "http://[::1]:7");
        assert_eq!(url("10.0.0.1:7"), "http://10.0.0.1:7");
    }
}
