//! Documents speak of files that exist: the targets of links, and paths in backquotes.

use std::path::Path;

use super::fault::Fault;
use super::source::Text;

pub(super) fn check(root: &Path, text: &Text) -> Vec<Fault> {
    let exists = |path: &str| root.join(path).exists();
    match text.extension() {
        "md" => document(text, exists),
        "rs" => comments(text, exists),
        _ => Vec::new(),
    }
}

fn document(text: &Text, exists: impl Fn(&str) -> bool) -> Vec<Fault> {
    let folder = text.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut faults = Vec::new();
    let mut in_fence = false;
    for (number, line) in text.lines() {
        in_fence ^= line.trim_start().starts_with("```");
        if in_fence {
            continue;
        }
        let linked = targets(line).map(|target| format!("{folder}/{target}"));
        let named = paths(line).map(str::to_owned);
        let missing = linked.chain(named).filter(|path| !exists(path.trim_start_matches('/')));
        let what = |path: String| format!("`{path}` does not exist");
        faults.extend(missing.map(|path| Fault::new(&text.path, number, what(path))));
    }
    faults
}

fn comments(text: &Text, exists: impl Fn(&str) -> bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in text.lines().filter(|(_, line)| line.trim_start().starts_with("//")) {
        let missing = paths(line).filter(|path| path.starts_with("docs/") && !exists(path));
        let what = |path| format!("`{path}` does not exist");
        faults.extend(missing.map(|path| Fault::new(&text.path, number, what(path))));
    }
    faults
}

/// Targets of links that are files: `](target)`, `src="target"`, without what follows `#`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = [("](", ')'), ("src=\"", '"'), ("href=\"", '"')];
    let found = ends.into_iter().flat_map(|(start, end)| {
        line.split(start).skip(1).filter_map(move |rest| rest.split(end).next())
    });
    let files = found.filter(|target| !target.contains(':')).filter_map(|t| t.split('#').next());
    files.filter(|target| !target.is_empty())
}

/// Paths in backquotes that begin in one of the workspace's folders and are meant literally.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter(|path| {
        let literal = path.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
        literal && FOLDERS.iter().any(|folder| path.starts_with(folder))
    })
}

const FOLDERS: &[&str] = &["crates/", "docs/", ".ci/", ".cargo/"];

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn missing(path: &str, text: &str) -> Vec<String> {
        let exists = |path: &str| ["docs/a.md", "docs/adr/b.md", "crates/c"].contains(&path);
        let text = sample(path, text);
        let faults = if text.extension() == "rs" {
            comments(&text, exists)
        } else {
            document(&text, exists)
        };
        faults.iter().map(Fault::to_string).collect()
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        assert_eq!(
            missing("README.md", "\n[a](docs/x.md)\n"),
            ["README.md:2: `/docs/x.md` does not exist"]
        );
        assert_eq!(missing("README.md", "[a](docs/a.md) <img src=\"docs/y.svg\">").len(), 1);
        assert_eq!(missing("docs/a.md", "[b](adr/b.md#top) [x](adr/x.md)").len(), 1);
    }

    #[test]
    fn a_path_that_does_not_exist_is_found() {
        assert_eq!(missing("docs/a.md", "see `crates/c` and `docs/x.md`").len(), 1);
        assert_eq!(
            missing("crates/c/src/d.rs", "//! See `docs/x.md`.\nlet a = \"`docs/y.md`\";").len(),
            1
        );
    }

    #[test]
    fn addresses_anchors_and_examples_are_passed_over() {
        let text = "[a](https://example.org) [b](#here) `crates/<name>`\n```\n[x](x.md)\n```\n";
        assert_eq!(missing("README.md", text), [""; 0]);
    }
}
