//! Changes that are written together: keys and values behind each other in one buffer, which is used again after each
//! write.

use super::ARCHIVE_KEY_BYTES_MAX;

/// Changes to an archive, written all or none.
#[derive(Debug, Clone, Default)]
pub struct ArchiveBatch {
    /// Each change's key, then its value.
    arena: Vec<u8>,
    changes: Vec<Change>,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    /// Where the key begins in the arena.
    start: usize,
    key_bytes: u16,
    /// None: the key is removed.
    value_bytes: Option<u32>,
}

impl ArchiveBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value of a key.
    ///
    /// Panics if the key is empty, longer than [`ARCHIVE_KEY_BYTES_MAX`] or the one byte 0, which is the archive's own,
    /// or if the value has 4 GiB or more.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        let bytes = u32::try_from(value.len()).expect("a value is smaller than 4 GiB");
        self.push(key, Some(bytes));
        self.arena.extend_from_slice(value);
    }

    /// Removes a key, which need not be there.
    ///
    /// Panics if the key is none, as in [`ArchiveBatch::put`].
    pub fn remove(&mut self, key: &[u8]) {
        self.push(key, None);
    }

    fn push(&mut self, key: &[u8], value_bytes: Option<u32>) {
        assert!(!key.is_empty(), "a key has at least one byte");
        assert!(key.len() <= ARCHIVE_KEY_BYTES_MAX, "a key has its limit");
        assert!(key != OWN_KEY, "the key 0 is the archive's own");
        let (start, key_bytes) = (self.arena.len(), key.len() as u16);
        self.changes.push(Change { start, key_bytes, value_bytes });
        self.arena.extend_from_slice(key);
    }

    /// How many changes it has.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Bytes of its keys and values.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Forgets its changes and keeps its buffer.
    pub fn clear(&mut self) {
        self.arena.clear();
        self.changes.clear();
    }

    /// Key and value (`None`: removed) of each change, in the order in which they were made.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes.iter().map(|change| {
            let (key, rest) = self.arena[change.start..].split_at(usize::from(change.key_bytes));
            (key, change.value_bytes.map(|bytes| &rest[..bytes as usize]))
        })
    }

    /// Sorts the changes by their keys, and keeps the last one of each key.
    pub(super) fn settle(&mut self) {
        let arena = &self.arena;
        if self.changes.is_sorted_by(|a, b| a.key(arena) < b.key(arena)) {
            return;
        }
        self.changes.sort_by(|a, b| a.key(arena).cmp(b.key(arena)));
        self.changes.dedup_by(|later, kept| {
            let is_same = later.key(arena) == kept.key(arena);
            if is_same {
                *kept = *later;
            }
            is_same
        });
    }

    /// How many of its changes remove something.
    pub(super) fn removals(&self) -> usize {
        self.changes.iter().filter(|change| change.value_bytes.is_none()).count()
    }

    pub(super) fn only_removes(&self) -> bool {
        self.removals() == self.len()
    }
}

impl Change {
    fn key<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        &arena[self.start..][..usize::from(self.key_bytes)]
    }
}

/// The key under which an implementation may keep something of its own.
pub(super) const OWN_KEY: &[u8] = &[0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_out_as_they_went_in() {
        let mut batch = ArchiveBatch::new();
        batch.put(b"a", b"one");
        batch.remove(b"bb");
        batch.put(b"c", b"");
        let changes: Vec<_> = batch.iter().collect();
        assert_eq!(changes, [(&b"a"[..], Some(&b"one"[..])), (b"bb", None), (b"c", Some(b""))]);
        assert_eq!((batch.len(), batch.bytes(), batch.is_empty()), (3, 7, false));
        batch.clear();
        assert_eq!((batch.len(), batch.bytes(), batch.is_empty()), (0, 0, true));
        assert_eq!(batch.iter().count(), 0);
    }

    #[test]
    fn the_last_change_of_a_key_counts() {
        let mut batch = ArchiveBatch::new();
        for (key, value) in
            [(b"b", Some(b"1")), (b"a", Some(b"2")), (b"b", None), (b"a", Some(b"3"))]
        {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.remove(key),
            }
        }
        batch.settle();
        let changes: Vec<_> = batch.iter().collect();
        assert_eq!(changes, [(&b"a"[..], Some(&b"3"[..])), (b"b", None)]);
        assert_eq!((batch.removals(), batch.only_removes()), (1, false));
    }
}
