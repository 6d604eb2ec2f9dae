//! Reads protobuf's wire format, field by field, without copying.

use crate::{MAX_DEPTH, fail::Fail};

/// The largest field number (protobuf language specification).
const MAX_FIELD_NUMBER: u64 = (1 << 29) - 1;

/// The low 32 bits of a varint: what a 32-bit type is made of (protobuf's encoding specification).
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are what is asked for")]
pub(crate) const fn low32(varint: u64) -> u32 {
    varint as u32
}

/// The value of one field as it lies on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    /// The fields between a group's start and its end.
    Group(&'a [u8]),
    Fixed32(u32),
}

/// A cursor over the fields of one message.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Reads the next field; nothing at the end of the message. Always inlined: handing the value over in memory costs as
    /// much as reading it.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Raw<'a>)>, Fail> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let (number, wire_type) = self.tag()?;
        let raw = match wire_type {
            0 => Raw::Varint(self.varint()?),
            1 => Raw::Fixed64(self.fixed64()?),
            2 => Raw::Bytes(self.length_delimited()?),
            3 => Raw::Group(self.group(number)?),
            5 => Raw::Fixed32(self.fixed32()?),
            4 => return Err(malformed("a group ends that never began")),
            _ => return Err(malformed("an unknown wire type")),
        };
        Ok(Some((number, raw)))
    }

    /// Reads one value of a packed list; nothing at its end.
    #[inline]
    pub(crate) fn packed(&mut self, width: Width) -> Result<Option<Raw<'a>>, Fail> {
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        Ok(Some(match width {
            Width::Varint => Raw::Varint(self.varint()?),
            Width::Fixed32 => Raw::Fixed32(self.fixed32()?),
            Width::Fixed64 => Raw::Fixed64(self.fixed64()?),
        }))
    }

    #[inline]
    fn tag(&mut self) -> Result<(u32, u8), Fail> {
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > MAX_FIELD_NUMBER {
            return Err(malformed("a field number out of range"));
        }
        Ok((low32(number), (tag & 7) as u8))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Fail> {
        match self.bytes.get(self.at) {
            Some(byte) if *byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Fail> {
        if let Some((value, length)) = self.bytes.get(self.at..).and_then(short_varint) {
            self.at += length;
            return Ok(value);
        }
        let mut value = 0u64;
        for (i, byte) in self.bytes.get(self.at..).unwrap_or_default().iter().take(10).enumerate() {
            if i == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if *byte < 0x80 {
                self.at += i + 1;
                return Ok(value);
            }
        }
        Err(malformed("a varint that is cut off or too long"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fail> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return Err(malformed("a value that is cut off")) };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn fixed32(&mut self) -> Result<u32, Fail> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes(bytes.try_into().expect("four bytes were taken")))
    }

    fn fixed64(&mut self) -> Result<u64, Fail> {
        let bytes = self.take(8)?;
        Ok(u64::from_le_bytes(bytes.try_into().expect("eight bytes were taken")))
    }

    #[inline]
    fn length_delimited(&mut self) -> Result<&'a [u8], Fail> {
        let length = self.varint()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Finds the end of a group, skipping the groups inside it.
    fn group(&mut self, number: u32) -> Result<&'a [u8], Fail> {
        let start = self.at;
        let mut open = vec![number];
        loop {
            let end = self.at;
            let (number, wire_type) = self.tag()?;
            match wire_type {
                0 => drop(self.varint()?),
                1 => drop(self.take(8)?),
                2 => drop(self.length_delimited()?),
                3 if open.len() >= MAX_DEPTH => return Err(Fail::too_deep()),
                3 => open.push(number),
                4 if open.pop() != Some(number) => return Err(malformed("a group that ends under another number")),
                4 if open.is_empty() => return Ok(&self.bytes[start..end]),
                4 => {}
                5 => drop(self.take(4)?),
                _ => return Err(malformed("an unknown wire type")),
            }
        }
    }
}

/// Reads a varint of up to eight bytes, all of them at once, and says how many it has. Nothing where it is longer, or cut off.
#[inline]
pub(crate) fn short_varint(wire: &[u8]) -> Option<(u64, usize)> {
    let word = match wire.first_chunk() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => {
            let mut padded = [0; 8];
            padded[..wire.len()].copy_from_slice(wire);
            u64::from_le_bytes(padded)
        }
    };
    // The first byte without its highest bit is the last one.
    let ends = !word & CONTINUES;
    let length = ends.trailing_zeros() as usize / 8 + 1;
    if ends == 0 || length > wire.len() {
        return None;
    }
    let groups = word & (u64::MAX >> (64 - 8 * length)) & !CONTINUES;
    // Seven bits of each byte move together: of each two bytes, of each four, of all.
    let twos = (groups & 0x007f_007f_007f_007f) | ((groups & 0x7f00_7f00_7f00_7f00) >> 1);
    let fours = (twos & 0x0000_3fff_0000_3fff) | ((twos & 0x3fff_0000_3fff_0000) >> 2);
    Some(((fours & 0x0fff_ffff) | ((fours & 0x0fff_ffff_0000_0000) >> 4), length))
}

/// The bit of each byte that says that another one follows.
pub(crate) const CONTINUES: u64 = 0x8080_8080_8080_8080;

/// How the elements of a packed list are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    Varint,
    Fixed32,
    Fixed64,
}

#[cold]
pub(crate) fn malformed(what: &str) -> Fail {
    Fail::new(crate::JsonErrorKind::Syntax, format!("the bytes are not a protobuf message: {what}"))
}
