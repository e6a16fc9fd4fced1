//! How long files and functions may be. Tests are not counted with the code; their files have a limit of their own.

use super::fault::Fault;
use super::source::Source;

pub(super) fn check(source: &Source) -> Vec<Fault> {
    let mut faults = functions(source);
    let (lines, limit) = if source.is_test_file() {
        (source.lines.len(), TEST_LINES_MAX)
    } else {
        (source.lines.iter().filter(|line| !line.is_test).count(), LINES_MAX)
    };
    if limit < lines {
        let what = format!("{lines} lines, at most {limit}: split it by verb");
        faults.push(Fault::new(&source.path, 0, what));
    }
    faults
}

fn functions(source: &Source) -> Vec<Fault> {
    let code = source.numbered().filter(|(_, line)| !line.is_test && begins_function(&line.code));
    let lengths = code.map(|(number, _)| (number, source.end_of_item(number - 1) + 2 - number));
    let long = lengths.filter(|(_, length)| FUNCTION_LINES_MAX < *length);
    let fault = |(number, length)| {
        let what = format!("a function of {length} lines, at most {FUNCTION_LINES_MAX}");
        Fault::new(&source.path, number, what)
    };
    long.map(fault).collect()
}

/// Whether a named function begins here (`fn(…)` is only a type).
fn begins_function(code: &str) -> bool {
    let mut words = code.split_whitespace();
    words.any(|word| word == "fn") && words.next().is_some_and(|name| !name.starts_with('('))
}

const LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(&sample(path, text))).iter().map(Fault::to_string).collect()
    }

    #[test]
    fn a_file_may_have_500_lines_without_its_tests() {
        let tests = "#[cfg(test)]\nmod tests {\n    fn a() {}\n}\n";
        let most = "use a;\n".repeat(500) + tests;
        assert_eq!(faults("src/a.rs", &most), [""; 0]);
        let over = "use a;\n".repeat(501) + tests;
        assert_eq!(
            faults("src/a.rs", &over),
            ["src/a.rs: 501 lines, at most 500: split it by verb"]
        );
    }

    #[test]
    fn a_file_of_tests_may_have_600() {
        assert_eq!(faults("a/tests/it/b.rs", &"use a;\n".repeat(600)), [""; 0]);
        assert_eq!(faults("a/tests/it/b.rs", &"use a;\n".repeat(601)).len(), 1);
    }

    #[test]
    fn a_function_may_have_70_lines() {
        let function =
            |lines: usize| format!("\npub fn a() {{\n{}}}\n", "    \"}\";\n".repeat(lines - 2));
        assert_eq!(faults("src/a.rs", &function(70)), [""; 0]);
        let fault = "src/a.rs:2: a function of 71 lines, at most 70";
        assert_eq!(faults("src/a.rs", &function(71)), [fault]);
    }

    #[test]
    fn a_declaration_and_a_type_are_no_functions() {
        let text = format!(
            "trait A {{\n    fn a(b: fn(u8));\n    const C: fn (u8) = d;\n{}}}\n",
            "\n".repeat(90)
        );
        assert_eq!(faults("src/a.rs", &text), [""; 0]);
    }
}
