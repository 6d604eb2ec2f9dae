//! The messages that the tests are about, and what is made of them.

pub mod entropy;
pub mod layout;
pub mod sample;

use std::sync::{Arc, LazyLock};

use mainstay_wire::{MessageId, Plans};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use protox::{
    Compiler,
    file::{ChainFileResolver, File, FileResolver, GoogleFileResolver},
};

struct Here;

impl FileResolver for Here {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let source = match name {
            "test.proto" => include_str!("test.proto"),
            "legacy.proto" => include_str!("legacy.proto"),
            "google/type/date.proto" => include_str!("date.proto"),
            "google/type/decimal.proto" => include_str!("../../../../../proto/google/type/decimal.proto"),
            "google/type/timeofday.proto" => include_str!("../../../../../proto/google/type/timeofday.proto"),
            _ => return Err(protox::Error::file_not_found(name)),
        };
        File::from_source(name, source)
    }
}

pub static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Here);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    compiler.open_files(["test.proto", "legacy.proto"]).unwrap();
    compiler.descriptor_pool()
});

pub static PLANS: LazyLock<Arc<Plans>> = LazyLock::new(|| Plans::with_aliases(&POOL, &aliases));

/// The aliases of the test's messages.
pub fn aliases(message: &str) -> Vec<(String, u32)> {
    match message {
        "test.v1.All" => vec![("label".into(), 1), ("words".into(), 1)],
        "test.v1.Inner" => vec![("heading".into(), 1)],
        "test.v1.Item" => vec![("article".into(), 2), ("interior".into(), 4)],
        _ => Vec::new(),
    }
}

pub fn descriptor(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name).unwrap_or_else(|| panic!("no message {name}"))
}

pub fn id(name: &str) -> MessageId {
    PLANS.message(name).unwrap_or_else(|| panic!("no message {name}"))
}

/// What the plans write for wire bytes.
pub fn to_json(name: &str, wire: &[u8]) -> Result<String, mainstay_wire::WireError> {
    let mut out = Vec::new();
    PLANS.to_json(id(name), wire, &mut out)?;
    Ok(String::from_utf8(out).expect("JSON is UTF-8"))
}

/// The proto name of a field by its JSON name.
pub fn snake(name: &str) -> String {
    name.chars().flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain(c.to_lowercase())).collect()
}

/// What the plans read from JSON.
pub fn from_json(name: &str, json: &str) -> Result<Vec<u8>, mainstay_wire::JsonError> {
    let mut out = Vec::new();
    PLANS.from_json(id(name), json.as_bytes(), &mut out, None)?;
    Ok(out)
}

/// JSON to wire to JSON.
pub fn through(name: &str, json: &str) -> Result<String, String> {
    let wire = from_json(name, json).map_err(|error| error.to_string())?;
    to_json(name, &wire).map_err(|error| error.to_string())
}

/// What the oracle reads from wire bytes.
pub fn oracle_decode(name: &str, wire: &[u8]) -> Result<DynamicMessage, prost_reflect::prost::DecodeError> {
    DynamicMessage::decode(descriptor(name), wire)
}

/// What the oracle writes.
pub fn oracle_text(message: &DynamicMessage, defaults: bool) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut text);
    message.serialize_with_options(&mut serializer, &SerializeOptions::new().skip_default_fields(!defaults))?;
    Ok(text)
}

/// JSON as a value (the oracle's maps come in any order), its numbers as text that is the same for the same double:
/// serde_json itself does not read every double exactly.
pub fn parsed(text: &[u8]) -> serde_json::Value {
    let text = std::str::from_utf8(text).expect("JSON is UTF-8");
    let (mut quoted, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => string_length(rest),
            '-' | '0'..='9' => rest.find([',', ']', '}']).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(length);
        match token.parse::<f64>() {
            Ok(number) if c != '"' => quoted.push_str(&format!("\"#{number:?}\"")),
            _ => quoted.push_str(token),
        }
        rest = tail;
    }
    serde_json::from_str(&quoted).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}
