//! What the system says of this process (`/proc`, Linux). What cannot be read is left out.

use rustix::param::{clock_ticks_per_second, page_size};

/// The process at one moment.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// Seconds of CPU time used.
    pub(super) cpu_seconds: Option<f64>,
    /// Bytes of memory that are resident.
    pub(super) resident_bytes: Option<u64>,
    /// Files that are open, and that may be.
    pub(super) open_files: Option<u64>,
    pub(super) open_files_max: Option<u64>,
}

impl Process {
    pub(super) fn read() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The name in parentheses may hold spaces; fields are counted behind it, from the third.
        let fields: Vec<&str> =
            stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect()).unwrap_or_default();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = field(14).zip(field(15)).map(|(user, system)| user + system);
        let files = std::fs::read_dir("/proc/self/fd").map(|files| files.count() as u64);
        Self {
            cpu_seconds: ticks.map(|ticks| ticks as f64 / clock_ticks_per_second() as f64),
            resident_bytes: field(24).map(|pages| pages * page_size() as u64),
            open_files: files.ok(),
            open_files_max: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_read() {
        let process = Process::read();
        assert!(process.cpu_seconds.is_some_and(|seconds| 0.0 <= seconds));
        let resident = process.resident_bytes.expect("Linux");
        assert!((100_000..1 << 34).contains(&resident), "{resident}");
        assert!(process.open_files.is_some_and(|files| 3 <= files));
    }
}
