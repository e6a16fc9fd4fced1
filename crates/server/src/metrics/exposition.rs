//! The text of `/metrics`: OpenMetrics 1.0. Names and meanings are for dashboards and alerts, so they keep: docs/guides/run.md
//! tells what to watch.

use std::fmt;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::counters::Totals;
use super::histogram::{Buckets, Histogram};
use super::process::Process;
use super::{Look, Metrics, TurnedAway};

/// With which content type it is answered.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Metrics {
    /// Everything at this moment, as text.
    pub(crate) fn text(&self, look: Look) -> String {
        let snapshot = Snapshot {
            totals: self.workers.totals(),
            opened: self.opened.load(Ordering::Relaxed),
            turned_away: TurnedAway::ALL
                .map(|why| (why, self.turned_away[why as usize].load(Ordering::Relaxed))),
            archived: self.archived.load(Ordering::Relaxed),
            commits: Histogram::sum(std::iter::once(&self.commits), MICROSECONDS),
            answers: Histogram::sum(std::iter::once(&self.answers), 1.0),
            look,
            process: Process::read(),
        };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(snapshot));
        let mut text = String::new();
        text::encode(&mut text, &registry).expect("writing to a String does not fail");
        text
    }
}

/// All figures at one moment.
#[derive(Debug)]
struct Snapshot {
    totals: Totals,
    opened: u64,
    turned_away: [(TurnedAway, u64); TurnedAway::ALL.len()],
    archived: u64,
    commits: Buckets,
    answers: Buckets,
    look: Look,
    process: Process,
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        page.info()?;
        self.connections(&mut page)?;
        self.messages(&mut page)?;
        self.store(&mut page)?;
        self.process(&mut page)
    }
}

impl Snapshot {
    fn connections(&self, page: &mut Page<'_>) -> fmt::Result {
        let connections = self.look.connections as u64;
        page.gauge("ackd_connections", "WebSockets that are open", None, connections)?;
        page.counter("ackd_connections_opened", "WebSockets that were opened", self.opened)?;
        let turned_away = self.turned_away.iter().map(|(why, count)| (why.as_str(), *count));
        let help = "WebSockets that were not opened, by reason";
        page.counters("ackd_connections_turned_away", help, "reason", turned_away)
    }

    fn messages(&self, page: &mut Page<'_>) -> fmt::Result {
        let Totals { accepted, repeated, delivered, redelivered, refused, acked } = &self.totals;
        page.counter("ackd_messages_accepted", "Sends that were accepted", *accepted)?;
        let help = "Sends that had been accepted before and were answered again";
        page.counter("ackd_messages_repeated", help, *repeated)?;
        page.counter("ackd_messages_delivered", "First deliveries", *delivered)?;
        page.counter("ackd_messages_redelivered", "Deliveries after the first", *redelivered)?;
        page.counter("ackd_messages_acked", "Deliveries that were acknowledged", acked.count())?;
        let help = "Messages that began to wait: their recipient away, gone or late";
        page.counter("ackd_messages_archived", help, self.archived)?;
        let refused = refused.iter().map(|(code, count)| (code.as_str(), *count));
        page.counters("ackd_refused", "Errors that clients were told, by code", "code", refused)?;
        let help = "From a message's being accepted to its being acknowledged";
        page.histogram("ackd_send_to_ack", help, Some(&Unit::Seconds), acked)
    }

    fn store(&self, page: &mut Page<'_>) -> fmt::Result {
        let (store, bytes) = (&self.look.store, Some(&Unit::Bytes));
        let help = "Write and sync of a commit that somebody waits for";
        page.histogram("ackd_commit", help, Some(&Unit::Seconds), &self.commits)?;
        page.histogram(
            "ackd_commit_answers",
            "Answers that one commit gives",
            None,
            &self.answers,
        )?;
        self.waiting(page)?;
        page.gauge("ackd_dead_messages", "Dead letters", None, store.dead as u64)?;
        page.gauge("ackd_identities", "Identities in the store", None, store.identities as u64)?;
        page.gauge("ackd_outboxes", "Outboxes in the store", None, store.outboxes as u64)?;
        let journal = store.journal_bytes + store.spare_bytes;
        page.gauge("ackd_journal", "The journal on disk, with its spares", bytes, journal)?;
        page.gauge("ackd_archive", "The archive on disk", bytes, store.archive_bytes)?;
        let help = "The store on disk: journal and archive";
        page.gauge("ackd_store", help, bytes, journal + store.archive_bytes)?;
        let help = "1 while the store takes writes, 0 after a failure or while the disk is full";
        let writable = !store.poisoned && !store.disk_full;
        page.gauge("ackd_store_writable", help, None, u64::from(writable))
    }

    /// What is in mailboxes.
    fn waiting(&self, page: &mut Page<'_>) -> fmt::Result {
        let (store, bytes) = (&self.look.store, Some(&Unit::Bytes));
        page.gauge("ackd_waiting_messages", "Messages in the store", None, store.messages)?;
        let help = "Of ackd_waiting_messages, those in memory; the others are in the archive";
        page.gauge("ackd_index_messages", help, None, store.in_memory)?;
        let help = "Memory that they take, about; the key index_bytes bounds it";
        page.gauge("ackd_index", help, bytes, store.index_bytes)?;
        page.gauge(
            "ackd_waiting",
            "Names and bodies of messages in the store",
            bytes,
            store.bytes,
        )?;
        let help = "Of ackd_waiting_bytes, for names nobody holds";
        page.gauge("ackd_unclaimed", help, bytes, store.unclaimed_bytes)
    }

    /// Under the names that every exporter uses.
    fn process(&self, page: &mut Page<'_>) -> fmt::Result {
        let Process { cpu_seconds, resident_bytes, open_files, open_files_max } = self.process;
        if let Some(seconds) = cpu_seconds {
            page.seconds("process_cpu", "CPU time used", seconds)?;
        }
        let gauges = [
            ("process_resident_memory", "Resident memory", Some(&Unit::Bytes), resident_bytes),
            ("process_open_fds", "Open files", None, open_files),
            ("process_max_fds", "The limit of open files", None, open_files_max),
        ];
        for (name, help, unit, value) in gauges {
            if let Some(value) = value {
                page.gauge(name, help, unit, value)?;
            }
        }
        Ok(())
    }
}

/// The page being written. The library adds units and `_total` to the names.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn info(&mut self) -> fmt::Result {
        let labels = [("version", env!("CARGO_PKG_VERSION"))];
        let mut metric =
            self.0.encode_descriptor("ackd", "This program", None, MetricType::Info)?;
        metric.encode_info(&labels)
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        metric.encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn seconds(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        let unit = Some(&Unit::Seconds);
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// One counter for each value of a label.
    fn counters<'v>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl Iterator<Item = (&'v str, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value, count) in values {
            let labels = [(label, value)];
            let mut metric = family.encode_family(&labels)?;
            metric.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        buckets: &Buckets,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(buckets.sum, buckets.count(), &buckets.counts, None)
    }
}

const MICROSECONDS: f64 = 1_000_000.0;
