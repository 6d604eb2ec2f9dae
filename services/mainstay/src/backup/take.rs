//! Makes a backup.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstay_backup::{Aside, Error, File, Manifest, Secret, Store, is_link, make_private};
use mainstay_db::copies;
use mainstay_identity::{Clock as _, SystemClock};
use mainstay_record::time::Timestamp;
use mainstay_runtime::process::Failure;
use serde_json::json;

use super::parts::{Part, key_files, parts};
use super::progress::{Progress, size};
use super::{System, postgres};
use crate::cli::ServeRole;
use crate::say::say;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes a backup of the configured system.
pub async fn take(
    system: &System,
    target: &Path,
    only: &[ServeRole],
    secret: Secret,
    json: bool,
) -> Result<(), Failure> {
    let made = now();
    let (folder, file) = place(target, &made)?;
    let wanted: Vec<Part> =
        parts(system).into_iter().filter(|part| only.is_empty() || only.contains(&part.role)).collect();
    wanted.iter().try_for_each(|part| must_be_there(system, part))?;
    let progress = Arc::new(Progress::new());
    let aside = Aside::within(&folder)?;
    let copies = aside.path().join("copies");
    make_private(&copies)?;
    let mut stores = Vec::new();
    for part in &wanted {
        progress.begin(&format!("copying {}", part.service));
        stores.push(copy(system, part, &copies).await?);
    }
    let mut paths: Vec<String> = stores.iter().map(|store| store.file.clone()).collect();
    for key in key_files(&system.common.data_dir)? {
        paths.push(copy_key(&system.common.data_dir, &key, &copies)?);
    }
    let whole = aside.path().join("whole");
    let sealed = seal(stores, paths, (copies, whole.clone()), (secret, made.clone()), Arc::clone(&progress));
    let manifest = sealed.await?;
    aside.publish(&whole, &file)?;
    drop(progress);
    report(&file, &made, &manifest, json);
    Ok(())
}

/// The time as RFC 3339 writes it, to the second.
fn now() -> String {
    let now = Timestamp::from_micros(SystemClock.now_micros());
    let mut text = Vec::new();
    Timestamp { nanos: 0, ..now }.put(&mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// The folder in which the backup comes to be, and its file there.
fn place(target: &Path, made: &str) -> Result<(PathBuf, PathBuf), Failure> {
    let asks_for_folder = target.as_os_str().to_string_lossy().ends_with('/');
    if target.is_dir() || (asks_for_folder && !target.exists()) {
        make_private(target)?;
        let name: String = made.chars().filter(|c| !matches!(c, '-' | ':')).collect();
        return Ok((target.to_owned(), target.join(format!("mainstay-{name}.backup"))));
    }
    if is_link(target) && !target.exists() {
        return Err(Error::DeadLink { path: target.to_owned() }.into());
    }
    if target.exists() {
        return Err(Error::Exists { path: target.to_owned() }.into());
    }
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_private(parent)?;
    Ok((parent.to_owned(), target.to_owned()))
}

/// A store that is not there was never made, or is elsewhere: both have to be known.
fn must_be_there(system: &System, part: &Part) -> Result<(), Failure> {
    let path = system.common.data_dir.join(part.file);
    if part.url.is_some() || path.is_file() {
        return Ok(());
    }
    let service = part.service;
    Err(format!(
        "{} is not there, so there is no store of {service} to back up. Name the data directory that the server uses (--data-dir \
         DIR, or --config FILE as it has); where {service} is on another machine, name the services that are here with --only",
        path.display()
    )
    .into())
}

/// Copies a store and says what is in the copy.
async fn copy(system: &System, part: &Part, copies: &Path) -> Result<Store, Failure> {
    if let Some(url) = &part.url {
        return postgres::copy(part, url, copies).await;
    }
    let (from, to) = (system.common.data_dir.join(part.file), copies.join(part.file));
    let made = to.clone();
    blocking(move || copies::copy_sqlite(&from, &made).map_err(|error| not_copied(&from, &made, &error))).await?;
    Ok(part.describe_file(&to).await?)
}

/// A copy needs as much room beside the backup as the store has.
fn not_copied(from: &Path, to: &Path, error: &mainstay_db::Error) -> Failure {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let (size, from, to) = (size(copies::size_of(from)), from.display(), to.display());
    format!(
        "{from} ({size}) cannot be copied to {to}: {error}{cause}. Make room there, or name a folder on another disk"
    )
    .into()
}

/// Copies a key file, and says where it is in the backup.
fn copy_key(data_dir: &Path, key: &Path, copies: &Path) -> Result<String, Failure> {
    let (from, to) = (data_dir.join(key), copies.join(key));
    if let Some(folder) = to.parent() {
        make_private(folder)?;
    }
    fs::copy(&from, &to).map_err(|error| format!("{} cannot be copied: {error}", from.display()))?;
    Ok(key.to_string_lossy().into_owned())
}

/// Puts the copies together and seals them.
async fn seal(
    stores: Vec<Store>,
    paths: Vec<String>,
    (copies, whole): (PathBuf, PathBuf),
    (secret, made): (Secret, String),
    progress: Arc<Progress>,
) -> Result<Manifest, Failure> {
    blocking(move || {
        progress.begin("reading what was copied");
        let files: Result<Vec<File>, Error> = paths.iter().map(|path| File::of(&copies, path)).collect();
        let manifest = Manifest { stores, files: files? };
        let total = manifest.bytes();
        let mut told = |done| progress.done("sealing", done, total);
        mainstay_backup::write(&whole, (VERSION, &made), &secret, &manifest, &copies, &mut told)?;
        Ok(manifest)
    })
    .await
}

/// Runs what takes the disk's time.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await?
}

fn report(file: &Path, made: &str, manifest: &Manifest, json: bool) {
    let bytes = fs::metadata(file).map_or(0, |file| file.len());
    if json {
        say!("{}", json!({"file": file, "bytes": bytes, "made": made, "version": VERSION, "manifest": manifest}));
        return;
    }
    say!("  backup     {} ({})", file.display(), size(bytes));
    for store in &manifest.stores {
        say!("  {:<9}  {}", store.service, words(store));
    }
    let keys = manifest.files.len() - manifest.stores.len();
    match keys {
        0 => say!("  keys       none: they are configured, and belong to the configuration's own backup"),
        keys => say!("  keys       {keys} files"),
    }
    say!("\n  try it out with `mainstay restore --verify {}`", file.display());
}

/// What is in a store.
pub fn words(store: &Store) -> String {
    let contract = store.contract.as_ref().map(|contract| format!(", contract revision {}", contract.revision));
    format!("{} rows in {} tables{}", store.rows(), store.tables.len(), contract.unwrap_or_default())
}
