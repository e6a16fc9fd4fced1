//! What a folder stays free of: the server's stations know only the ones behind them, its pure parts know no runtime,
//! and a store is named only where it is written.

use super::fault::Fault;
use super::source::{Line, Source};

/// Files, and the words that must not stand in their code (tests apart).
struct Rule {
    /// A file, or a folder with `/`; with what begins so.
    of: &'static [&'static str],
    except: &'static [&'static str],
    never: &'static [&'static str],
    reason: &'static str,
}

pub(super) fn check(source: &Source) -> Vec<Fault> {
    let begins = |paths: &[&str]| paths.iter().any(|path| source.path.starts_with(path));
    let mut faults = Vec::new();
    for rule in RULES.iter().filter(|rule| begins(rule.of) && !begins(rule.except)) {
        for (number, line) in source.numbered().filter(|(_, line)| !line.is_test) {
            let found = rule.never.iter().find(|never| names(line, never));
            let what = |never: &&str| format!("`{never}` has no place here: {}", rule.reason);
            faults.extend(found.map(|never| Fault::new(&source.path, number, what(never))));
        }
    }
    faults
}

/// Whether the code names it as a path, or as part of a name (`Redis` in `RedisStore`).
fn names(line: &Line, never: &str) -> bool {
    line.code.match_indices(never).any(|(at, _)| {
        let before = line.code[..at].chars().next_back().unwrap_or(' ');
        let after = line.code[at + never.len()..].chars().next().unwrap_or(' ');
        let is_word = !before.is_alphanumeric() && before != '_';
        never.starts_with(char::is_uppercase)
            || is_word && !(after.is_alphanumeric() || after == '_')
    })
}

const RULES: &[Rule] = &[
    Rule {
        of: &["crates/server/src/session/"],
        except: &[],
        never: &[
            "tokio",
            "tracing",
            "getrandom",
            "parking_lot",
            "Mutex",
            "std::time",
            "std::thread",
            "std::io",
        ],
        reason: "the session is pure: what happened and the time go in, effects come out",
    },
    Rule {
        of: &["crates/server/src/session/"],
        except: &[],
        never: &[
            "crate::socket",
            "crate::dialect",
            "crate::router",
            "crate::server",
            "crate::clock",
            "crate::config",
        ],
        reason: "the session knows no station but the engine's words",
    },
    Rule {
        of: &["crates/server/src/router/"],
        except: &[],
        never: &[
            "tokio",
            "crate::socket",
            "crate::dialect",
            "crate::server",
            "crate::clock",
            "crate::config",
        ],
        reason: "the router knows the session's requests and the engine, and no runtime",
    },
    Rule {
        of: &["crates/server/src/dialect/"],
        except: &[],
        never: &[
            "tokio",
            "ackd_engine::Engine",
            "crate::socket",
            "crate::router",
            "crate::server",
            "crate::clock",
        ],
        reason: "a dialect translates frames; it decides nothing",
    },
    Rule {
        of: &[
            "crates/client/src/session",
            "crates/client/src/outbox.rs",
            "crates/client/src/inflight.rs",
            "crates/client/src/recent.rs",
            "crates/client/src/backoff.rs",
        ],
        except: &[],
        never: &["tokio", "tracing", "getrandom", "std::fs", "std::thread", "std::io"],
        reason: "the client's state is pure; the driver has the timers and the sockets",
    },
    Rule {
        of: &["crates/"],
        except: &[
            "crates/engine/src/lib.rs",
            "crates/engine/src/redis/",
            "crates/server/src/config/",
            "crates/xtask/",
        ],
        never: &["Redis", "redis"],
        reason: "which store it is, only the engine of that store and the configuration know",
    },
];

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Source::new(&sample(path, text))).iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn an_import_that_has_no_place_is_found() {
        let text = "//! No tokio.\nuse tokio::time::Sleep;\n\nfn a() { tracing::info!(\"b\") }\n";
        assert_eq!(lines("crates/server/src/session/window.rs", text), [2, 4]);
        assert_eq!(lines("crates/server/src/router/rooms.rs", text), [2]);
        assert!(lines("crates/server/src/socket/timers.rs", text).is_empty());
    }

    #[test]
    fn a_station_that_looks_back_is_found() {
        assert_eq!(lines("crates/server/src/session/send.rs", "use crate::router::Inbox;\n"), [1]);
        assert_eq!(lines("crates/server/src/router/live.rs", "use crate::socket::Quota;\n"), [1]);
        assert!(
            lines("crates/server/src/dialect/v1.rs", "use crate::session::Event;\n").is_empty()
        );
    }

    #[test]
    fn a_store_named_elsewhere_is_found() {
        assert_eq!(lines("crates/server/src/server.rs", "use ackd_engine::RedisEngine;\n"), [1]);
        assert!(lines("crates/engine/src/redis/keys.rs", "struct RedisKey;\n").is_empty());
        assert!(lines("crates/server/src/config/raw.rs", "fn redis() {}\n").is_empty());
    }

    #[test]
    fn part_of_a_longer_word_is_no_name() {
        assert!(
            lines("crates/server/src/session/send.rs", "let tokio_free = my_tracing;\n").is_empty()
        );
    }
}
