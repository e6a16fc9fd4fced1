//! `ackd bench restart`: a server with many clients is killed, or drained, and started again. The clients are those of the
//! Rust client library, each with an outbox; they send before, into and after the restart, and each message must arrive
//! once and in order. How they come back is what is measured. The server is started, and ended, by this workload.

mod child;
mod clients;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use self::child::Child;
use self::clients::{Clients, Comeback};
use super::process;
use super::report::Report;
use super::stopwatch::Stopwatch;

/// Arguments of `ackd bench restart`.
#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    /// Clients, each of which sends to another; an even number
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..))]
    clients: u32,
    /// How the server ends
    #[arg(long, value_enum, default_value_t = End::Kill)]
    end: End,
    /// Milliseconds until it is started again
    #[arg(long, default_value_t = 500)]
    pause: u64,
    /// Data directory for the server; with clients that an earlier run has made if it is not empty
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
}

/// How a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum End {
    /// `kill -9`
    Kill,
    /// SIGTERM: it drains
    Drain,
}

/// Runs it and prints the figures.
pub(crate) fn run(args: &RestartArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start")?.block_on(measure(args))?.print(args.json);
    Ok(())
}

async fn measure(args: &RestartArgs) -> anyhow::Result<Report> {
    let clock = Stopwatch::start();
    let mut report = Report::new("restart");
    let mut server = Child::start(&args.data_dir, "127.0.0.1:0").await?;
    let count = args.clients.next_multiple_of(2) as usize;
    let mut clients = Clients::enter(server.url(), count, clock).await?;
    report.add("clients", count as f64, "");
    clients.send(1).await;
    clients.wait_for_messages(1).await?;

    clients.send(2).await; // into the restart: nobody waits for the answers
    let (ended, mut went) = (clock.elapsed(), clock.elapsed());
    let address = server.address().to_owned();
    match args.end {
        End::Kill => server.kill()?,
        End::Drain => {
            server = server.drain().await?;
            went = clock.elapsed();
        }
    }
    tokio::time::sleep(Duration::from_millis(args.pause)).await; // the server is away
    drop(server);
    let server = Child::start(&args.data_dir, &address).await?;
    let there = clock.elapsed();
    clients.wait_until_back().await?;
    let back = clock.elapsed();

    clients.send(3).await;
    clients.wait_for_messages(3).await?;
    clients.wait_for_answers().await?;
    report.add("drained_in", went.saturating_sub(ended).as_secs_f64(), "s");
    report.add("away_for", there.saturating_sub(ended).as_secs_f64(), "s");
    report.add("all_back", back.saturating_sub(there).as_secs_f64(), "s after it listens");
    add_comebacks(&mut report, clients.comebacks(), there);
    report.add("delivered", clients.delivered() as f64, "messages");
    report.add("server_rss", process::usage(server.pid())?.rss_bytes as f64 / 1_048_576.0, "MiB");
    clients.close().await;
    server.drain().await?;
    Ok(report)
}

/// How the comebacks lie in time.
fn add_comebacks(report: &mut Report, comebacks: &[Comeback], there: Duration) {
    let mut waits: Vec<Duration> =
        comebacks.iter().map(|back| back.at.saturating_sub(back.left)).collect();
    waits.sort_unstable();
    let mut at: Vec<Duration> =
        comebacks.iter().map(|back| back.at.saturating_sub(there)).collect();
    at.sort_unstable();
    report.add("comebacks", comebacks.len() as f64, "");
    let part = |sorted: &[Duration], percent: usize| {
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).map_or(0.0, Duration::as_secs_f64)
    };
    report.add("back_p10", part(&at, 10), "s after it listens");
    report.add("back_p50", part(&at, 50), "s after it listens");
    report.add("back_p90", part(&at, 90), "s after it listens");
    report.add("wait_min", part(&waits, 0), "s without connection");
    report.add("wait_p50", part(&waits, 50), "s without connection");
    report.add("wait_max", part(&waits, 100), "s without connection");
    report.add("peak", busiest(&at, Duration::from_secs(1)) as f64, "comebacks in a second");
    let peak = busiest(&at, Duration::from_millis(100));
    report.add("peak_100ms", peak as f64, "comebacks in 100 ms");
}

/// Most of them within a span, wherever it begins.
fn busiest(sorted: &[Duration], span: Duration) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, at) in sorted.iter().enumerate() {
        while sorted[first] + span <= *at {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_span_begins_anywhere() {
        let at = [0, 90, 95, 110, 189, 190, 400].map(Duration::from_millis);
        assert_eq!(busiest(&at, Duration::from_millis(100)), 4);
        assert_eq!(busiest(&at, Duration::from_secs(1)), 7);
        assert_eq!(busiest(&[], Duration::from_secs(1)), 0);
    }
}
