//! The history of a run as text: what happened, line by line. The same plan gives the same bytes.

use std::fmt::{self, Write as _};

use ackd_wire::Millis;

/// The log of one run.
#[derive(Debug, Default)]
pub struct Log {
    text: String,
    step: u64,
    /// Milliseconds since the run began.
    time: Millis,
}

impl Log {
    /// What was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The last lines.
    pub fn tail(&self, lines: usize) -> &str {
        let start = self.text.rmatch_indices('\n').nth(lines).map_or(0, |(place, _)| place + 1);
        &self.text[start..]
    }

    /// Following lines belong to this step and time.
    pub(crate) fn at(&mut self, step: u64, time: Millis) {
        (self.step, self.time) = (step, time);
    }

    /// Appends a line.
    pub(crate) fn line(&mut self, what: fmt::Arguments<'_>) {
        let (step, time) = (self.step, self.time);
        let start = self.text.len();
        writeln!(self.text, "{step:>5} {time:>8} ms  {what}")
            .expect("a text takes what is written");
        if LINE_BYTES < self.text.len() - start {
            let bytes = self.text.len() - start;
            let mut cut = start + LINE_BYTES;
            while !self.text.is_char_boundary(cut) {
                cut -= 1;
            }
            self.text.truncate(cut);
            writeln!(self.text, "… ({bytes} bytes)").expect("a text takes what is written");
        }
    }
}

/// A line is cut there: bodies are long and say nothing.
const LINE_BYTES: usize = 260;

/// Writes a line to the log of whatever has one.
macro_rules! note {
    ($log:expr, $($what:tt)*) => {
        $log.line(format_args!($($what)*))
    };
}

pub(crate) use note;
