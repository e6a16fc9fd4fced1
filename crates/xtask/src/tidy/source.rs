//! The files that are checked, and a Rust file seen line by line: what is code, what is comment, what is test.

use std::path::Path;

use anyhow::{Context, Result};

use super::mask::mask;

/// A text file of the workspace.
#[derive(Debug)]
pub(super) struct Text {
    /// From the workspace's folder on, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Text {
    /// What stands behind the last dot of its name.
    pub(super) fn extension(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// Its lines with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// A Rust file.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: String,
    pub(super) lines: Vec<Line>,
}

/// One line of Rust. In both halves, what belongs to neither is blank; columns stay.
#[derive(Debug)]
pub(super) struct Line {
    /// Without comments and without what stands in string and character literals.
    pub(super) code: String,
    /// What stands in comments, slashes included.
    pub(super) comment: String,
    /// Belongs to tests, measurements or examples: by its file or by `#[cfg(test)]`.
    pub(super) is_test: bool,
}

impl Source {
    pub(super) fn new(text: &Text) -> Self {
        let (code, comments) = mask(&text.text);
        let all_test = is_test_file(&text.path);
        let halves = code.lines().zip(comments.lines());
        let lines = halves.map(|(code, comment)| Line {
            code: code.to_owned(),
            comment: comment.to_owned(),
            is_test: all_test,
        });
        let mut source = Self { path: text.path.clone(), lines: lines.collect() };
        source.mark_test_modules();
        source
    }

    /// Its lines with their numbers, from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether the whole file belongs to tests.
    pub(super) fn is_test_file(&self) -> bool {
        is_test_file(&self.path)
    }

    /// Of the item that begins at line `start` (from 0): the line its braces close in, or its `;` stands in.
    pub(super) fn end_of_item(&self, start: usize) -> usize {
        let (mut braces, mut brackets) = (0_usize, 0_usize);
        for (index, line) in self.lines.iter().enumerate().skip(start) {
            for character in line.code.chars() {
                match character {
                    '(' | '[' => brackets += 1,
                    ')' | ']' => brackets = brackets.saturating_sub(1),
                    '{' => braces += 1,
                    '}' if braces <= 1 => return index,
                    '}' => braces -= 1,
                    ';' if braces == 0 && brackets == 0 => return index,
                    _ => {}
                }
            }
        }
        self.lines.len().saturating_sub(1)
    }

    fn mark_test_modules(&mut self) {
        for start in 0..self.lines.len() {
            if self.lines[start].code.contains("#[cfg(test)]") {
                let end = self.end_of_item(start);
                self.lines[start..=end].iter_mut().for_each(|line| line.is_test = true);
            }
        }
    }
}

/// Every file that is checked, in order of its path.
pub(super) fn read(root: &Path) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    read_folder(root, "", &mut texts)?;
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(texts)
}

fn read_folder(folder: &Path, prefix: &str, texts: &mut Vec<Text>) -> Result<()> {
    for entry in folder.read_dir().with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            if !FOLDERS_PASSED_OVER.contains(&name.as_str()) {
                read_folder(&entry.path(), &format!("{path}/"), texts)?;
            }
        } else if EXTENSIONS.iter().any(|extension| name.ends_with(extension)) {
            let text = std::fs::read_to_string(entry.path());
            texts.push(Text { text: text.with_context(|| format!("read {path}"))?, path });
        }
    }
    Ok(())
}

fn is_test_file(path: &str) -> bool {
    let folders = ["/tests/", "/benches/", "/examples/"];
    folders.iter().any(|folder| path.contains(folder)) || path.ends_with("/tests.rs")
}

/// Made by tools, or data of tests.
const FOLDERS_PASSED_OVER: &[&str] = &[".git", "target", "ackd-data", "node_modules", "testdata"];
const EXTENSIONS: &[&str] = &[".rs", ".md", ".toml", ".html", ".sh", ".yml", ".yaml", ".svg"];

/// For the checks' own tests: a file with this text.
#[cfg(test)]
pub(super) fn sample(path: &str, text: &str) -> Text {
    Text { path: path.to_owned(), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests_of(path: &str, text: &str) -> Vec<bool> {
        Source::new(&sample(path, text)).lines.iter().map(|line| line.is_test).collect()
    }

    #[test]
    fn a_test_module_ends_where_its_braces_close() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\"; }\n}\nfn c() {}\n";
        assert_eq!(tests_of("src/a.rs", text), [false, true, true, true, true, false]);
    }

    #[test]
    fn a_test_module_in_another_file_ends_at_once() {
        let text = "#[cfg(test)]\nmod tests;\nfn c() {}\n";
        assert_eq!(tests_of("src/a.rs", text), [true, true, false]);
    }

    #[test]
    fn files_of_tests_are_tests_throughout() {
        for path in [
            "crates/a/tests/it/b.rs",
            "crates/a/src/b/tests.rs",
            "crates/a/benches/b.rs",
            "crates/a/examples/b.rs",
        ] {
            assert_eq!(tests_of(path, "fn a() {}\n"), [true], "{path}");
        }
        assert_eq!(tests_of("crates/a/src/test.rs", "fn a() {}\n"), [false]);
    }

    #[test]
    fn an_array_type_does_not_end_a_function() {
        let source = Source::new(&sample("a.rs", "fn a(b: [u8; 4]) {\n    b;\n}\nfn c() {}\n"));
        assert_eq!(source.end_of_item(0), 2);
    }
}
