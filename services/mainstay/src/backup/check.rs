//! Whether what was unpacked is what was backed up, and holds together.

use std::path::Path;

use mainstay_backup::{Manifest, Store};
use mainstay_db::copies;
use mainstay_runtime::process::Failure;

use super::parts::Part;

/// Looks into each copy below `folder`. Fails with everything that is wrong.
pub async fn check(folder: &Path, manifest: &Manifest, parts: &[Part]) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for store in manifest.stores.iter().filter(|store| store.engine == "sqlite") {
        let Some(part) = parts.iter().find(|part| part.service == store.service) else {
            wrong.push(format!("{} is no service of this program", store.service));
            continue;
        };
        let file = folder.join(&store.file);
        let faults = copies::look_into(&file, |conn| Box::pin(copies::faults(conn))).await?;
        wrong.extend(faults.into_iter().map(|fault| format!("{}: {fault}", store.service)));
        let found = part.describe_file(&file).await?;
        wrong.extend(differences(store, &found));
    }
    wrong.extend(revisions(manifest));
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("the copy does not hold together:\n  {}", wrong.join("\n  ")).into())
    }
}

/// What a store has otherwise than its manifest says.
pub fn differences(listed: &Store, found: &Store) -> Vec<String> {
    let service = &listed.service;
    let mut wrong = Vec::new();
    for (table, rows) in &listed.tables {
        match found.tables.get(table) {
            Some(there) if there == rows => {}
            Some(there) => wrong.push(format!("{service}: {table} has {there} rows, and had {rows}")),
            None => wrong.push(format!("{service}: the table {table} is missing")),
        }
    }
    let more = found.tables.keys().filter(|table| !listed.tables.contains_key(*table));
    wrong.extend(more.map(|table| format!("{service}: the table {table} was not there")));
    if (&listed.migration, &listed.contract) != (&found.migration, &found.contract) {
        wrong.push(format!("{service}: it has other migrations, or another contract, than the manifest says"));
    }
    wrong
}

/// The gateway's revision is one that data has: it was copied first.
fn revisions(manifest: &Manifest) -> Option<String> {
    let of = |service| manifest.store(service).and_then(|store| store.contract.as_ref()).map(|known| known.revision);
    let (gateway, data) = (of("gateway")?, of("data").or(manifest.store("data").map(|_| 0))?);
    (gateway > data).then(|| format!("the gateway knows revision {gateway} of the contract, and data has {data}"))
}
