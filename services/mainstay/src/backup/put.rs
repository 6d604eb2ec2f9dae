//! Puts a backup in place.

use std::path::Path;
use std::sync::Arc;

use mainstay_backup::{
    Aside, Backup, Manifest, Secret, Store, UNFINISHED_RESTORE, make_private, put_in_place, refuse_filled,
};
use mainstay_db::DataDir;
use mainstay_runtime::process::Failure;
use secrecy::SecretString;
use serde_json::json;

use super::check::check;
use super::parts::{Part, engine_word, parts};
use super::progress::Progress;
use super::take::{blocking, words};
use super::{System, postgres};
use crate::say::say;

/// Restores into the configured data directory and databases, which are empty.
pub async fn put(system: &System, file: &Path, secret: Secret, json: bool) -> Result<(), Failure> {
    let folder = &system.common.data_dir;
    let backup = Backup::open(file, &secret)?;
    let parts = parts(system);
    same_engines(&backup.manifest, &parts)?;
    let elsewhere = on_postgres(&backup.manifest, &parts);
    let only_elsewhere = elsewhere.len() == backup.manifest.files.len();
    if !only_elsewhere {
        refuse_filled(folder)?;
    }
    for (part, url, store) in &elsewhere {
        postgres::refuse_filled(part, url, store).await?;
    }
    make_private(folder)?;
    // No server starts meanwhile, and no other restore.
    let _held = DataDir::lock(folder)?;
    let made = backup.header.made.clone();
    let manifest = if only_elsewhere {
        let aside = Aside::within(folder)?;
        fill(aside.path(), backup, &parts).await?
    } else {
        let staged = folder.join(UNFINISHED_RESTORE);
        make_private(&staged)?;
        let filled = fill(&staged, backup, &parts).await;
        let placed = filled.and_then(|manifest| Ok(put_in_place(folder, &manifest).map(|()| manifest)?));
        // What was unpacked goes; why it failed is what counts.
        placed.inspect_err(|_| _ = refuse_filled(folder))?
    };
    if json {
        say!("{}", json!({"restored": file, "dataDir": folder, "made": made, "manifest": manifest}));
        return Ok(());
    }
    say!("  restored   {} of {made}", file.display());
    say!("  into       {}", folder.display());
    manifest.stores.iter().for_each(|store| say!("  {:<9}  {}", store.service, words(store)));
    say!(
        "\n  start it with `mainstay serve --data-dir {}`; what was written after {made} is not in it",
        folder.display()
    );
    Ok(())
}

/// The stores that are restored into a database of PostgreSQL.
fn on_postgres(manifest: &Manifest, parts: &[Part]) -> Vec<(Part, SecretString, Store)> {
    let of = |part: &Part| {
        let store = manifest.store(part.service).filter(|store| store.engine == "postgres")?;
        Some((part.clone(), part.url.clone()?, store.clone()))
    };
    parts.iter().filter_map(of).collect()
}

/// Unpacks into `staged`, checks everything there, and fills the databases.
async fn fill(staged: &Path, backup: Backup, parts: &[Part]) -> Result<Manifest, Failure> {
    let progress = Arc::new(Progress::new());
    let manifest = unpack(backup, staged, Arc::clone(&progress)).await?;
    progress.begin("checking");
    check(staged, &manifest, parts).await?;
    for (part, url, store) in on_postgres(&manifest, parts) {
        progress.begin(&format!("filling the database of {}", part.service));
        postgres::restore(&part, &url, &store, staged).await?;
        std::fs::remove_file(staged.join(&store.file))?;
    }
    Ok(manifest)
}

/// Unpacks a backup away from the threads that wait for signals.
pub async fn unpack(backup: Backup, into: &Path, progress: Arc<Progress>) -> Result<Manifest, Failure> {
    let into = into.to_owned();
    blocking(move || {
        let total = backup.manifest.bytes();
        Ok(backup.unpack(&into, &mut |done| progress.done("unpacking", done, total))?)
    })
    .await
}

/// A store is restored where its service looks for it.
fn same_engines(manifest: &Manifest, parts: &[Part]) -> Result<(), Failure> {
    for store in &manifest.stores {
        let configured = parts.iter().find(|part| part.service == store.service).map(|part| engine_word(part.engine()));
        if configured == Some(store.engine.as_str()) {
            continue;
        }
        let service = &store.service;
        let what = if store.engine == "sqlite" { "unset" } else { "set" };
        return Err(format!(
            "the backup has {service} on {}, and the configuration does not: {what} {service}.database_url (MAINSTAY__{}__\
             DATABASE_URL), and restore again",
            store.engine,
            service.to_uppercase()
        )
        .into());
    }
    Ok(())
}
