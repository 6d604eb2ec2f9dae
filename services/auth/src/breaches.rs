//! A local list of passwords that were found in breaches of other services.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// How many digits a hash has.
const DIGITS: usize = 40;

/// Longest line that is read: a hash, a colon, and how often it was found.
const MAX_LINE: u64 = 128;

/// A file of SHA-1 hashes in hexadecimal digits, one a line, in their order; what stands behind a colon does not matter. Lists
/// of this form can be had ("Pwned Passwords", ordered by hash). It is searched where it lies: nothing of it is held in memory.
#[derive(Debug)]
pub struct BreachList {
    path: PathBuf,
}

/// Says why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BreachListError {
    #[error("auth.password_breach_list: {path} cannot be read")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "auth.password_breach_list: {path} is no list of SHA-1 hashes at byte {at}: one a line, 40 hexadecimal digits each, ordered"
    )]
    Form { path: PathBuf, at: u64 },
}

impl BreachList {
    /// Takes a list after a look at its beginning and its end.
    pub fn open(path: &Path) -> Result<BreachList, BreachListError> {
        let list = BreachList { path: path.to_owned() };
        list.find("")?;
        list.find(&"F".repeat(DIGITS))?;
        Ok(list)
    }

    /// Says whether a password is in the list. Reads about as many lines as the file's length has bits.
    pub fn contains(&self, password: &[u8]) -> Result<bool, BreachListError> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password);
        let wanted: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        self.find(&wanted)
    }

    fn find(&self, wanted: &str) -> Result<bool, BreachListError> {
        let failed = |source| BreachListError::File { path: self.path.clone(), source };
        let file = File::open(&self.path).map_err(failed)?;
        // Lines that begin in [low, high) may be the one.
        let (mut low, mut high) = (0, file.metadata().map_err(failed)?.len());
        let mut reader = BufReader::with_capacity(256, file);
        while low < high {
            let middle = low + (high - low) / 2;
            let Some((begin, line)) =
                line_from(&mut reader, middle).map_err(failed)?.filter(|(begin, _)| *begin < high)
            else {
                high = middle;
                continue;
            };
            let hash = self.hash_of(&line, begin)?;
            match hash.as_str().cmp(wanted) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = begin + u64::try_from(line.len()).unwrap_or(u64::MAX),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }

    fn hash_of(&self, line: &[u8], at: u64) -> Result<String, BreachListError> {
        let line = std::str::from_utf8(line).unwrap_or_default().trim_end();
        let hash = line.split(':').next().unwrap_or_default();
        if hash.len() == DIGITS && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(hash.to_ascii_uppercase())
        } else {
            Err(BreachListError::Form { path: self.path.clone(), at })
        }
    }
}

/// The first line that begins at `at` or after it, with its end, and where it begins.
fn line_from(reader: &mut BufReader<File>, at: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut begin = at;
    reader.seek(SeekFrom::Start(at.saturating_sub(1)))?;
    let mut line = Vec::new();
    if at > 0 {
        // The rest of the line before; where that ends just here, it is its end alone.
        let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        begin = at - 1 + u64::try_from(read).unwrap_or(0);
        line.clear();
    }
    reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
    Ok((!line.is_empty()).then_some((begin, line)))
}
