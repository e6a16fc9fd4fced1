//! Masking (RFC 6455 §5.3): payload XOR key, in place, by words of eight bytes.
//! The decoder and the encoder call it; it neither makes nor keeps keys.

/// Masks or unmasks `payload` (the operation is its own inverse), the key starting at its first
/// byte.
pub(crate) fn apply(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let word_key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ word_key).to_ne_bytes();
    }
    for (byte, key_byte) in rest.iter_mut().zip(word_key.to_ne_bytes()) {
        *byte ^= key_byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_rest_agree_with_the_definition_at_every_length() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..64_usize {
            let plain: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
            let expected: Vec<u8> =
                plain.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k).collect();
            let mut masked = plain.clone();
            apply(&mut masked, key);
            assert_eq!(masked, expected, "length {length}");
        }
    }
}
