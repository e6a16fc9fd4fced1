//! How fast the journal is on this machine's disk: batches appended and synced one by one, with spares made ahead or not,
//! and how long it takes to read 1 GiB back.
//!
//! `cargo run --release -p ackd-engine --example journal_speed -- DIRECTORY` (it makes and removes files there)

#[expect(dead_code, unused_imports, unreachable_pub, reason = "the library's own module")]
#[path = "../src/disk/mod.rs"]
mod disk;
#[expect(dead_code, unused_imports, unreachable_pub, reason = "the library's own module")]
#[path = "../src/journal/mod.rs"]
mod journal;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use disk::RealDisk;
use journal::{Batch, Journal, Options};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const OPTIONS: Options = Options { segment_bytes: 64 * 1024 * 1024 };
const RECORD_BYTES: usize = 200;

/// How the segments were prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spares {
    /// When they are needed, by reserving their blocks.
    Inline,
    /// Ahead, by reserving their blocks.
    Reserved,
    /// Ahead, by writing zeros.
    Written,
    /// By writing zeros, while batches are appended.
    Meanwhile,
}

fn main() -> Fallible<()> {
    let directory =
        std::env::args_os().nth(1).map_or_else(|| "journal-speed".into(), PathBuf::from);
    println!("{RECORD_BYTES}-byte records, one sync a batch");
    for records in [1, 16, 256, 2048] {
        for spares in [Spares::Inline, Spares::Reserved, Spares::Written, Spares::Meanwhile] {
            append(&directory, records, spares)?;
        }
    }
    replay(&directory, 64)?;
    replay(&directory, 2048)
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}

fn open(directory: &Path) -> Fallible<(Journal<RealDisk>, u64)> {
    let mut records = 0;
    let disk = RealDisk::open(directory)?;
    let journal = Journal::open(disk, OPTIONS, &mut |_, _, record| {
        records += u64::from(record.len() == RECORD_BYTES);
        Ok(())
    })?;
    Ok((journal, records))
}

fn fill(batch: &mut Batch, records: usize) {
    for _ in 0..records {
        batch.record(1, |into| into.resize(into.len() + RECORD_BYTES, 7));
    }
}

fn append(directory: &Path, records: usize, spares: Spares) -> Fallible<()> {
    let (mut journal, _) = open(directory)?;
    let maker = journal.spare_maker();
    if matches!(spares, Spares::Reserved | Spares::Written) {
        (0..6).try_for_each(|_| maker.make(spares == Spares::Written))?;
        // The first segment was made inline: leave it.
        while journal.segments() < 2 {
            let mut batch = Batch::new();
            fill(&mut batch, 20_000);
            journal.append(&mut batch, false)?;
        }
        journal.sync()?;
    }
    let batches = (256 * 1024 * 1024 / (records * RECORD_BYTES + 100)).min(4000);
    let mut times = Vec::with_capacity(batches);
    std::thread::scope(|scope| -> Fallible<()> {
        let made = scope.spawn(|| {
            (0..4).try_for_each(|_| match spares {
                Spares::Meanwhile => maker.make(true),
                _ => Ok(()),
            })
        });
        for _ in 0..batches {
            let begin = now();
            let mut batch = Batch::new();
            fill(&mut batch, records);
            journal.append(&mut batch, false)?;
            journal.sync()?;
            times.push(begin.elapsed());
        }
        made.join().map_err(|_| "the spare maker has panicked")?.map_err(Into::into)
    })?;
    report(records, spares, &mut times);
    drop((journal, maker));
    Ok(std::fs::remove_dir_all(directory)?)
}

fn report(records: usize, spares: Spares, times: &mut [Duration]) {
    times.sort_unstable();
    let total: f64 = times.iter().map(Duration::as_secs_f64).sum();
    let rate = times.len() as f64 / total;
    let at = |part: usize| times[(times.len() - 1) * part / 1000].as_secs_f64() * 1e3;
    println!(
        "batch {records:5} {:9}: {rate:7.0} batches/s {:9.0} records/s, p50 {:.2} p99 {:.2} p99.9 {:.2} ms",
        format!("{spares:?}"),
        rate * records as f64,
        at(500),
        at(990),
        at(999),
    );
}

fn replay(directory: &Path, records: usize) -> Fallible<()> {
    let (mut journal, _) = open(directory)?;
    let mut written = 0;
    let mut one_more = |journal: &mut Journal<RealDisk>| {
        let mut batch = Batch::new();
        fill(&mut batch, records);
        written += records as u64;
        journal.append(&mut batch, false)
    };
    while journal.segments() <= 16 {
        one_more(&mut journal)?;
    }
    // The last batch names all others as synced.
    journal.sync()?;
    one_more(&mut journal)?;
    journal.sync()?;
    drop(journal);
    for _ in 0..2 {
        let start = now();
        let (journal, read) = open(directory)?;
        let elapsed = start.elapsed().as_secs_f64();
        assert_eq!(read, written, "everything is read back");
        println!(
            "replay of {} segments, batches of {records}: {read} records in {elapsed:.3} s",
            journal.segments()
        );
    }
    Ok(std::fs::remove_dir_all(directory)?)
}
