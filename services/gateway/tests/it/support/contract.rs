//! An application's contract, compiled from text.

use std::sync::OnceLock;

use prost_reflect::{DescriptorPool, DynamicMessage};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

/// Resolves the files of a contract and what it may import, none of them on disk.
struct Texts(Vec<(String, String)>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let embedded = mainstay_proto::SOURCES.iter().find(|(path, _)| *path == name).map(|(_, text)| *text);
        let text = self.0.iter().find(|(path, _)| path == name).map(|(_, text)| text.as_str()).or(embedded);
        text.map_or_else(|| Err(protox::Error::file_not_found(name)), |text| File::from_source(name, text))
    }
}

/// Compiles a contract of one file to an encoded descriptor set.
pub fn compile(path: &str, text: &str) -> Vec<u8> {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(vec![(path.to_owned(), text.to_owned())]));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    compiler.open_file(path).unwrap_or_else(|error| panic!("{error:?}"));
    compiler.encode_file_descriptor_set()
}

/// The contract that most tests use, `library.proto`.
pub fn library() -> &'static [u8] {
    static SET: OnceLock<Vec<u8>> = OnceLock::new();
    SET.get_or_init(|| compile("library/v1/library.proto", include_str!("library.proto")))
}

/// The library's types, for the oracle.
pub fn pool() -> &'static DescriptorPool {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(library()).unwrap())
}

/// What wire bytes say, as ProtoJSON by another implementation.
pub fn decoded(message: &str, wire: &[u8]) -> serde_json::Value {
    let descriptor = pool().get_message_by_name(message).unwrap();
    serde_json::to_value(DynamicMessage::decode(descriptor, wire).unwrap()).unwrap()
}

/// The wire bytes of a ProtoJSON value, by another implementation.
pub fn encoded(message: &str, json: serde_json::Value) -> Vec<u8> {
    use prost::Message as _;
    let descriptor = pool().get_message_by_name(message).unwrap();
    DynamicMessage::deserialize(descriptor, json).unwrap().encode_to_vec()
}
