//! What the archive does with 2 million waiting messages: entries of 160 bytes in 10,000 logs, written in sorted batches
//! of 4,096 with a sync every 64 batches, opened anew, read log by log and removed as they are read.
//!
//! `cargo run --release -p ackd-engine --example archive_speed -- DIRECTORY [ENTRIES]` (it makes and removes files there)

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ackd_engine::{Archive, ArchiveBatch, FjallArchive, FjallOptions};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const LOGS: u64 = 10_000;
const BATCH: usize = 4_096;
const BATCHES_A_SYNC: u64 = 64;
const BODY_BYTES: usize = 160;

fn main() -> Fallible<()> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = arguments.next().map_or_else(|| "archive-speed".into(), PathBuf::from);
    let entries = match arguments.next() {
        Some(number) => number.to_str().ok_or("a number")?.parse()?,
        None => 2_000_000,
    };
    let archive = open(&directory)?;
    measure("load", entries, &archive, || load(&archive, entries))?;
    drop(archive);
    let archive = open(&directory)?;
    measure("read", entries, &archive, || drain(&archive, entries, false))?;
    measure("drain", entries, &archive, || drain(&archive, entries, true))?;
    measure("compact", entries, &archive, || Ok(archive.compact()?))?;
    drop(archive);
    drop(open(&directory)?);
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}

fn open(directory: &Path) -> Fallible<FjallArchive> {
    let begin = now();
    let archive = FjallArchive::open(directory, FjallOptions::default())?;
    println!("open:    {:8.3} s", begin.elapsed().as_secs_f64());
    Ok(archive)
}

fn measure(
    what: &str,
    entries: u64,
    archive: &FjallArchive,
    work: impl FnOnce() -> Fallible<()>,
) -> Fallible<()> {
    let (begin, cpu) = (now(), cpu_seconds());
    work()?;
    let (seconds, cpu) = (begin.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let usage = archive.usage();
    println!(
        "{what:8} {seconds:8.3} s, {:9.0} entries/s, {:5.2} µs of CPU an entry; {:5} MB on the disk; in memory {:3} MiB by its count, {:3} MiB RSS at most",
        entries as f64 / seconds,
        cpu * 1e6 / entries as f64,
        usage.disk_bytes / 1_000_000,
        usage.memory_bytes >> 20,
        peak_bytes() >> 20,
    );
    Ok(())
}

/// Writes what is due log by log, as the engine does: each round brings a few entries to each of many logs.
fn load(archive: &FjallArchive, entries: u64) -> Fallible<()> {
    let mut writer = Writer { archive, batch: ArchiveBatch::new(), batches: 0 };
    let a_round = 10;
    let mut seed = 1;
    for round in 0..entries / LOGS / a_round {
        for log in 0..LOGS {
            for seq in 0..a_round {
                let body = body(&mut seed);
                writer.batch.put(&key(log, round * a_round + seq), &body);
                writer.write_if_full()?;
            }
        }
    }
    writer.finish()
}

/// Reads each log from its low-water mark, and removes what it read.
fn drain(archive: &FjallArchive, entries: u64, remove: bool) -> Fallible<()> {
    let mut writer = Writer { archive, batch: ArchiveBatch::new(), batches: 0 };
    let mut read = 0;
    for log in 0..LOGS {
        let mut keys = Vec::new();
        let mut each = |key: &[u8], value: &[u8]| {
            read += u64::from(value.len() == BODY_BYTES);
            if remove {
                keys.push(<[u8; 17]>::try_from(key).expect("a key of ours"));
            }
            ControlFlow::Continue(())
        };
        archive.scan(&key(log, 0), &key(log + 1, 0), &mut each)?;
        for key in keys {
            writer.batch.remove(&key);
            writer.write_if_full()?;
        }
    }
    if read != entries {
        return Err(format!("{read} entries were there").into());
    }
    writer.finish()
}

struct Writer<'a> {
    archive: &'a FjallArchive,
    batch: ArchiveBatch,
    batches: u64,
}

impl Writer<'_> {
    fn write_if_full(&mut self) -> Fallible<()> {
        if self.batch.len() < BATCH {
            return Ok(());
        }
        self.archive.write(&mut self.batch)?;
        self.batches += 1;
        if self.batches.is_multiple_of(BATCHES_A_SYNC) {
            self.archive.sync()?;
        }
        Ok(())
    }

    fn finish(mut self) -> Fallible<()> {
        self.archive.write(&mut self.batch)?;
        Ok(self.archive.sync()?)
    }
}

/// In the order of log and seq: one byte for the kind, both numbers big-endian.
fn key(log: u64, seq: u64) -> [u8; 17] {
    let mut key = [7; 17];
    key[1..9].copy_from_slice(&log.to_be_bytes());
    key[9..].copy_from_slice(&seq.to_be_bytes());
    key
}

/// A header of bytes by chance, as IDs are, and text.
fn body(seed: &mut u64) -> [u8; BODY_BYTES] {
    let mut body = [0; BODY_BYTES];
    let text =
        b"{\"type\":\"chat\",\"text\":\"are you there?\",\"at\":1795478400000,\"from\":\"ann\"} ";
    for (at, byte) in body[32..].iter_mut().enumerate() {
        *byte = text[at % text.len()];
    }
    for eight in body[..32].chunks_mut(8) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        eight.copy_from_slice(&seed.to_le_bytes());
    }
    body
}

/// CPU time of all threads, in the kernel too.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The most memory that this process had.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

#[expect(clippy::disallowed_methods, reason = "what is measured here is time")]
fn now() -> Instant {
    Instant::now()
}
