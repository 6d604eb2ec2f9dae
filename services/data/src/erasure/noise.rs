//! Bytes that look like chance and are always the same for the same row and field: of nothing that was in it.

use crate::store::answers::digest;

/// A source of such bytes.
#[derive(Debug, Clone)]
pub struct Noise {
    block: Vec<u8>,
    at: usize,
}

impl Noise {
    /// The bytes that belong to these parts.
    pub fn of(parts: &[&[u8]]) -> Noise {
        Noise { block: digest(parts).as_ref().to_vec(), at: 0 }
    }

    fn byte(&mut self) -> u8 {
        if self.at == self.block.len() {
            *self = Noise::of(&[&self.block]);
        }
        self.at += 1;
        self.block[self.at - 1]
    }

    /// A number below another.
    pub fn below(&mut self, limit: usize) -> usize {
        let wide = (usize::from(self.byte()) << 8) | usize::from(self.byte());
        wide % limit.max(1)
    }

    /// So many signs of these.
    pub fn text(&mut self, signs: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(signs[self.below(signs.len())])).collect()
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }
}
