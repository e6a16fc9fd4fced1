//! Crate edges: `wire ← engine ← server ← ackd`, `wire, websocket ← client ← ackd`; never upward. What a crate's
//! manifest and lock file do not name, the crate cannot do.

mod lock;
mod manifest;

use std::path::Path;

use anyhow::{Context, Result};

use self::lock::Lock;
use self::manifest::{Dependency, dependencies};
use super::fault::Fault;

/// A crate, the workspace crates it may use, and the libraries that it must not even reach through others.
struct Rule {
    name: &'static str,
    may: &'static [&'static str],
    /// And its tests and examples, these too.
    tests_may: &'static [&'static str],
    never: &'static [&'static str],
}

pub(super) fn check(root: &Path) -> Result<Vec<Fault>> {
    let lock = Lock::parse(&read(&root.join("Cargo.lock"))?);
    let mut faults = Vec::new();
    for entry in root.join("crates").read_dir().context("read crates/")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let path = format!("crates/{name}/Cargo.toml");
        let found = dependencies(&read(&root.join(&path))?);
        match RULES.iter().find(|rule| rule.name == name) {
            Some(rule) => faults.extend(broken(rule, &path, &found, &lock)),
            None => faults.push(Fault::new(&path, 0, "a crate without a rule in xtask's edges.rs")),
        }
    }
    Ok(faults)
}

fn broken(rule: &Rule, path: &str, found: &[Dependency], lock: &Lock) -> Vec<Fault> {
    let mut faults = Vec::new();
    for Dependency { name, line, for_tests } in found {
        let foreign = name.strip_prefix("ackd-").unwrap_or(name);
        let is_member = RULES.iter().any(|rule| rule.name == foreign);
        let may_test = *for_tests && rule.tests_may.contains(&foreign);
        if is_member && !may_test && !rule.may.contains(&foreign) {
            faults.push(Fault::new(
                path,
                *line,
                format!("{} must not depend on {name}", rule.name),
            ));
        }
        // What tests use is not in the crate; what members reach is checked at their own manifests.
        if *for_tests || is_member {
            continue;
        }
        let excused = |never: &str| {
            EXCUSED.iter().any(|excuse| (excuse.0, excuse.1, excuse.2) == (rule.name, name, never))
        };
        let reached = rule.never.iter().filter(|never| lock.reaches(name, never));
        for never in reached.filter(|never| !excused(never)) {
            let what = format!("{} must not reach {never}, but does by {name}", rule.name);
            faults.push(Fault::new(path, *line, what));
        }
    }
    faults
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}

const RULES: &[Rule] = &[
    Rule {
        name: "wire",
        may: &[],
        tests_may: &[],
        never: &["tokio", "hyper", "axum", "parking_lot", "getrandom", "rand", "tracing"],
    },
    Rule {
        name: "websocket",
        may: &[],
        tests_may: &[],
        never: &["tokio", "serde", "hyper", "axum", "getrandom", "rand", "tracing"],
    },
    Rule {
        name: "engine",
        may: &["wire"],
        tests_may: &[],
        never: &["tokio", "hyper", "axum", "serde", "getrandom", "rand"],
    },
    Rule {
        name: "server",
        may: &["wire", "websocket", "engine"],
        tests_may: &[],
        never: &["clap", "anyhow"],
    },
    Rule {
        name: "client",
        may: &["wire", "websocket"],
        tests_may: &["server"],
        never: &["axum", "clap", "anyhow"],
    },
    Rule {
        name: "ackd",
        may: &["wire", "websocket", "engine", "server", "client"],
        tests_may: &[],
        never: &[],
    },
    Rule {
        name: "sim",
        may: &["wire", "websocket", "engine", "server", "client"],
        tests_may: &[],
        never: &["hyper"],
    },
    Rule { name: "xtask", may: &[], tests_may: &[], never: &["tokio", "serde"] },
];

/// A crate, a library of its own, what that may bring with it, and why.
const EXCUSED: &[(&str, &str, &str, &str)] = &[
    ("engine", "fjall", "getrandom", "it names temporary files by chance, and nothing that we see"),
    (
        "engine",
        "redis",
        "tokio",
        "with the feature `redis` only: a store beyond a socket needs a runtime",
    ),
    ("engine", "redis", "rand", "with the feature `redis` only: it spreads its requests by chance"),
    ("engine", "redis", "getrandom", "with the feature `redis` only: its TLS draws keys"),
    (
        "engine",
        "redis",
        "serde",
        "with the feature `redis` only: it is there through its URL parser",
    ),
    (
        "engine",
        "tokio",
        "tokio",
        "with the feature `redis` only: a store beyond a socket needs a runtime",
    ),
    ("engine", "tokio-rustls", "tokio", "with the feature `redis` only: the same, with TLS"),
    ("engine", "tokio-rustls", "getrandom", "with the feature `redis` only: its TLS draws keys"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(name: &str, manifest: &str) -> Vec<String> {
        let lock = Lock::parse(
            "[[package]]\nname = \"runtime\"\ndependencies = [\n \"tokio 1.2.3\",\n]\n\n[[package]]\nname = \"tokio\"\n",
        );
        let rule = RULES.iter().find(|rule| rule.name == name).unwrap();
        broken(rule, "Cargo.toml", &dependencies(manifest), &lock)
            .iter()
            .map(Fault::to_string)
            .collect()
    }

    #[test]
    fn an_edge_upward_is_found() {
        let manifest = "[dependencies]\nackd-wire.workspace = true\nackd-server.workspace = true\n";
        assert_eq!(
            faults("engine", manifest),
            ["Cargo.toml:3: engine must not depend on ackd-server"]
        );
        assert_eq!(faults("sim", "[dependencies]\nackd = { path = \"../ackd\" }\n").len(), 1);
        assert_eq!(faults("wire", "[dev-dependencies]\nackd-client.workspace = true\n").len(), 1);
        let server = "dependencies]\nackd-server.workspace = true\n";
        assert_eq!(faults("client", &format!("[{server}")).len(), 1);
        assert!(faults("client", &format!("[dev-{server}")).is_empty(), "a real one, to test with");
    }

    #[test]
    fn a_library_that_must_not_be_there_is_found_through_others_too() {
        let direct = "[dependencies]\ntokio = \"1\"\n";
        assert_eq!(
            faults("wire", direct),
            ["Cargo.toml:2: wire must not reach tokio, but does by tokio"]
        );
        let indirect = "[dependencies]\nruntime = \"1\"\n";
        assert_eq!(faults("wire", indirect).len(), 1);
        assert!(faults("server", indirect).is_empty());
    }

    #[test]
    fn an_excuse_is_for_one_library_and_has_its_reason() {
        let lock = Lock::parse(
            "[[package]]\nname = \"fjall\"\ndependencies = [\n \"getrandom\",\n \"tokio\",\n]\n",
        );
        let rule = RULES.iter().find(|rule| rule.name == "engine").unwrap();
        let found = dependencies("[dependencies]\nfjall = \"1\"\ngetrandom = \"1\"\n");
        let faults: Vec<_> =
            broken(rule, "Cargo.toml", &found, &lock).iter().map(Fault::to_string).collect();
        assert_eq!(
            faults,
            [
                "Cargo.toml:2: engine must not reach tokio, but does by fjall",
                "Cargo.toml:3: engine must not reach getrandom, but does by getrandom"
            ]
        );
        assert!(EXCUSED.iter().all(|(_, _, _, reason)| 20 < reason.len()));
    }

    #[test]
    fn tests_may_use_what_they_like() {
        assert!(faults("websocket", "[dev-dependencies]\nruntime = \"1\"\n").is_empty());
    }
}
