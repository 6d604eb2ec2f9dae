//! The contract as files for other tools.

use std::collections::HashSet;
use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

use crate::compile::dependencies;
use crate::{Contract, Source};

/// What the auth service's contract imports, itself included.
static OF_AUTH: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(mainstay_proto::DESCRIPTOR_SET).unwrap_or_default();
    dependencies(&pool, mainstay_proto::AUTH_SOURCES.iter().map(|(path, _)| *path))
});

/// Writes the contract as `.proto` files that other tools make stubs of: the written files, the derived services, the auth
/// service's contract, by which a client signs in, what an application may serve for it to call, and what they import, each under its import path. Only
/// `google/protobuf/*` is left out, which every compiler brings.
pub fn export(contract: &Contract) -> Vec<Source> {
    let own = contract.import_paths.iter().chain(contract.derived.iter().map(|file| &file.path));
    let imported = dependencies(&contract.pool, own.map(String::as_str));
    let needed =
        |path: &str| !path.starts_with("google/protobuf/") && (imported.contains(path) || OF_AUTH.contains(path));
    let brought = mainstay_proto::SOURCES.iter().chain(mainstay_proto::AUTH_SOURCES).filter(|(path, _)| needed(path));
    let brought = brought.map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() });
    let written = contract.sources.iter().zip(&contract.import_paths);
    let written = written.map(|(source, path)| Source { path: path.clone(), text: source.text.clone() });
    let hooks = mainstay_proto::HOOK_SOURCES
        .iter()
        .map(|(path, text)| Source { path: (*path).to_owned(), text: (*text).to_owned() });
    written.chain(contract.derived.iter().cloned()).chain(brought).chain(hooks).collect()
}
