//! `ackd bench`: every workload runs, finds nothing wrong with the server, and has the figures that it is for.

use serde_json::Value;

use crate::support::{Serving, ackd, run};

/// Runs a workload against a server of its own; its figures.
fn bench(args: &[&str]) -> Value {
    let dir = tempfile::tempdir().expect("a directory");
    let serving = Serving::start_with(dir.path(), &["--set", "limits.frames_per_second=10000000"]);
    let pid = std::fs::read_to_string(dir.path().join("data/LOCK")).expect("the server's");
    let mut command = ackd(&["bench"]);
    command.args(args).args(["--json", "--url", &serving.url, "--pid", pid.trim()]);
    let (status, stdout, stderr) = run(command.current_dir(dir.path()));
    assert_eq!((status, stderr.as_str()), (0, ""), "{args:?}");
    serde_json::from_str(&stdout).expect("one JSON object")
}

fn has(figures: &Value, names: &[&str]) {
    for name in names {
        assert!(figures[name].is_number(), "{name} is missing in {figures}");
    }
}

#[test]
fn pairs_are_measured_beside_what_the_machine_gives() {
    let figures =
        bench(&["direct", "--pairs", "2", "--seconds", "1", "--warmup", "0", "--limits", "."]);
    has(&figures, &["rate", "p50", "p99_9", "server_cpu", "server_rss"]);
    has(&figures, &["sync_p50", "sync_p99", "relay_p50", "relay_p99", "p50_above", "p99_ratio"]);
}

#[test]
fn at_a_rate_the_generators_own_delays_are_told() {
    let figures =
        bench(&["direct", "--pairs", "2", "--rate", "100", "--seconds", "1", "--warmup", "0"]);
    has(&figures, &["late_p99", "messages", "p99"]);
}

#[test]
fn rooms_are_measured_in_both_ways_of_keeping_and_both_encodings() {
    for [persist, encoding] in [["never", "json"], ["miss", "json"], ["miss", "msgpack"]] {
        let figures = bench(&[
            "fan-out",
            "--members",
            "5",
            "--seconds",
            "1",
            "--warmup",
            "0",
            "--persist",
            persist,
            "--encoding",
            encoding,
        ]);
        has(&figures, &["sent", "missed", "p99", "server_cpu"]);
        assert!(figures["sent"].as_f64() < figures["rate"].as_f64(), "{figures}");
    }
}

#[test]
fn connections_and_receivers_that_are_away_are_measured() {
    has(&bench(&["connect", "--clients", "20", "--rounds", "2"]), &["rate", "server_cpu"]);
    has(&bench(&["idle", "--connections", "100", "--seconds", "1"]), &["opened", "rss_each"]);
    let offline = bench(&["offline", "--receivers", "5", "--senders", "2", "--messages", "50"]);
    has(&offline, &["stored", "handed_over", "stored_cpu", "rss_handed_over"]);
}
