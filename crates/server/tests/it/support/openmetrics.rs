//! A strict reader of OpenMetrics 1.0: whatever the specification forbids and a scraper might forgive is a failure here.

use std::collections::{BTreeMap, HashSet};

/// Samples by name with labels, as `ackd_refused_total{code="gap"}`.
pub(crate) type Samples = BTreeMap<String, f64>;

/// A metric family as its metadata describe it.
#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: String,
    unit: String,
}

/// Reads a page, and panics where it is not valid.
pub(crate) fn read(page: &str) -> Samples {
    let body = page.strip_suffix("# EOF\n").expect("it ends with its mark, and nothing behind it");
    let (mut samples, mut families) = (Samples::new(), HashSet::new());
    let mut family = Family::default();
    for line in body.split_terminator('\n') {
        if let Some(metadata) = line.strip_prefix("# ") {
            describe(metadata, &mut family, &mut families);
        } else {
            let (key, value) = sample(line, &family);
            assert_eq!(samples.insert(key, value), None, "twice: {line}");
        }
    }
    for histogram in families.iter().filter(|name| samples.contains_key(&format!("{name}_count"))) {
        check_histogram(histogram, &samples);
    }
    samples
}

/// `HELP name text`, `TYPE name type`, `UNIT name unit`: all before the samples, no family twice.
fn describe(metadata: &str, family: &mut Family, families: &mut HashSet<String>) {
    let mut words = metadata.splitn(3, ' ');
    let (what, name) = (words.next().expect("a word"), words.next().expect("a name"));
    let rest = words.next().unwrap_or_default();
    if family.name != name {
        assert!(is_name(name) && families.insert(name.to_owned()), "a family of its own: {name}");
        *family = Family { name: name.to_owned(), ..Family::default() };
    }
    match what {
        "HELP" => assert!(!rest.is_empty() && !rest.contains('\\'), "{metadata}"),
        "TYPE" => rest.clone_into(&mut family.kind),
        "UNIT" => {
            assert!(name.ends_with(&format!("_{rest}")), "{name} ends with its unit");
            rest.clone_into(&mut family.unit);
        }
        other => panic!("no metadata: {other}"),
    }
}

fn sample(line: &str, family: &Family) -> (String, f64) {
    let (key, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = key.split_once('{').map_or((key, None), |(name, rest)| {
        (name, Some(rest.strip_suffix('}').expect("labels end")))
    });
    let suffix = name.strip_prefix(&family.name).unwrap_or_else(|| panic!("astray: {line}"));
    let suffixes: &[&str] = match &*family.kind {
        "gauge" => &[""],
        "counter" => &["_total"],
        "histogram" => &["_bucket", "_sum", "_count"],
        "info" => &["_info"],
        other => panic!("no type: {other:?} of {}", family.name),
    };
    assert!(suffixes.contains(&suffix), "{line} in a {}", family.kind);
    for label in labels.into_iter().flat_map(|labels| labels.split(',')) {
        let (label, text) = label.split_once('=').expect("a label's value");
        assert!(is_name(label), "{line}");
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        assert!(!text.expect("in quotation marks").contains(['"', '\\', '\n']), "{line}");
    }
    let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
    assert!(value.is_finite() && (0.0 <= value || family.kind == "gauge"), "{line}");
    (key.to_owned(), value)
}

/// Buckets are cumulative, in order, and the last holds all.
fn check_histogram(name: &str, samples: &Samples) {
    let prefix = format!("{name}_bucket{{le=\"");
    let buckets = samples.iter().filter_map(|(key, count)| {
        let bound = key.strip_prefix(&prefix)?.strip_suffix("\"}")?;
        Some((bound.parse::<f64>().expect("a bound"), *count))
    });
    let mut buckets: Vec<_> = buckets.collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{name}: {buckets:?}");
    let last = buckets.last().expect("a bucket");
    assert_eq!(*last, (f64::INFINITY, samples[&format!("{name}_count")]), "{name}");
    assert!(samples.contains_key(&format!("{name}_sum")), "{name}");
}

fn is_name(name: &str) -> bool {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.chars().all(letters)
}
