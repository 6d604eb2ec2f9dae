//! Writes protobuf's wire format. Lengths are patched in after the body, so a message is written in one go.

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
    pub(crate) fn new(number: u32, wire_type: WireType) -> Tag {
        let mut tag = Tag { bytes: [0; 5], length: 0 };
        let mut rest = (u64::from(number) << 3) | wire_type as u64;
        loop {
            #[allow(clippy::cast_possible_truncation)] // seven bits
            let byte = (rest & 0x7f) as u8;
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

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

#[inline]
pub(crate) fn put_varint<S: Sink>(value: u64, out: &mut S) {
    if value < 0x80 {
        #[allow(clippy::cast_possible_truncation)] // below 128
        out.push(value as u8);
    } else if value < 0x4000 {
        out.extend(&two_bytes(value));
    } else {
        let (bytes, length) = varint(value);
        out.extend(&bytes[..length]);
    }
}

/// The varint of a number from 128 to 16383.
#[allow(clippy::cast_possible_truncation)] // seven bits at a time
fn two_bytes(value: u64) -> [u8; 2] {
    [value as u8 | 0x80, (value >> 7) as u8]
}

/// The varint's bytes and how many of them count.
#[allow(clippy::cast_possible_truncation)] // seven bits at a time
pub(crate) fn varint(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut length = 0;
    while value >= 0x80 {
        bytes[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    (bytes, length + 1)
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
        #[allow(clippy::cast_possible_truncation)] // below 128
        let byte = length as u8;
        out.written()[start - 1] = byte;
    } else {
        close_long(start, length, out);
    }
}

fn close_long<S: Sink>(start: usize, length: usize, out: &mut S) {
    let (bytes, size) = varint(length as u64);
    out.extend(&bytes[1..size]); // makes room; the content is overwritten below
    let written = out.written();
    written.copy_within(start..start + length, start + size - 1);
    written[start - 1..start - 1 + size].copy_from_slice(&bytes[..size]);
}

pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}
