//! One source file: its length, its functions' lengths, its module documentation, and marks that must not stay.

/// The faults of a file, each with its line.
pub(super) fn check(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let is_test = name.contains("/tests/") || name.ends_with("/tests.rs");
    let code: Vec<&str> = text.lines().collect();
    let tests = code.iter().position(|line| *line == "mod tests {").unwrap_or(code.len());
    let limit = if is_test { TEST_LINES_MAX } else { LINES_MAX };
    if limit < tests {
        faults.push(format!(": {tests} lines, at most {limit}: split it by verb"));
    }
    let stem = name.rsplit('/').next().unwrap_or_default();
    if ["utils.rs", "util.rs", "helpers.rs", "misc.rs", "common.rs", "manager.rs"].contains(&stem) {
        faults.push(": a name that says nothing".to_owned());
    }
    if !is_test && !text.starts_with("//!") {
        faults.push(":1: no module documentation".to_owned());
    }
    for (index, line) in code.iter().enumerate() {
        faults.extend(marks(line).map(|mark| format!(":{}: `{mark}`", index + 1)));
    }
    faults.extend(long_functions(&code[..tests]));
    faults
}

/// Marks that must not stay. Written apart, so that this file passes its own check.
fn marks(line: &str) -> impl Iterator<Item = String> {
    let marks = [("TO", "DO"), ("FIX", "ME"), ("#[ig", "nore"), ("dbg", "!("), ("/wo", "rk/")];
    let marks = marks.map(|(a, b)| format!("{a}{b}"));
    marks.into_iter().filter(move |mark| line.contains(mark.as_str()))
}

/// Functions over the limit. A function ends at the closing brace in the column where it began.
fn long_functions(code: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, line) in code.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let is_function = line.trim_start().split(' ').take(5).any(|word| word == "fn");
        if !is_function || line.trim_start().starts_with("//") {
            continue;
        }
        let end = format!("{}}}", &line[..indent]);
        let length = code[index..].iter().position(|line| *line == end).map_or(1, |last| last + 1);
        if FUNCTION_LINES_MAX < length && !line.ends_with(';') {
            faults.push(format!(":{}: a function of {length} lines", index + 1));
        }
    }
    faults
}

const LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found() {
        assert_eq!(check("a/src/b.rs", "//! Fine.\n"), Vec::<String>::new());
        assert_eq!(check("a/src/utils.rs", "//! Hm.\n"), [": a name that says nothing"]);
        assert_eq!(check("a/src/b.rs", "fn a() {}\n"), [":1: no module documentation"]);
        let mark = format!("//! Hm.\n// {}{}: later\n", "TO", "DO");
        assert_eq!(check("a/src/b.rs", &mark).len(), 1);
        let long = format!("//! Hm.\nfn a() {{\n{}}}\n", "    let a = 1;\n".repeat(70));
        assert_eq!(check("a/src/b.rs", &long), [":2: a function of 72 lines"]);
        let file = "//! Hm.\n".repeat(501);
        assert_eq!(check("a/src/b.rs", &file).len(), 1);
    }
}
