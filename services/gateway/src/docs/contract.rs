//! The contract as other tools take it: descriptors, or files for `protoc` and `buf`.

use std::collections::{HashMap, HashSet};

use mainstay_fault::Fault;
use mainstay_proto::SOURCES;
use mainstay_runtime::Files;
use prost_reflect::DescriptorPool;

use super::proto;
use super::zip::Archive;
use crate::snapshot::Snapshot;

/// What every answer may hold beside what its method says: the details of errors.
const ALWAYS: &str = "google/rpc/";
/// Whoever may call it is told all of the contract by it.
const TELLS_ALL: &str = "/mainstay.data.v1.ContractService/GetContract";
/// What every compiler brings.
const BUILT_IN: &str = "google/protobuf/";

/// An encoded `google.protobuf.FileDescriptorSet`: the methods that are shown, what is in their messages, and what it imports.
pub fn descriptors(snapshot: &Snapshot, shows: &dyn Fn(&str) -> bool) -> Result<Vec<u8>, Fault> {
    Ok(shown(snapshot, shows)?.to_set())
}

/// The same as an archive of `.proto` files, each under its import path. Only `google/protobuf/*` is left out.
pub fn sources(snapshot: &Snapshot, shows: &dyn Fn(&str) -> bool) -> Result<Vec<u8>, Fault> {
    let mut pool = DescriptorPool::new();
    for file in shown(snapshot, shows)?.encoded() {
        pool.decode_file_descriptor_proto(file.clone()).map_err(Fault::internal)?;
    }
    let mut archive = Archive::default();
    for file in pool.files().filter(|file| !file.name().starts_with(BUILT_IN)) {
        let written = SOURCES.iter().find(|(path, _)| *path == file.name()).map(|(_, text)| (*text).to_owned());
        let text = written.unwrap_or_else(|| proto::text(&file));
        archive.add(file.name(), text.as_bytes()).map_err(Fault::internal)?;
    }
    archive.finish().map_err(Fault::internal)
}

/// The files of what is shown, and those that they import. What their options say of rules and of how the server works is for
/// those alone who are told it otherwise, too.
fn shown(snapshot: &Snapshot, shows: &dyn Fn(&str) -> bool) -> Result<Files, Fault> {
    let all = Files::of(snapshot.files.iter().cloned()).map_err(Fault::internal)?;
    let mut files = all.limited(shows).map_err(Fault::internal)?;
    if !shows(TELLS_ALL) {
        files = files.without_rules().map_err(Fault::internal)?;
    }
    let imports: HashMap<&str, &[String]> = files.imports().collect();
    let is_standard = |name: &str| SOURCES.iter().any(|(path, _)| *path == name) || name.starts_with(BUILT_IN);
    let mut pending: Vec<&str> =
        imports.keys().copied().filter(|name| !is_standard(name) || name.starts_with(ALWAYS)).collect();
    let mut wanted = HashSet::new();
    while let Some(name) = pending.pop() {
        if wanted.insert(name.to_owned()) {
            pending.extend(imports.get(name).into_iter().flat_map(|imports| imports.iter().map(String::as_str)));
        }
    }
    Ok(files.only(|name| wanted.contains(name)))
}
