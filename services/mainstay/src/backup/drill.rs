//! The drill: restores aside, checks everything that a start would rest on, and removes it again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use mainstay_auth as auth;
use mainstay_backup::{Aside, Backup, Manifest, Secret, make_private};
use mainstay_data as data;
use mainstay_gateway as gateway;
use mainstay_identity::{Clock as _, SystemClock};
use mainstay_runtime::process::Failure;
use serde_json::json;

use super::check::check;
use super::parts::{Part, parts};
use super::postgres::Scratch;
use super::progress::{Progress, size};
use super::put::unpack;
use super::take::words;
use super::{System, postgres};
use crate::cli::ServeRole;
use crate::say::say;

/// Tries a backup out in `scratch`, or beside its file.
pub async fn drill(
    mut system: System,
    file: &Path,
    scratch: Option<PathBuf>,
    secret: Secret,
    json: bool,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let backup = Backup::open(file, &secret)?;
    let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch = scratch.as_deref().unwrap_or(beside);
    make_private(scratch)?;
    let aside = Aside::within(scratch)?;
    let copy = aside.path().join("copy");
    make_private(&copy)?;
    let header = backup.header.clone();
    let progress = Arc::new(Progress::new());
    let manifest = unpack(backup, &copy, Arc::clone(&progress)).await?;
    progress.begin("checking");
    let mut parts = parts(&system);
    check(&copy, &manifest, &parts).await?;
    progress.begin("opening it as a start would");
    let databases = Scratch::make(&mut parts, &manifest).await?;
    let tried = tried(&mut system, &manifest, &parts, &copy).await;
    databases.remove().await;
    let resources = tried?;
    drop((aside, progress));
    let seconds = begun.elapsed().as_secs_f64();
    if json {
        let made = (&header.made, &header.version);
        say!(
            "{}",
            json!({"verified": file, "made": made.0, "version": made.1, "seconds": seconds, "manifest": manifest})
        );
        return Ok(());
    }
    say!("  backup     {}, made {} by mainstay {}", file.display(), header.made, header.version);
    manifest.stores.iter().for_each(|store| say!("  {:<9}  ok, {}", store.service, words(store)));
    if let Some(resources) = resources {
        say!("  contract   ok, {resources} resources, and the tables are as the ledger says");
    }
    say!("  keys       ok, they open what the stores sealed");
    say!("  verified   {} restored aside, checked and removed in {seconds:.1} s", size(manifest.bytes()));
    Ok(())
}

/// Fills the databases of the drill, and opens everything.
async fn tried(
    system: &mut System,
    manifest: &Manifest,
    parts: &[Part],
    copy: &Path,
) -> Result<Option<usize>, Failure> {
    system.common.data_dir = copy.to_owned();
    system.common.contracts = None;
    for part in parts {
        let listed = manifest.store(part.service).filter(|store| store.engine == "postgres");
        let url = listed.and(part.url.clone());
        if let (Some(listed), Some(url)) = (listed, &url) {
            postgres::restore(part, url, listed, copy).await?;
        }
        let configured = match part.role {
            ServeRole::Auth => &mut system.auth.database_url,
            ServeRole::Data => &mut system.data.database_url,
            ServeRole::Gateway => &mut system.gateway.database_url,
        };
        *configured = url;
    }
    open(system, manifest).await
}

/// Opens each store of the copy with this program and this configuration. Says how many resources data would serve.
async fn open(system: &System, manifest: &Manifest) -> Result<Option<usize>, Failure> {
    let has = |service| manifest.store(service).is_some();
    if has("gateway") {
        gateway::copy::open(&system.gateway, &system.common.data_dir).await?;
    }
    if has("auth") {
        auth::process::open(&system.common, &system.auth).await?.close().await;
    }
    if !has("data") {
        return Ok(None);
    }
    let options = data::process::options(&system.common);
    let served = data::copy::open(&system.data, &options, SystemClock.now_micros()).await?;
    if let Some(first) = served.differences.first() {
        let more = served.differences.len() - 1;
        return Err(format!("the tables are not what the ledger says: {first}, and {more} more").into());
    }
    Ok(Some(served.resources))
}
