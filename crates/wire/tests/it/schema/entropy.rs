//! Where generated messages take their choices from: bytes that proptest can shrink; zeros when they run out.

pub struct Entropy<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Entropy<'a> {
    pub fn new(bytes: &'a [u8]) -> Entropy<'a> {
        Entropy { bytes, at: 0 }
    }

    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    /// Below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    pub fn u64(&mut self) -> u64 {
        (0..8).fold(0, |value, _| value << 8 | u64::from(self.byte()))
    }

    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Small numbers, edges and anything.
    pub fn integer(&mut self) -> i64 {
        match self.below(6) {
            0 => 0,
            1 => i64::from(self.byte()),
            2 => -i64::from(self.byte()),
            3 => [i64::MAX, i64::MIN, i32::MAX.into(), i32::MIN.into(), u32::MAX.into(), 1 << 53][self.below(6)],
            _ => self.u64().cast_signed(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "any double will do")]
    pub fn double(&mut self) -> f64 {
        let edges = [0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, 1e21, 1e-7];
        match self.below(3) {
            0 => edges[self.below(edges.len())],
            1 => self.integer() as f64 / 1000.0,
            _ => Some(f64::from_bits(self.u64())).filter(|value| !value.is_nan()).unwrap_or(2.5),
        }
    }

    pub fn text(&mut self) -> String {
        let alphabet = [
            "a",
            "Z",
            "0",
            "\"",
            "\\",
            "\n",
            "\t",
            "\u{1}",
            "é",
            "漢",
            "😀",
            "\u{7f}",
            "\u{2028}",
            " ",
            "/",
            "plain text",
        ];
        (0..self.below(12)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    pub fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(20)).map(|_| self.byte()).collect()
    }
}
