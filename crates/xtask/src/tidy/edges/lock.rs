//! `Cargo.lock` as a graph: what a package brings with it.

use std::collections::{BTreeMap, BTreeSet};

/// Names of packages, each with the names of those it depends on. Versions of one package count as one.
#[derive(Debug)]
pub(super) struct Lock {
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Lock {
    pub(super) fn parse(text: &str) -> Self {
        let mut edges = BTreeMap::<String, BTreeSet<String>>::new();
        for package in text.split("[[package]]").skip(1) {
            let mut quoted =
                package.lines().filter_map(|line| line.split('"').nth(1).map(|name| (line, name)));
            let Some((_, name)) = quoted.next() else { continue };
            // A dependency may have its version behind it.
            let used = quoted.filter(|(line, _)| line.starts_with(' '));
            let used = used.filter_map(|(_, name)| name.split(' ').next()).map(str::to_owned);
            edges.entry(name.to_owned()).or_default().extend(used);
        }
        Self { edges }
    }

    /// Whether `from` is `to`, or brings it with it.
    pub(super) fn reaches(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            if name == to {
                return true;
            }
            let next = self.edges.get(name).into_iter().flatten().map(String::as_str);
            open.extend(next.filter(|name| seen.insert(name)));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_bring_is_reached_and_circles_end() {
        let package = |name, uses| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"1\"\ndependencies = [\n \"{uses}\",\n]\n"
            )
        };
        let lock =
            Lock::parse(&[package("a", "b"), package("b", "c 1.0.0"), package("c", "a")].concat());
        assert!(lock.reaches("a", "c"));
        assert!(lock.reaches("c", "b"));
        assert!(!lock.reaches("a", "version"));
        assert!(!lock.reaches("a", "d"));
    }
}
