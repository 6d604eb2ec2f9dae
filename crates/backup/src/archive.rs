//! The file as a whole.

use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use ring::digest::{Context, SHA256};

use crate::folder::make_private;
use crate::header::Header;
use crate::seal::{Opener, Sealer, Unopened};
use crate::{Error, File, Manifest, Secret};

/// The longest manifest: a hundred thousand tables.
const MAX_MANIFEST: u32 = 64 << 20;

/// How much is written before the disk has to have it: what piles up in memory would hold up a server's own syncs at the
/// end.
const SYNCED_BYTES: u64 = 16 << 20;

/// Writes a backup of the files that the manifest lists, which are below `from`, to `out`, which must not exist, and syncs
/// it. Says with `progress` how many bytes of the files are in it.
pub fn write(
    out: &Path,
    (version, made): (&str, &str),
    secret: &Secret,
    manifest: &Manifest,
    from: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Error> {
    let header = Header::new(version, made, secret)?;
    let (lines, keys) = header.seal(secret)?;
    let written = || Error::file("written", out);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(written())?;
    let mut clear = BufWriter::with_capacity(1 << 20, &file);
    clear.write_all(lines.as_bytes()).map_err(written())?;
    let mut sealer = Sealer::new(clear, &keys.seal);
    let text = serde_json::to_vec(manifest).expect("a manifest has only text keys");
    let length = u32::try_from(text.len()).ok().filter(|length| *length <= MAX_MANIFEST);
    let length = length.ok_or_else(|| inconsistent(out, "it would list more than a manifest can".to_owned()))?;
    sealer.write_all(&length.to_le_bytes()).and_then(|()| sealer.write_all(&text)).map_err(written())?;
    let (mut done, mut synced, mut buffer) = (0, 0, vec![0; 256 << 10]);
    for listed in &manifest.files {
        let place = from.join(&listed.path);
        let mut source = fs::File::open(&place).map_err(Error::file("read", &place))?;
        loop {
            let read = source.read(&mut buffer).map_err(Error::file("read", &place))?;
            if read == 0 {
                break;
            }
            sealer.write_all(&buffer[..read]).map_err(written())?;
            done += read as u64;
            if done - synced >= SYNCED_BYTES {
                file.sync_data().map_err(written())?;
                synced = done;
            }
            progress(done);
        }
    }
    let mut clear = sealer.finish().map_err(written())?;
    clear.flush().map_err(written())?;
    drop(clear);
    file.sync_all().map_err(written())
}

/// A backup that opens.
pub struct Backup {
    path: PathBuf,
    pub header: Header,
    pub manifest: Manifest,
    rest: Opener<BufReader<fs::File>>,
    /// The bytes before the first block.
    clear: u64,
}

impl std::fmt::Debug for Backup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backup").field("path", &self.path).field("header", &self.header).finish_non_exhaustive()
    }
}

impl Backup {
    /// Opens a backup as far as its manifest.
    pub fn open(path: &Path, secret: &Secret) -> Result<Backup, Error> {
        if path.is_dir() {
            let what = "it is a folder; name a file in it".to_owned();
            return Err(Error::File { what: "read", path: path.to_owned(), source: io::Error::other(what) });
        }
        let mut file = BufReader::with_capacity(1 << 20, fs::File::open(path).map_err(Error::file("read", path))?);
        let (header, keys, clear) = Header::open(&mut file, secret, path)?;
        let mut rest = Opener::new(file, &keys.seal);
        let mut length = [0; 4];
        rest.read_exact(&mut length).map_err(|error| unopened(path, clear, error))?;
        let length = u32::from_le_bytes(length);
        if length > MAX_MANIFEST {
            return Err(inconsistent(path, "its manifest is longer than one can be".to_owned()));
        }
        let mut text = vec![0; length as usize];
        rest.read_exact(&mut text).map_err(|error| unopened(path, clear, error))?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| inconsistent(path, format!("the manifest is none: {error}")))?;
        if let Some(bad) = manifest.bad_path() {
            return Err(inconsistent(path, format!("{bad:?} is no path below a folder")));
        }
        Ok(Backup { path: path.to_owned(), header, manifest, rest, clear })
    }

    /// Writes all files below `into`, which exists, and compares each with what the manifest says. Says with `progress` how
    /// many bytes are written.
    pub fn unpack(mut self, into: &Path, progress: &mut dyn FnMut(u64)) -> Result<Manifest, Error> {
        let files = std::mem::take(&mut self.manifest.files);
        let mut done = 0;
        for file in &files {
            self.unpack_file(file, into, &mut done, progress)?;
        }
        let mut more = [0];
        match self.rest.read(&mut more) {
            Ok(0) => {}
            Ok(_) => return Err(inconsistent(&self.path, "there is more in it than the files listed".to_owned())),
            Err(error) => return Err(unopened(&self.path, self.clear, error)),
        }
        self.manifest.files = files;
        Ok(self.manifest)
    }

    fn unpack_file(
        &mut self,
        listed: &File,
        into: &Path,
        done: &mut u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), Error> {
        let place = into.join(&listed.path);
        if let Some(folder) = place.parent() {
            make_private(folder)?;
        }
        let written = || Error::file("written", &place);
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place).map_err(written())?;
        let (mut left, mut context, mut buffer) = (listed.bytes, Context::new(&SHA256), vec![0; 256 << 10]);
        while left > 0 {
            let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = self.rest.read(&mut buffer[..wanted]);
            let read = read.map_err(|error| unopened(&self.path, self.clear, error))?;
            if read == 0 {
                return Err(inconsistent(&self.path, format!("{} is shorter", listed.path)));
            }
            context.update(&buffer[..read]);
            out.write_all(&buffer[..read]).map_err(written())?;
            left -= read as u64;
            *done += read as u64;
            progress(*done);
        }
        if HEXLOWER.encode(context.finish().as_ref()) != listed.sha256 {
            return Err(inconsistent(&self.path, format!("{} has another hash", listed.path)));
        }
        out.sync_all().map_err(written())
    }
}

fn inconsistent(path: &Path, what: String) -> Error {
    Error::Inconsistent { path: path.to_owned(), what }
}

/// A block that does not open is told by its place in the file; anything else is the disk's.
fn unopened(path: &Path, clear: u64, error: io::Error) -> Error {
    let at = error.get_ref().and_then(|inner| inner.downcast_ref::<Unopened>()).map(|unopened| unopened.at + clear);
    match (at, error.kind()) {
        (Some(at), _) => Error::Damaged { path: path.to_owned(), at },
        (None, io::ErrorKind::UnexpectedEof) => inconsistent(path, "it ends too early".to_owned()),
        (None, _) => Error::File { what: "read", path: path.to_owned(), source: error },
    }
}
