//! Log lines of the server: to standard error, for people or as JSON.

use std::io::{self, IsTerminal as _};

use ackd_server::config::{Level, Log, LogFormat};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt, reload};

/// The level of a running log.
#[derive(Debug)]
pub(crate) struct LogLevel(reload::Handle<LevelFilter, Registry>);

/// Starts logging, for the whole process.
pub(crate) fn start(log: &Log) -> LogLevel {
    let (level, handle) = reload::Layer::new(filter(log.level));
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match log.format {
        LogFormat::Pretty => lines.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(level).with(lines).init();
    LogLevel(handle)
}

impl LogLevel {
    /// Another level from now on.
    pub(crate) fn change(&self, level: Level) {
        self.0.reload(filter(level)).expect("the subscriber lives as long as the process");
    }
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}
