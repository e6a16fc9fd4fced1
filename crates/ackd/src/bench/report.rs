//! Figures, as a table or as JSON.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

/// The figures of one run.
#[derive(Debug)]
pub(crate) struct Report {
    workload: &'static str,
    figures: Vec<(&'static str, f64, &'static str)>,
}

impl Report {
    /// Without figures yet.
    pub(crate) fn new(workload: &'static str) -> Self {
        Self { workload, figures: Vec::new() }
    }

    /// Adds a figure and its unit.
    pub(crate) fn add(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.figures.push((name, value, unit));
    }

    /// Adds the percentiles of times that were noted in microseconds.
    pub(crate) fn add_times(&mut self, names: [&'static str; 5], times: &Histogram<u64>) {
        for (name, percentile) in names.into_iter().zip([50.0, 90.0, 99.0, 99.9, 100.0]) {
            self.add(name, times.value_at_percentile(percentile) as f64 / 1000.0, "ms");
        }
    }

    /// A figure that was added.
    pub(crate) fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(other, ..)| *other == name).map(|(_, value, _)| *value)
    }

    /// Prints it on standard output.
    pub(crate) fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json());
            return;
        }
        println!("{}", self.workload);
        for (name, value, unit) in &self.figures {
            println!("  {name:<16} {:>14} {unit}", number(*value));
        }
    }

    fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("workload".to_owned(), json!(self.workload));
        for (name, value, _) in &self.figures {
            object.insert((*name).to_owned(), json!((value * 1000.0).round() / 1000.0));
        }
        Value::Object(object)
    }
}

/// Latencies from a send to its delivery.
pub(crate) const LATENCY: [&str; 5] = ["p50", "p90", "p99", "p99_9", "max"];

/// Whole numbers in groups of three, others with three digits.
fn number(value: f64) -> String {
    if value.fract() != 0.0 && value.abs() < 1000.0 {
        return format!("{value:.3}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_fractions_cut() {
        for (value, text) in
            [(1_234_567.0, "1,234,567"), (0.25, "0.250"), (12.0, "12"), (1234.5, "1,234")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn json_has_the_names_of_the_table() {
        let mut report = Report::new("direct");
        report.add("rate", 1234.56789, "messages/s");
        assert_eq!(report.json(), json!({"workload": "direct", "rate": 1234.568}));
    }
}
