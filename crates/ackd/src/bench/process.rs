//! What the system knows of a process: its CPU time and its memory, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// What a process has used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// CPU time of all its threads, in user space and in the kernel.
    pub(crate) cpu: Duration,
    /// Resident memory.
    pub(crate) rss_bytes: u64,
    /// The most that was resident since its start.
    pub(crate) rss_peak_bytes: u64,
}

/// Reads both.
pub(crate) fn usage(pid: u32) -> anyhow::Result<Usage> {
    let read = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    };
    let stat = read("stat")?;
    // The name, in parentheses, may hold anything; behind it `state` is field 3, `utime` 14 and `stime` 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).flat_map(str::parse::<u64>).sum();
    let status = read("status")?;
    let bytes = |name: &str| {
        let kib = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        kib.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
    };
    let hertz = rustix::param::clock_ticks_per_second();
    let cpu = Duration::from_nanos(ticks * (1_000_000_000 / hertz));
    Ok(Usage { cpu, rss_bytes: bytes("VmRSS:"), rss_peak_bytes: bytes("VmHWM:") })
}

/// Bytes that a process has given to the system to write, those to files and (with several buffers) to sockets.
pub(crate) fn written_bytes(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/io");
    let io = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar:")).unwrap_or_default();
    bytes.trim().parse().with_context(|| format!("no wchar in {path}"))
}
