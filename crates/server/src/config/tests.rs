//! Whole configurations: precedence, and what errors say.

use std::time::Duration;

use super::*;

fn sources(file: &str, environment: &[(&str, &str)], set: &[&str]) -> Sources {
    Sources {
        file: Some(ConfigFile { name: "ackd.toml".to_owned(), text: file.to_owned() }),
        environment: environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        flags: Flags { set: set.iter().map(|s| (*s).to_owned()).collect(), ..Flags::default() },
    }
}

fn load(sources: &Sources) -> Result<Config, String> {
    Raw::gather(sources).and_then(|raw| raw.check()).map_err(|error| error.to_string())
}

fn file_error(text: &str) -> String {
    load(&sources(text, &[], &[])).expect_err(text)
}

fn env_error(name: &str, value: &str) -> String {
    load(&sources("", &[(name, value)], &[])).expect_err(name)
}

fn set_error(assignment: &str) -> String {
    load(&sources("", &[], &[assignment])).expect_err(assignment)
}

#[test]
fn the_example_names_every_key_and_parses_to_the_defaults() {
    let default = load(&Sources::default()).expect("the defaults are valid");
    let raw = Raw::gather(&sources(&example(), &[], &[])).expect("the example is valid");
    assert_eq!(raw.show().matches("# ackd.toml:").count(), Key::ALL.len());
    assert_eq!(raw.check().expect("the example is valid"), default);
}

#[test]
fn the_committed_example_is_the_present_one() {
    let committed = include_str!("../../../../config.example.toml");
    assert!(committed == example(), "run `cargo xtask codegen`");
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = load(&Sources::default()).expect("the defaults are valid");
    assert_eq!(config.listen.to_string(), "0.0.0.0:5000");
    assert_eq!(config.data_dir.to_str(), Some("ackd-data"));
    assert_eq!(config.durability, Durability::Fsync);
    assert_eq!(config.ack_timeout, Duration::from_secs(30));
    assert_eq!(config.max_message, 65_536);
    assert_eq!(config.mailbox_sender_limit, 1_000);
    assert_eq!(config.auth.allowed_origins, Origins::Any);
    assert!(config.auth.claims && !config.auth.open_claims);
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let file = "ack_timeout = \"1s\"\nping_interval = \"1s\"\nconnect_timeout = \"1s\"\n";
    let environment = [("ACKD_PING_INTERVAL", "2s"), ("ACKD_CONNECT_TIMEOUT", "2s")];
    let config = load(&sources(file, &environment, &["connect_timeout=3s"])).expect("valid");
    let seconds = [config.ack_timeout, config.ping_interval, config.connect_timeout];
    assert_eq!(seconds.map(|duration| duration.as_secs()), [1, 2, 3]);
}

#[test]
fn nested_keys_are_set_from_every_source() {
    let config = load(&sources(
        "[auth]\nallow_all = true\n",
        &[("ACKD_AUTH__CLAIMS", "false"), ("ACKD_AUTH__ALLOWED_ORIGINS", "https://a.b, http://C")],
        &["limits.connections=7", "log.level=debug"],
    ))
    .expect("valid");
    assert!(config.auth.allow_all && !config.auth.claims);
    assert!(config.auth.allowed_origins.allow("https://A.b"));
    assert!(!config.auth.allowed_origins.allow("https://a.b.evil"));
    assert_eq!((config.limits.connections, config.log.level), (7, Level::Debug));
}

#[test]
fn port_replaces_the_port_and_listen_beats_both() {
    let mut sources = sources("listen = \"[::1]:7000\"", &[("PORT", "8000")], &[]);
    assert_eq!(load(&sources).expect("valid").listen.to_string(), "[::1]:8000");
    sources.flags.listen = Some("localhost:9000".to_owned());
    assert_eq!(load(&sources).expect("valid").listen.to_string(), "127.0.0.1:9000");
    assert_eq!(
        env_error("PORT", "http"),
        "environment variable PORT: `listen` is \"http\": expected a port, 0 to 65535"
    );
}

#[test]
fn an_unknown_key_names_file_line_and_the_nearest_key() {
    let error = file_error("listen = \"0.0.0.0:1\"\n\nack_timout = \"3s\"\n");
    assert_eq!(error, "ackd.toml:3: unknown key `ack_timout`; did you mean `ack_timeout`?");
    let error = file_error("[auth]\nclaim = true\n");
    assert_eq!(error, "ackd.toml:2: unknown key `auth.claim`; did you mean `auth.claims`?");
    let error = file_error("claims = true\n");
    assert_eq!(error, "ackd.toml:1: unknown key `claims`; did you mean `auth.claims`?");
    let error = file_error("[limit]\nconnections = 3\n");
    assert_eq!(error, "ackd.toml:1: unknown key `limit`; did you mean `limits.connections`?");
    assert_eq!(file_error("xyzzy = 3"), "ackd.toml:1: unknown key `xyzzy`");
    let error = file_error("auth = true");
    assert_eq!(error, "ackd.toml:1: unknown key `auth`; did you mean `auth.anonymous`?");
}

#[test]
fn an_unknown_variable_is_named_and_its_nearest_too() {
    let error = env_error("ACKD_AUTH__CLAIM", "true");
    assert_eq!(
        error,
        "environment variable ACKD_AUTH__CLAIM: unknown key `auth.claim`; did you mean ACKD_AUTH__CLAIMS?"
    );
    assert_eq!(
        set_error("ack_timout=3s"),
        "--set: unknown key `ack_timout`; did you mean `ack_timeout`?"
    );
    assert_eq!(set_error("ack_timeout"), "--set: expected KEY=VALUE, found `ack_timeout`");
}

#[test]
fn a_bad_value_names_where_it_stands_and_what_would_do() {
    let error = file_error("\nack_timeout = 30\n");
    assert_eq!(
        error,
        "ackd.toml:2: `ack_timeout` is 30: expected a duration as \"30s\" (ms, s, m, h, d), 10ms to 1d"
    );
    let error = env_error("ACKD_MAX_MESSAGE", "17MiB");
    assert_eq!(
        error,
        "environment variable ACKD_MAX_MESSAGE: `max_message` is \"17MiB\": expected a size as \"64KiB\" \
         (B, KiB, MiB, GiB), 1KiB to 16MiB"
    );
    assert_eq!(
        set_error("durability=maybe"),
        "--set: `durability` is \"maybe\": expected \"fsync\" or \"os\""
    );
    assert_eq!(
        set_error("mailbox_limit=0"),
        "--set: `mailbox_limit` is 0: expected a whole number, 1 to 4294967295"
    );
    assert!(set_error("auth.claims=yes").ends_with("expected true or false"));
    assert!(set_error("listen=example.org:80").contains("an IP address and a port"));
    assert!(set_error("auth.allowed_origins=example.org").contains("a list of origins"));
    assert!(set_error("data_dir=").contains("the path of a directory"));
    assert!(file_error("listen = {a = 1}").contains("`listen` is a table"));
    assert!(file_error("listen = = 3").starts_with("ackd.toml:1: not TOML: "));
}

#[test]
fn values_must_fit_one_another() {
    let error = load(&sources("", &[], &["max_message=1MiB", "mailbox_bytes=64KiB"]));
    assert_eq!(
        error.expect_err("too small"),
        "--set: `mailbox_bytes` is \"64KiB\": expected at least 1MiB, since max_message is 1MiB"
    );
    assert!(set_error("message_ttl=20s").ends_with("expected at least ack_timeout, 30s"));
    let cut = load(&sources("", &[], &["mailbox_limit=5"])).expect("valid");
    assert_eq!(cut.mailbox_sender_limit, 5);
}

#[test]
fn plain_numbers_are_bytes_and_the_last_set_wins() {
    let config = load(&sources("max_message = 2048", &[], &["max_attempts=3", "max_attempts=4"]));
    let config = config.expect("valid");
    assert_eq!((config.max_message, config.max_attempts), (2_048, 4));
}

#[test]
fn features_of_later_builds_are_never_accepted_in_silence() {
    let error = file_error("[otel]\nendpoint = \"a\"\n");
    assert_eq!(error, "ackd.toml:1: `otel` is not in this build yet; remove it");
    let error = file_error("[auth]\njwt_secret = \"\"\n");
    assert_eq!(error, "ackd.toml:2: `auth.jwt_secret` is not in this build yet; remove it");
    assert!(
        env_error("ACKD_WEBHOOK__SECRET", "s3cret")
            .contains("`webhook.secret` is not in this build")
    );
    assert!(!env_error("ACKD_WEBHOOK__SECRET", "s3cret").contains("s3cret"));
    assert!(set_error("otel.endpoint=x").contains("not in this build yet"));
}

#[test]
fn redis_is_recognised_and_refused_without_repeating_its_password() {
    let error = env_error("REDIS_URL", "redis://:hunter2@localhost:6379/0");
    assert_eq!(
        error,
        "environment variable REDIS_URL: the Redis store is not part of this build yet; use store = \
         \"embedded\" (--store embedded, or unset REDIS_URL)"
    );
    assert!(env_error("REDIS_URL", "cache:6379").contains("the Redis store is not part"));
    assert!(set_error("store=rediss://:hunter2@x").ends_with("use store = \"embedded\""));
    assert!(!set_error("store=postgres://:hunter2@x").contains("hunter2"));
}

#[test]
fn variables_of_others_are_left_alone() {
    let environment = [
        ("HOME", "/root"),
        ("REDIS_URL", ""),
        ("REDIS_DB", "3"),
        ("PORT", ""),
        ("ACKD_URL", "http://localhost:5000"),
        ("ACKD_SERVICE_HOST", "10.0.0.1"),
        ("ACKD_PORT_5000_TCP", "tcp://10.0.0.1:5000"),
    ];
    assert!(load(&sources("", &environment, &[])).is_ok());
    let mut flags = sources("", &[("REDIS_URL", "x:1")], &[]);
    flags.flags.store = Some("embedded".to_owned());
    assert!(load(&flags).is_ok(), "--store beats REDIS_URL");
}

#[test]
fn what_is_in_force_is_shown_with_its_origin_and_can_be_read_again() {
    let raw = Raw::gather(&sources("ack_timeout = \"5s\"", &[("PORT", "7")], &["log.level=warn"]))
        .expect("valid");
    let shown = raw.show();
    assert!(shown.contains("\nack_timeout = \"5s\"  # ackd.toml:1\n"), "{shown}");
    assert!(shown.contains("listen = \"0.0.0.0:7\"  # environment variable PORT\n"), "{shown}");
    assert!(shown.contains("\n[log]\nformat = \"pretty\"\nlevel = \"warn\"  # --set\n"), "{shown}");
    assert_eq!(load(&sources(&shown, &[], &[])), Ok(raw.check().expect("valid")));
}

#[test]
fn a_secret_is_taken_from_every_source_and_shown_by_none() {
    let (long, number) = ("hunter2-hunter2-hunter2", "12345678901234567890");
    let file = format!("[admin]\ntoken = \"{long}\"\n");
    let given = [
        (sources(&file, &[], &[]), long),
        (sources("", &[("ACKD_ADMIN__TOKEN", long)], &[]), long),
        (sources("", &[("ACKD_ADMIN__TOKEN", number)], &[]), number),
        (sources("", &[], &[&format!("admin.token={long}")]), long),
        (sources("", &[], &[&format!("admin.token=\"{long}\"")]), long),
    ];
    for (sources, expected) in given {
        let raw = Raw::gather(&sources).expect("valid");
        let token = raw.check().expect("valid").admin.token.expect("it is set");
        assert_eq!(token.reveal(), expected);
        let seen = format!("{} {raw:?} {:?}", raw.show(), raw.check());
        assert!(!seen.contains(expected), "{seen}");
        assert!(seen.contains("token = \"(hidden)\"  # "), "{seen}");
    }
    let shown = Raw::default().show();
    assert!(shown.contains("\n[admin]\ntoken = \"\"\n"), "{shown}");
}

#[test]
fn a_bad_secret_is_refused_without_being_repeated() {
    let expected =
        "`admin.token` is \"(hidden)\": expected 16 to 256 visible ASCII characters, or none";
    for bad in ["hunter2", "hunter2 hunter2 hunter2", "hunter2\u{e9}hunter2hunter2", "(hidden)"] {
        let error = env_error("ACKD_ADMIN__TOKEN", bad);
        assert_eq!(error, format!("environment variable ACKD_ADMIN__TOKEN: {expected}"));
    }
    assert_eq!(file_error("[admin]\ntoken = 77\n"), format!("ackd.toml:2: {expected}"));
}

#[test]
fn certificate_and_key_belong_together() {
    let config = load(&sources("[tls]\ncert = \"a.pem\"\nkey = \"b.pem\"\n", &[], &[]));
    let tls = config.expect("valid").tls.expect("it is on");
    assert_eq!((tls.cert.to_str(), tls.key.to_str()), (Some("a.pem"), Some("b.pem")));
    assert_eq!(load(&Sources::default()).expect("valid").tls, None);
    assert_eq!(
        file_error("[tls]\ncert = \"a.pem\"\n"),
        "default: `tls.key` is \"\": expected the path of a PEM file, since `tls.cert` is set"
    );
    assert_eq!(
        set_error("tls.key=b.pem"),
        "default: `tls.cert` is \"\": expected the path of a PEM file, since `tls.key` is set"
    );
}
