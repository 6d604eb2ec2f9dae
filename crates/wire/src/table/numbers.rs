//! Finds a field by its number.

/// Numbers below this are found by index, the others by binary search.
const DENSE: u32 = 512;

/// The positions of field numbers in an ascending list.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// By number: the position + 1, or 0.
    dense: Box<[u16]>,
    sparse: Box<[(u32, usize)]>,
}

impl Numbers {
    /// Indexes numbers that ascend.
    pub(crate) fn new(numbers: impl Iterator<Item = u32>) -> Numbers {
        let mut dense = Vec::new();
        let mut sparse = Vec::new();
        for (position, number) in numbers.enumerate() {
            match u16::try_from(position + 1) {
                Ok(slot) if number < DENSE => {
                    dense.resize(number as usize + 1, 0);
                    dense[number as usize] = slot;
                }
                _ => sparse.push((number, position)),
            }
        }
        Numbers { dense: dense.into(), sparse: sparse.into() }
    }

    #[inline]
    pub(crate) fn find(&self, number: u32) -> Option<usize> {
        match self.dense.get(number as usize) {
            Some(0) => None,
            Some(slot) => Some(usize::from(*slot) - 1),
            None => self.in_sparse(number),
        }
    }

    fn in_sparse(&self, number: u32) -> Option<usize> {
        let found = self.sparse.binary_search_by_key(&number, |(n, _)| *n).ok()?;
        Some(self.sparse[found].1)
    }
}
