//! `ackd bench`: every workload runs, finds nothing wrong with the server, and has the figures that it is for.

use serde_json::Value;

use crate::support::{Serving, ackd, run};

/// Runs a workload against a server of its own; its figures.
fn bench(args: &[&str]) -> Value {
    bench_with(&[], args)
}

/// The same with more settings of the server.
fn bench_with(settings: &[&str], args: &[&str]) -> Value {
    let dir = tempfile::tempdir().expect("a directory");
    // Nobody reads its log.
    let settings = ["limits.frames_per_second=10000000", "log.level=warn"].iter().chain(settings);
    let flags: Vec<&str> = settings.flat_map(|setting| ["--set", setting]).collect();
    let serving = Serving::start_with(dir.path(), &flags);
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

#[test]
fn a_consumer_that_stops_reading_gets_all_in_order_when_it_reads_again() {
    let settings = ["mailbox_limit=100000", "mailbox_sender_limit=100000", "index_bytes=\"1MiB\""];
    let args = ["slow", "--messages", "30000", "--pairs", "2", "--seconds", "1", "--rest", "1"];
    let figures = bench_with(&settings, &args);
    has(&figures, &["p99_before", "p99_meanwhile", "rss_each", "read_again"]);
}

#[test]
fn durable_members_who_were_away_get_all_in_order() {
    let args = ["room", "--members", "300", "--messages", "500", "--back", "10", "--rest", "0"];
    let figures = bench(&args);
    has(&figures, &["joined", "rss_each", "small_written", "written", "server_cpu"]);
    assert_eq!(figures["read_back"], 5000.0);
}

#[test]
fn a_restart_under_some_hundred_clients_loses_nothing() {
    for end in ["kill", "drain"] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = ackd(&["bench", "restart", "--clients", "300", "--end", end, "--json"]);
        let (status, stdout, stderr) =
            run(command.args(["--data-dir", "data"]).current_dir(dir.path()));
        assert_eq!((status, stderr.as_str()), (0, ""), "{end}");
        let figures: Value = serde_json::from_str(&stdout).expect("one JSON object");
        assert_eq!(figures["delivered"], 900.0, "{figures}");
        assert_eq!(figures["comebacks"], 300.0, "{figures}");
    }
}
