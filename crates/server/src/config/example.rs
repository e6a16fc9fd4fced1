//! The text of `config.example.toml`, made from the table of keys.

use std::fmt::Write as _;

use super::key::Key;

/// Every key with its meaning and its default.
pub fn example() -> String {
    let mut text = String::from(HEAD);
    let mut table = "";
    for &key in Key::ALL {
        text.push('\n');
        if key.table() != table {
            table = key.table();
            write!(text, "[{table}]\n\n").expect("writing to a String does not fail");
        }
        for line in key.doc() {
            writeln!(text, "#{line}").expect("writing to a String does not fail");
        }
        if key.is_reloaded() {
            text.push_str("# Read again on SIGHUP.\n");
        }
        writeln!(text, "{} = {}", key.leaf(), key.default_toml())
            .expect("writing to a String does not fail");
    }
    text
}

const HEAD: &str = "\
# Configuration of ackd: every key, with its default. `ackd serve --config FILE` reads it, `ackd config check` checks it.
# The environment beats the file (ACKD_ACK_TIMEOUT=10s, nested with two underscores: ACKD_AUTH__CLAIMS=false), flags beat
# both (--set auth.claims=false). Durations: ms, s, m, h, d. Sizes: B, KiB, MiB, GiB, or a plain number of bytes.
";
