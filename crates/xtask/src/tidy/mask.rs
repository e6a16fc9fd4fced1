//! Enough of Rust's lexer to tell code from comments and literals, so that a brace in a string counts for nothing and a
//! word in a comment is no call.

use std::iter::Peekable;
use std::str::Chars;

/// The text twice, with equal lines and columns: only its code, and only its comments.
pub(super) fn mask(text: &str) -> (String, String) {
    let mut masker =
        Masker { rest: text.chars().peekable(), code: String::new(), comment: String::new() };
    masker.run();
    (masker.code, masker.comment)
}

struct Masker<'a> {
    rest: Peekable<Chars<'a>>,
    code: String,
    comment: String,
}

/// Which half a character is kept in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Code,
    Comment,
    Neither,
}

impl Masker<'_> {
    fn run(&mut self) {
        let mut before = ' ';
        while let Some(&character) = self.rest.peek() {
            let in_word = before.is_alphanumeric() || before == '_';
            match character {
                '/' if self.follows('/') => self.line_comment(),
                '/' if self.follows('*') => self.block_comment(),
                '"' => self.string(0, true),
                '\'' => self.quote(),
                'r' | 'b' | 'c' if !in_word => self.prefix(),
                _ => self.take(Half::Code),
            }
            before = self.code.chars().next_back().unwrap_or(' ');
        }
    }

    /// Moves one character over.
    fn take(&mut self, half: Half) {
        let Some(character) = self.rest.next() else { return };
        let keep = |wanted| if half == wanted || character == '\n' { character } else { ' ' };
        self.code.push(keep(Half::Code));
        self.comment.push(keep(Half::Comment));
    }

    /// Whether `wanted` comes after the next character.
    fn follows(&self, wanted: char) -> bool {
        self.rest.clone().nth(1) == Some(wanted)
    }

    fn line_comment(&mut self) {
        while self.rest.peek().is_some_and(|character| *character != '\n') {
            self.take(Half::Comment);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while let Some(&character) = self.rest.peek() {
            let change = match character {
                '/' if self.follows('*') => 1,
                '*' if self.follows('/') => -1,
                _ => 0,
            };
            depth += change;
            self.take(Half::Comment);
            if change != 0 {
                self.take(Half::Comment);
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Letters that may begin a literal (`r"`, `br#"`, `c"`), or are just letters.
    fn prefix(&mut self) {
        let ahead: String = self.rest.clone().take(PREFIX_CHARS_MAX).collect();
        let letters = ahead.chars().take_while(|c| matches!(c, 'r' | 'b' | 'c')).count();
        let hashes = ahead.chars().skip(letters).take_while(|c| *c == '#').count();
        let is_raw = ahead[..letters].contains('r');
        let is_string = ahead.chars().nth(letters + hashes) == Some('"');
        let skip =
            if is_string && letters <= 2 && (is_raw || hashes == 0) { letters + hashes } else { 0 };
        for _ in 0..skip.max(1) {
            self.take(Half::Code);
        }
        if 0 < skip {
            self.string(hashes, !is_raw);
        }
    }

    /// From the opening quote to behind the closing one and its hashes.
    fn string(&mut self, hashes: usize, escapes: bool) {
        self.take(Half::Code);
        while let Some(&character) = self.rest.peek() {
            if character == '"'
                && self.rest.clone().skip(1).take(hashes).filter(|c| *c == '#').count() == hashes
            {
                (0..=hashes).for_each(|_| self.take(Half::Code));
                return;
            }
            if character == '\\' && escapes {
                self.take(Half::Neither);
            }
            self.take(Half::Neither);
        }
    }

    /// A character literal, or a lifetime.
    fn quote(&mut self) {
        let mut ahead = self.rest.clone().skip(1);
        let (first, second) = (ahead.next(), ahead.next());
        self.take(Half::Code);
        if first != Some('\\') && second != Some('\'') {
            return;
        }
        self.take(Half::Neither);
        if first == Some('\\') {
            self.take(Half::Neither);
        }
        while self.rest.peek().is_some_and(|character| *character != '\'') {
            self.take(Half::Neither);
        }
        self.take(Half::Code);
    }
}

/// Two letters, and more hashes than anybody writes.
const PREFIX_CHARS_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &str) {
        assert_eq!(mask(text).0, code, "{text}");
    }

    #[test]
    fn literals_are_blank() {
        check(r#"a("{x}", 'y')"#, r#"a("   ", ' ')"#);
        check(r#"a("\"{", '\'', '{', b'}')"#, r#"a("   ", '  ', ' ', b' ')"#);
        check("a(r#\"{\"}\"#, b\"{\", br\"\\\")", "a(r#\"   \"#, b\" \", br\" \")");
        check("a('\\u{1F}')", "a('      ')");
    }

    #[test]
    fn lifetimes_and_names_are_code() {
        for code in ["fn a<'a>(b: &'a str, c: &'static B) {}", "bar(r, b, cr8)", "r#type"] {
            check(code, code);
        }
    }

    #[test]
    fn comments_are_kept_apart() {
        let (code, comment) = mask("a // {b\n/* c /* d */ \" */ e");
        assert_eq!(code, "a      \n                  e");
        assert_eq!(comment, "  // {b\n/* c /* d */ \" */  ");
    }
}
