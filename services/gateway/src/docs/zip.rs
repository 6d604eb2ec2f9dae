//! Writes archives (PKWARE's APPNOTE 6.3): deflated files, one after the other, and what there is at the end.

use std::io::{self, Write as _};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// Version 2.0 of the format, which has deflate.
const NEEDED: u16 = 20;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
const DEFLATE: u16 = 8;
/// The first day that the format knows: what is in the archive has no time of its own, and the same files make the same bytes.
const DATE: u16 = 1 << 5 | 1;

/// An archive that is being written.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    /// What is listed at the end.
    central: Vec<u8>,
    files: u16,
}

impl Archive {
    /// Adds a file. Fails where the archive grows beyond what the format holds.
    pub fn add(&mut self, name: &str, text: &[u8]) -> io::Result<()> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text)?;
        let packed = encoder.finish()?;
        let mut crc = Crc::new();
        crc.update(text);
        let offset = fit::<u32, _>(self.bytes.len())?;
        let mut head = Vec::new();
        for number in [NEEDED, FLAGS, DEFLATE, 0, DATE] {
            head.extend(number.to_le_bytes());
        }
        for number in [crc.sum(), fit(packed.len())?, fit(text.len())?] {
            head.extend(number.to_le_bytes());
        }
        head.extend(fit::<u16, _>(name.len())?.to_le_bytes());
        head.extend(0_u16.to_le_bytes());
        self.bytes.extend(LOCAL.to_le_bytes());
        self.bytes.extend(&head);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);
        self.central.extend(CENTRAL.to_le_bytes());
        self.central.extend(NEEDED.to_le_bytes());
        self.central.extend(&head);
        // No comment, the first disk, no attributes.
        self.central.extend([0; 10]);
        self.central.extend(offset.to_le_bytes());
        self.central.extend(name.as_bytes());
        self.files = self.files.checked_add(1).ok_or_else(too_large)?;
        Ok(())
    }

    /// Gives the archive.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        let (offset, size) = (fit::<u32, _>(self.bytes.len())?, fit::<u32, _>(self.central.len())?);
        self.bytes.extend(self.central);
        self.bytes.extend(END.to_le_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend(self.files.to_le_bytes());
        self.bytes.extend(self.files.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(offset.to_le_bytes());
        self.bytes.extend([0; 2]);
        Ok(self.bytes)
    }
}

fn fit<T: TryFrom<V>, V>(value: V) -> io::Result<T> {
    T::try_from(value).map_err(|_| too_large())
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the archive is larger than its format holds")
}
