//! Who may read and write the files of a data directory.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::SystemTime;

use mainstay_runtime::process::EXPIRY_WARNING;
use mainstay_runtime::server::{Certificates, Expiry, TlsConfig};

use super::finding::{Findings, Level};
use crate::backup::{System, key_files};

/// Looks at the data directory.
pub fn look(system: &System, findings: &mut Findings) {
    let folder = &system.common.data_dir;
    if let Some(tls) = &system.common.tls {
        tls.pairs().for_each(|(place, pair)| private_key(&place, &pair.key_file, findings));
        certificates(tls, findings);
    }
    let Ok(metadata) = fs::metadata(folder) else {
        let what = "is not there: no server ever started in it";
        let remedy = "name the one that the server uses (--data-dir DIR, or --config FILE as it has)";
        return findings.add(Level::Warning, folder.display().to_string(), what, remedy);
    };
    let before = findings.all().len();
    directory(folder, &metadata, findings);
    let keys = folder.join("keys");
    if let Ok(keys_metadata) = fs::metadata(&keys)
        && mode(&keys_metadata) & 0o077 != 0
    {
        let what = format!("others may look which keys there are (mode {:04o})", mode(&keys_metadata));
        findings.add(Level::Warning, keys.display().to_string(), what, format!("chmod 700 {}", keys.display()));
    }
    for key in key_files(folder).unwrap_or_default() {
        private(&folder.join(key), Level::Problem, &metadata, findings);
    }
    for store in ["auth.sqlite", "data.sqlite", "gateway.sqlite"] {
        for suffix in ["", "-wal", "-shm"] {
            private(&folder.join(format!("{store}{suffix}")), Level::Problem, &metadata, findings);
        }
    }
    private(&folder.join("run.json"), Level::Problem, &metadata, findings);
    if findings.all().len() == before {
        findings.looked("files", format!("only their owner can read what is in {}", folder.display()));
    }
}

fn mode(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

fn directory(folder: &Path, metadata: &Metadata, findings: &mut Findings) {
    let mode = mode(metadata);
    let remedy = format!("chmod 700 {}", folder.display());
    let (level, what) = match mode {
        mode if mode & 0o002 != 0 => {
            (Level::Problem, "every user of this machine may write into it, and no server starts in it")
        }
        mode if mode & 0o020 != 0 => (Level::Warning, "its group may write into it"),
        mode if mode & 0o055 != 0 => (Level::Warning, "others may look into it"),
        _ => return,
    };
    findings.add(level, folder.display().to_string(), format!("{what} (mode {mode:04o})"), remedy);
}

/// A file that only the owner of the data directory may read, and is the owner of.
fn private(path: &Path, level: Level, folder: &Metadata, findings: &mut Findings) {
    let Ok(metadata) = fs::metadata(path) else { return };
    let place = path.display().to_string();
    if mode(&metadata) & 0o077 != 0 {
        let what = format!("others may read it (mode {:04o})", mode(&metadata));
        findings.add(
            level,
            place.clone(),
            what,
            format!("chmod 600 {place}, after making sure that nobody has copied it"),
        );
    }
    if metadata.uid() != folder.uid() {
        let what = format!(
            "belongs to user {}, and the directory to user {}: the server cannot use it",
            metadata.uid(),
            folder.uid()
        );
        findings.add(Level::Problem, place.clone(), what, format!("chown {} {place}", folder.uid()));
    }
}

/// A key may belong to somebody else, and be read by a group.
fn private_key(setting: &str, path: &Path, findings: &mut Findings) {
    if fs::metadata(path).is_ok_and(|metadata| mode(&metadata) & 0o007 != 0) {
        let place = path.display().to_string();
        findings.add(
            Level::Problem,
            format!("{setting}.key_file"),
            format!("{place}: every user may read it"),
            format!("chmod 640 {place}"),
        );
    }
}

/// Certificates that are over, or soon will be. Those that cannot be read are told with the settings.
fn certificates(tls: &TlsConfig, findings: &mut Findings) {
    let Ok(certificates) = Certificates::load(tls) else { return };
    let now = SystemTime::now();
    for Expiry { name, file, not_after } in certificates.expiries() {
        let (level, what) = match not_after.duration_since(now) {
            Ok(left) if left > EXPIRY_WARNING => continue,
            Ok(left) => (Level::Warning, format!("{name}: is over in {} days", left.as_secs() / (24 * 60 * 60))),
            Err(_) => (Level::Problem, format!("{name}: is over, and clients refuse it")),
        };
        findings.add(level, file.display().to_string(), what, "renew it; a server takes the new one by itself");
    }
}
