//! The files that a contract may import without having them.

use std::sync::OnceLock;

use prost_reflect::DescriptorPool;
use protox::file::File;

/// A pool with `google/protobuf/*`, `google/api/*`, `google/rpc/*`, `google/type/*`, `buf/validate/*` and
/// `mainstay/v1/options.proto`. Made once; a clone is cheap until files are added to it.
pub(crate) fn pool() -> DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(build).clone()
}

/// Whether a file of this name is there anyway.
pub(crate) fn has(name: &str) -> bool {
    pool().get_file_by_name(name).is_some()
}

fn build() -> DescriptorPool {
    let mut pool = DescriptorPool::global();
    let mut waiting: Vec<_> = mainstay_proto::SOURCES
        .iter()
        .map(|(path, text)| File::from_source(path, text).expect("the embedded files parse: a test compiles them"))
        .map(|file| file.file_descriptor_proto().clone())
        .map(|file| prost_types::FileDescriptorProto { source_code_info: None, ..file })
        .collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|file| {
            let ready = file.dependency.iter().all(|name| pool.get_file_by_name(name).is_some());
            if ready {
                pool.add_file_descriptor_proto(file.clone()).expect("the embedded files link: a test compiles them");
            }
            !ready
        });
        assert!(waiting.len() < before, "the embedded files import one another without a cycle");
    }
    pool
}
