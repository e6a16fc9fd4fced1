//! `ackd bench`: loads a server and checks it while it measures: anything lost, double or out of order fails the run. It
//! is written to cost little beside the server (own event loop, no JSON library on the hot path), and reads
//! nothing of a server but its frames and, with `--pid`, what the system knows of the process.

mod connect;
mod direct;
mod encoding;
mod event_loop;
mod fan_out;
mod idle;
mod limits;
mod link;
mod offline;
mod pair;
mod process;
mod relay;
mod report;
mod restart;
mod room;
mod scan;
mod slow;
mod stopwatch;
mod template;

use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use self::encoding::Encoding;
use crate::failure::Usage;

/// Arguments of `ackd bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    workload: Workload,
}

#[derive(Debug, Subcommand)]
enum Workload {
    /// Senders to receivers that are here: accepted, delivered and acknowledged messages a second
    Direct(direct::DirectCommand),
    /// Messages to receivers that are away, then their delivery
    Offline(offline::OfflineArgs),
    /// One sender to the members of a room: deliveries a second
    FanOut(fan_out::FanOutArgs),
    /// Clients that come back with identity and token: connections a second
    Connect(connect::ConnectArgs),
    /// Durable members of a room who are away: memory of each, and what a send costs
    Room(room::RoomArgs),
    /// Consumers that stop reading: memory of each, and what others notice
    Slow(slow::SlowArgs),
    /// A server that is restarted under its clients: how they come back
    Restart(restart::RestartArgs),
    /// Connections that do nothing: memory of each
    Idle(idle::IdleArgs),
    /// What this machine can do: syncs of a file, and a relay that keeps nothing
    Limits(limits::LimitsArgs),
    /// A server that relays frames and keeps nothing, to compare with
    Relay(relay::RelayArgs),
}

/// Which server, and how the figures are printed.
#[derive(Debug, Clone, Args)]
pub(crate) struct TargetArgs {
    /// The server
    #[arg(long, value_name = "URL", env = "ACKD_URL", default_value = "ws://localhost:5000")]
    url: String,
    /// How frames are encoded
    #[arg(long, value_enum, default_value_t = Encoding::Json)]
    encoding: Encoding,
    /// Process of the server, on this machine: its CPU time and memory are measured too
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

/// Where to connect to, and what is spoken there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) encoding: Encoding,
}

impl TargetArgs {
    fn target(&self) -> anyhow::Result<Target> {
        Ok(Target { address: self.address()?, encoding: self.encoding })
    }

    fn address(&self) -> anyhow::Result<SocketAddr> {
        let usage = || Usage(format!("--url {}: must be like ws://host:port", self.url));
        let rest = ["ws://", "http://"].iter().find_map(|scheme| self.url.strip_prefix(scheme));
        let authority = rest.ok_or_else(usage)?.split('/').next().unwrap_or_default();
        let name =
            if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        let mut addresses =
            name.to_socket_addrs().with_context(|| format!("cannot find {name}"))?;
        addresses.next().ok_or_else(|| usage().into())
    }
}

/// Runs a workload.
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<()> {
    match &args.workload {
        Workload::Direct(args) => direct::run(args),
        Workload::Offline(args) => offline::run(args),
        Workload::FanOut(args) => fan_out::run(args),
        Workload::Connect(args) => connect::run(args),
        Workload::Room(args) => room::run(args),
        Workload::Slow(args) => slow::run(args),
        Workload::Restart(args) => restart::run(args),
        Workload::Idle(args) => idle::run(args),
        Workload::Limits(args) => limits::run(args),
        Workload::Relay(args) => relay::run(args),
    }
}
