//! What is logged on one test's thread, where the whole server runs but for the engine's threads. One subscriber serves
//! all tests of this process: `tracing` caches for each place in the code whether anybody listens, and with a subscriber
//! for each test, which come and go while others log, that memory is now and then wrong.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, Once};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry;

/// The lines of one thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// While it lives, its thread's lines are kept.
pub(crate) struct Capture(());

thread_local! {
    static CAPTURED: RefCell<Option<(Level, Log)>> = const { RefCell::new(None) };
}

/// Has every later log line pass by here. Before anything of the server runs in this process.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let lines = fmt::layer().with_ansi(false).without_time().with_target(false);
        let lines = lines.with_writer(ThisThread).with_filter(dynamic_filter_fn(is_captured));
        let subscriber = registry().with(lines);
        tracing::subscriber::set_global_default(subscriber).expect("nobody else sets one");
    });
}

fn is_captured<S>(metadata: &Metadata<'_>, _: &tracing_subscriber::layer::Context<'_, S>) -> bool {
    CAPTURED.with_borrow(|captured| {
        captured.as_ref().is_some_and(|(level, _)| metadata.level() <= level)
    })
}

impl Log {
    /// Keeps what is logged on this thread up to this level.
    pub(crate) fn capture(level: Level) -> (Self, Capture) {
        install();
        let log = Self::default();
        CAPTURED.set(Some((level, log.clone())));
        (log, Capture(()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("whole").clone()).expect("UTF-8")
    }

    /// The lines that say this, in order.
    pub(crate) fn lines(&self, what: &str) -> Vec<String> {
        let text = self.text();
        text.lines().filter(|line| line.contains(what)).map(str::to_owned).collect()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        CAPTURED.set(None);
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("whole").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes where this thread's lines are kept.
struct ThisThread;

impl MakeWriter<'_> for ThisThread {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        CAPTURED.with_borrow(|captured| {
            captured.as_ref().map(|(_, log)| log.clone()).unwrap_or_default()
        })
    }
}
