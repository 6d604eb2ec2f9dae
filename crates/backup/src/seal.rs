//! Blocks, each sealed under its number and whether it is the last one (STREAM: Hoang, Reyhanitabar, Rogaway and Vizár, 2015).

use std::io::{self, BufRead, Read, Write};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// What a block holds.
pub(crate) const BLOCK_BYTES: usize = 64 << 10;

const TAG_BYTES: usize = 16;

fn key(bytes: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("the key has AES-256's length"))
}

/// The key is this file's alone, so a number is enough of a nonce.
fn nonce(number: u64, last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[3..11].copy_from_slice(&number.to_be_bytes());
    bytes[11] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// Seals what is written to it. What is not [`finish`](Sealer::finish)ed does not open.
pub(crate) struct Sealer<W> {
    out: W,
    key: LessSafeKey,
    block: Vec<u8>,
    number: u64,
}

impl<W: Write> Sealer<W> {
    pub fn new(out: W, bytes: &[u8; 32]) -> Sealer<W> {
        Sealer { out, key: key(bytes), block: Vec::with_capacity(BLOCK_BYTES + TAG_BYTES), number: 0 }
    }

    fn put(&mut self, last: bool) -> io::Result<()> {
        let sealed = self.key.seal_in_place_append_tag(nonce(self.number, last), Aad::empty(), &mut self.block);
        sealed.map_err(|_| io::Error::other("a block cannot be sealed"))?;
        self.out.write_all(&self.block)?;
        self.block.clear();
        self.number += 1;
        Ok(())
    }

    /// Seals the last block, and gives back what was written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.put(true)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full block waits for another byte: the last one is sealed as such.
        if self.block.len() == BLOCK_BYTES && !bytes.is_empty() {
            self.put(false)?;
        }
        let taken = bytes.len().min(BLOCK_BYTES - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Says which block did not open, by the place of its first byte after the lines in the clear.
#[derive(Debug, thiserror::Error)]
#[error("the block at byte {at} does not open")]
pub(crate) struct Unopened {
    pub at: u64,
}

/// Reads what a [`Sealer`] wrote. Gives nothing of a block that does not open.
pub(crate) struct Opener<R> {
    from: R,
    key: LessSafeKey,
    block: Vec<u8>,
    /// Up to where the block was read.
    read: usize,
    number: u64,
    ended: bool,
}

impl<R: BufRead> Opener<R> {
    pub fn new(from: R, bytes: &[u8; 32]) -> Opener<R> {
        Opener { from, key: key(bytes), block: Vec::new(), read: 0, number: 0, ended: false }
    }

    fn next(&mut self) -> io::Result<()> {
        self.block.clear();
        self.read = 0;
        let full = BLOCK_BYTES + TAG_BYTES;
        (&mut self.from).take(full as u64).read_to_end(&mut self.block)?;
        let last = self.from.fill_buf()?.is_empty();
        let at = self.number * full as u64;
        let opened = self.key.open_in_place(nonce(self.number, last), Aad::empty(), &mut self.block);
        let length = opened.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, Unopened { at }))?.len();
        self.block.truncate(length);
        self.number += 1;
        self.ended = last;
        Ok(())
    }
}

impl<R: BufRead> Read for Opener<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.read == self.block.len() {
            if self.ended {
                return Ok(0);
            }
            self.next()?;
        }
        let taken = out.len().min(self.block.len() - self.read);
        out[..taken].copy_from_slice(&self.block[self.read..self.read + taken]);
        self.read += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const SIZES: [usize; 6] = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES];

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect()
    }

    fn sealed(plain: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(Vec::new(), &KEY);
        sealer.write_all(plain).unwrap();
        sealer.finish().unwrap()
    }

    fn opened(sealed: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Opener::new(sealed, &KEY).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn what_is_sealed_opens_as_it_was_whatever_its_length() {
        for length in SIZES {
            assert_eq!(opened(&sealed(&bytes(length))).unwrap(), bytes(length), "{length}");
        }
    }

    #[test]
    fn what_is_cut_off_changed_moved_or_longer_does_not_open() {
        for length in SIZES {
            let whole = sealed(&bytes(length));
            let block = BLOCK_BYTES + TAG_BYTES;
            for cut in [whole.len() - 1, whole.len() / 2, whole.len() / block * block, 0] {
                assert!(cut == whole.len() || opened(&whole[..cut]).is_err(), "{length} cut at {cut}");
            }
            for place in [0, whole.len() / 2, whole.len() - 1] {
                let mut changed = whole.clone();
                changed[place] ^= 1;
                assert!(opened(&changed).is_err(), "{length} changed at {place}");
            }
            assert!(opened(&[whole.as_slice(), b"x"].concat()).is_err(), "{length} and more");
            assert!(opened(&[whole.as_slice(), whole.as_slice()].concat()).is_err(), "{length} twice");
            if whole.len() > 2 * block {
                let mut moved = whole.clone();
                moved.copy_within(block..2 * block, 0);
                moved[block..2 * block].copy_from_slice(&whole[..block]);
                assert!(opened(&moved).is_err(), "{length} with its first blocks in another order");
            }
        }
    }
}
