//! Crate edges: `wire ← engine ← server ← ackd`, `wire, websocket ← client ← ackd`; never upward. The manifests prove
//! what a crate cannot do.

use std::path::Path;

use anyhow::Result;

/// A crate, the workspace crates it may use, and the libraries it must not.
struct Rule {
    name: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule { name: "wire", may: &[], never: &["tokio", "hyper", "axum", "parking_lot"] },
    Rule { name: "websocket", may: &[], never: &["tokio", "serde", "hyper", "getrandom"] },
    Rule {
        name: "engine",
        may: &["wire"],
        never: &["tokio", "hyper", "axum", "serde", "getrandom"],
    },
    Rule { name: "server", may: &["wire", "websocket", "engine"], never: &["clap"] },
    Rule { name: "client", may: &["wire", "websocket"], never: &["axum", "clap"] },
    Rule { name: "sim", may: &["wire", "engine", "server"], never: &["tokio", "hyper"] },
    Rule { name: "ackd", may: &["wire", "websocket", "server", "client"], never: &[] },
    Rule { name: "xtask", may: &[], never: &["tokio"] },
];

pub(super) fn check(crates: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for rule in RULES {
        let manifest = std::fs::read_to_string(crates.join(rule.name).join("Cargo.toml"))?;
        let found = faults_of(rule, &manifest);
        faults.extend(found.map(|fault| format!("{}/Cargo.toml: {fault}", rule.name)));
    }
    Ok(faults)
}

/// Looks at `[dependencies]` alone: tests may use what they like.
fn faults_of(rule: &Rule, manifest: &str) -> impl Iterator<Item = String> {
    let after = manifest.split("\n[dependencies]").nth(1).unwrap_or_default();
    let table = after.split("\n[").next().unwrap_or_default();
    let names = table.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    let names: Vec<_> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.into_iter().filter_map(|name| {
        let foreign = name.strip_prefix("ackd-").is_some_and(|other| !rule.may.contains(&other));
        let banned = rule.never.contains(&name.as_str());
        (foreign || banned).then(|| format!("must not depend on {name}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_upward_and_a_banned_library_are_found() {
        let rule = &RULES[2];
        let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nackd-wire.workspace = true\n\
                        ackd-server.workspace = true\ntokio = \"1\"\n\n[dev-dependencies]\nserde = \"1\"\n";
        let faults: Vec<_> = faults_of(rule, manifest).collect();
        assert_eq!(faults, ["must not depend on ackd-server", "must not depend on tokio"]);
    }
}
