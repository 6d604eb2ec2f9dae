//! Writes protobuf's wire format. Lengths are patched in after the body, so a message is written in one go.

use crate::reader::CONTINUES;

/// A growing buffer whose written bytes can be moved.
pub(crate) trait Sink {
    fn push(&mut self, byte: u8);
    fn extend(&mut self, bytes: &[u8]);
    fn length(&self) -> usize;
    fn cut(&mut self, length: usize);
    fn written(&mut self) -> &mut [u8];
}

impl Sink for Vec<u8> {
    #[inline]
    fn push(&mut self, byte: u8) {
        Vec::push(self, byte);
    }
    #[inline]
    fn extend(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
    #[inline]
    fn length(&self) -> usize {
        self.len()
    }
    fn cut(&mut self, length: usize) {
        self.truncate(length);
    }
    fn written(&mut self) -> &mut [u8] {
        self
    }
}

/// The wire types that are still written (groups: start and end).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireType {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

/// A field's tag, encoded once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    bytes: [u8; 5],
    length: u8,
}

impl Tag {
    #[inline]
    pub(crate) fn new(number: u32, wire_type: WireType) -> Tag {
        let mut tag = Tag { bytes: [0; 5], length: 0 };
        let mut rest = (u64::from(number) << 3) | wire_type as u64;
        loop {
            let byte = low7(rest);
            rest >>= 7;
            tag.bytes[usize::from(tag.length)] = if rest == 0 { byte } else { byte | 0x80 };
            tag.length += 1;
            if rest == 0 {
                return tag;
            }
        }
    }

    #[inline]
    pub(crate) fn put<S: Sink>(&self, out: &mut S) {
        if self.length == 1 {
            out.push(self.bytes[0]);
        } else {
            out.extend(&self.bytes[..usize::from(self.length)]);
        }
    }

    pub(crate) fn is_of(&self, wire_type: WireType) -> bool {
        self.bytes[0] & 7 == wire_type as u8
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// The seven bits that go into the next byte of a varint.
#[inline]
const fn low7(value: u64) -> u8 {
    (value & 0x7f) as u8
}

#[inline]
pub(crate) fn put_varint<S: Sink>(value: u64, out: &mut S) {
    if value < 0x80 {
        out.push(low7(value));
    } else if value < 0x4000 {
        out.extend(&two_bytes(value));
    } else {
        let (bytes, length) = varint(value);
        out.extend(&bytes[..length]);
    }
}

/// The varint of a number from 128 to 16383.
fn two_bytes(value: u64) -> [u8; 2] {
    [low7(value) | 0x80, low7(value >> 7)]
}

/// The varint's bytes and how many of them count.
pub(crate) fn varint(value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let length = put_varint_at(value, &mut bytes);
    (bytes, length)
}

/// Writes a varint to where there is room for it, and says how many bytes it took: what is behind it may be written over.
#[inline]
pub(crate) fn put_varint_at(mut value: u64, bytes: &mut [u8]) -> usize {
    if let (true, Some(chunk)) = (value < 1 << 56, bytes.first_chunk_mut::<8>()) {
        let bits = 64 - (value | 1).leading_zeros() as usize;
        let length = bits.div_ceil(7);
        // Seven bits go into each byte: of all into two halves, of these into two, of these into two.
        let fours = (value & 0x0fff_ffff) | ((value & 0x00ff_ffff_f000_0000) << 4);
        let twos = (fours & 0x0000_3fff_0000_3fff) | ((fours & 0x0fff_c000_0fff_c000) << 2);
        let groups = (twos & 0x007f_007f_007f_007f) | ((twos & 0x3f80_3f80_3f80_3f80) << 1);
        let continued = CONTINUES & ((1 << (8 * (length - 1))) - 1);
        *chunk = (groups | continued).to_le_bytes();
        return length;
    }
    let mut length = 0;
    while value >= 0x80 {
        bytes[length] = low7(value) | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = low7(value);
    length + 1
}

#[inline]
pub(crate) fn put_length_delimited<S: Sink>(body: &[u8], out: &mut S) {
    put_varint(body.len() as u64, out);
    out.extend(body);
}

/// Leaves room for a length; hand the answer to [`close`] after the body.
#[inline]
pub(crate) fn open<S: Sink>(out: &mut S) -> usize {
    out.push(0);
    out.length()
}

/// Writes the length of the body that began at `start`, moving it where the length needs more than one byte.
#[inline]
pub(crate) fn close<S: Sink>(start: usize, out: &mut S) {
    let length = out.length() - start;
    if length < 0x80 {
        out.written()[start - 1] = low7(length as u64);
    } else {
        make_room(start, 1, out);
    }
}

/// The same as [`open`] for a body that most often takes from 128 to 16383 bytes, and is then not moved.
#[inline]
pub(crate) fn open_wide<S: Sink>(out: &mut S) -> usize {
    out.extend(&[0; 2]);
    out.length()
}

/// The same as [`close`] for what [`open_wide`] has begun.
#[inline]
pub(crate) fn close_wide<S: Sink>(start: usize, out: &mut S) {
    let length = out.length() - start;
    if (0x80..0x4000).contains(&length) {
        out.written()[start - 2..start].copy_from_slice(&two_bytes(length as u64));
    } else {
        make_room(start, 2, out);
    }
}

/// Writes the length of a body for which another number of bytes was left than it takes.
fn make_room<S: Sink>(start: usize, left: usize, out: &mut S) {
    let length = out.length() - start;
    let (bytes, size) = varint(length as u64);
    let begin = start - left;
    out.extend(&bytes[..size.saturating_sub(left)]); // makes room; the content is overwritten below
    out.written().copy_within(start..start + length, begin + size);
    out.written()[begin..begin + size].copy_from_slice(&bytes[..size]);
    out.cut(begin + size + length);
}

pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::short_varint;

    #[test]
    fn a_varint_is_written_and_read_at_once_as_it_is_byte_by_byte() {
        let around = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1, u64::MAX >> bit]);
        let mixed = (1..1_000u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 64));
        for value in around.chain(mixed) {
            let (mut slow, mut rest) = (Vec::new(), value);
            while rest >= 0x80 {
                slow.push(low7(rest) | 0x80);
                rest >>= 7;
            }
            slow.push(low7(rest));
            let (bytes, length) = varint(value);
            assert_eq!(bytes[..length], slow, "{value}");
            let is_short = length <= 8;
            let read = is_short.then_some((value, length));
            assert_eq!(short_varint(&slow), read, "{value}");
            assert_eq!(short_varint(&[&slow[..], &[0xff; 9]].concat()), read, "{value}");
            assert_eq!(short_varint(&slow[..length - 1]), None, "{value} without its last byte");
        }
    }

    #[test]
    fn a_length_stands_before_its_body_however_much_room_was_left_for_it() {
        for length in [0, 1, 127, 128, 129, 16_383, 16_384, 16_385, 3_000_000] {
            let body: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut expected = b"before".to_vec();
            put_length_delimited(&body, &mut expected);
            for (open, close) in [
                (open::<Vec<u8>> as fn(&mut _) -> usize, close::<Vec<u8>> as fn(usize, &mut _)),
                (open_wide, close_wide),
            ] {
                let mut out = b"before".to_vec();
                let start = open(&mut out);
                out.extend_from_slice(&body);
                close(start, &mut out);
                assert!(out == expected, "{length}");
            }
        }
    }
}
