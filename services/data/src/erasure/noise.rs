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

    /// A number from one to another, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let wide = self.bytes(8).into_iter().fold(0_u64, |wide, byte| (wide << 8) | u64::from(byte));
        let distance = high.abs_diff(low);
        low.saturating_add_unsigned(distance.checked_add(1).map_or(wide, |count| wide % count))
    }

    /// The bytes that belong to these, at a turn.
    pub fn turned(&self, turn: usize) -> Noise {
        Noise::of(&[&self.clone().bytes(16), &turn.to_be_bytes()])
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
