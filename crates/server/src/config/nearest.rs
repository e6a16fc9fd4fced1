//! What somebody may have meant by a name that is no key.

use super::key::Key;

/// The known key nearest to an unknown dotted name, if any is near: misspelt, or right but in another table.
pub(super) fn nearest(name: &str) -> Option<Key> {
    let leaf = name.rsplit_once('.').map_or(name, |(_, leaf)| leaf);
    let moved = Key::ALL.iter().copied().find(|key| key.leaf() == leaf);
    moved.or_else(|| best(name, Key::name)).or_else(|| best(leaf, Key::leaf))
}

fn best(name: &str, of: fn(Key) -> &'static str) -> Option<Key> {
    let scored = Key::ALL.iter().map(|&key| (strsim::jaro_winkler(name, of(key)), key));
    scored
        .filter(|(score, _)| NEAR <= *score)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key)
}

/// Below this similarity a suggestion puzzles more than it helps.
const NEAR: f64 = 0.8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_found_by_spelling_and_across_tables() {
        assert_eq!(nearest("ack_timout"), Some(Key::AckTimeout));
        assert_eq!(nearest("auth.claim"), Some(Key::AuthClaims));
        assert_eq!(nearest("claims"), Some(Key::AuthClaims));
        assert_eq!(nearest("limit.connections"), Some(Key::LimitsConnections));
        assert_eq!(nearest("auth.ack_timeout"), Some(Key::AckTimeout));
        assert_eq!(nearest("allowed_origin"), Some(Key::AuthAllowedOrigins));
        assert_eq!(nearest("zzz"), None);
    }
}
