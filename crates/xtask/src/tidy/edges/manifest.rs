//! As much of a manifest as is needed here: which dependencies it names, and where.

/// A line of a table of dependencies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The package's own name, also where it was given another.
    pub(super) name: String,
    /// From 1.
    pub(super) line: usize,
    /// From `[dev-dependencies]`.
    pub(super) for_tests: bool,
}

/// All dependencies of a manifest: the crate's, its build script's, its tests', those of some targets only.
pub(super) fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut table = "";
    for (index, line) in manifest.lines().enumerate() {
        if let Some(header) = line.trim().strip_prefix('[') {
            table = header.trim_end_matches(']');
            continue;
        }
        let is_wanted = table.ends_with("dependencies");
        if let Some(name) = Some(line).filter(|_| is_wanted).and_then(package) {
            let for_tests = table.ends_with("dev-dependencies");
            found.push(Dependency { name: name.to_owned(), line: index + 1, for_tests });
        }
    }
    found
}

fn package(line: &str) -> Option<&str> {
    let line = line.split('#').next()?;
    let (key, value) = line.split_once('=')?;
    let renamed = value.split("package = \"").nth(1).and_then(|rest| rest.split('"').next());
    renamed.or_else(|| key.split('.').next()).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_every_spelling_is_read() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true # why\n# b = \"1\"\n\
                        c = { package = \"d\", version = \"1\" }\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n\
                        [dev-dependencies]\nf = \"1\"\n";
        let found: Vec<_> = dependencies(manifest)
            .into_iter()
            .map(|dependency| (dependency.name, dependency.line, dependency.for_tests))
            .collect();
        let wanted = [("a", 4, false), ("d", 6, false), ("e", 8, false), ("f", 10, true)];
        assert_eq!(found, wanted.map(|(name, line, tests)| (name.to_owned(), line, tests)));
    }
}
