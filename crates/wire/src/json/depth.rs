//! How deep a JSON text goes. The parser skips what it is not asked for without recursion and therefore without a
//! limit: the limit of the contract is looked after here.

use crate::limits::DEPTH_MAX;

/// Whether arrays and objects are nested more than [`DEPTH_MAX`] levels deep in this text, which is known to be
/// JSON. Its outermost array or object is level 1.
pub(crate) fn is_too_deep(json: &str) -> bool {
    if json.len() <= DEPTH_MAX {
        return false;
    }
    // Most texts have fewer brackets than levels are allowed, and counting them is quick. `[` and `{` differ in one
    // bit from each other.
    let brackets = json.bytes().filter(|byte| byte | 0x20 == b'{').count();
    DEPTH_MAX < brackets && DEPTH_MAX < depth(json)
}

fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Goes behind the string whose first quote was just read.
fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact_and_brackets_in_strings_do_not_count() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert!(!is_too_deep(&nested(DEPTH_MAX)));
        assert!(is_too_deep(&nested(DEPTH_MAX + 1)));
        assert!(!is_too_deep(&format!("[{}]", vec!["[]"; 200].join(","))));
        assert!(!is_too_deep(&format!("[\"\\\"{}\"]", "[{".repeat(200))));
        assert!(is_too_deep(&format!("[\"]]]\\\\\",{}]", nested(DEPTH_MAX))));
    }
}
