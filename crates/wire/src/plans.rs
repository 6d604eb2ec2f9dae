//! ProtoJSON to protobuf bytes and back.

use std::sync::Arc;

use prost_reflect::DescriptorPool;

use crate::{JsonError, MaskError, Selection, WireError};

/// Answers, for a message's full name, the other names under which its fields are accepted: `[("label", 3)]`.
pub type AliasResolver<'a> = &'a dyn Fn(&str) -> Vec<(String, u32)>;

/// The plans of every message of a descriptor pool.
#[derive(Debug)]
pub struct Plans {}

/// One message of one [`Plans`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId(pub(crate) u32);

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonOptions {
    /// Writes fields without presence also where they are zero or empty.
    pub emit_defaults: bool,
}

/// What a dotted path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldInfo {
    /// The path in proto names: `price.currency_code`.
    pub path: String,
    /// Whether it may be given several times.
    pub repeated: bool,
    /// The message type, where the last field is a message without a text form of its own.
    pub message: Option<MessageId>,
}

impl Plans {
    /// Compiles the plans of a pool.
    pub fn new(pool: &DescriptorPool) -> Arc<Plans> {
        Plans::with_aliases(pool, &|_| Vec::new())
    }

    /// Compiles the plans of a pool whose fields also have the names that `aliases` answers.
    pub fn with_aliases(pool: &DescriptorPool, aliases: AliasResolver<'_>) -> Arc<Plans> {
        todo!()
    }

    /// Finds a message by its full name, `shop.v1.Product`.
    pub fn message(&self, full_name: &str) -> Option<MessageId> {
        todo!()
    }

    /// Appends the ProtoJSON of a message: lowerCamel names, in the order of field numbers, unset fields left out.
    pub fn to_json(&self, id: MessageId, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        self.to_json_with(id, wire, JsonOptions::default(), None, out)
    }

    /// Appends the ProtoJSON of a message as `options` says, of the selected fields only.
    pub fn to_json_with(
        &self,
        id: MessageId,
        wire: &[u8],
        options: JsonOptions,
        selection: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        todo!()
    }

    /// Appends the wire bytes of a ProtoJSON text. On an error `out` is as long as it was before.
    ///
    /// `keys` receives the dotted proto paths that were present, for the mask of a PATCH: the innermost ones, but never
    /// inside a list, a map or a value that has a JSON form of its own. An explicit `null` counts as present.
    pub fn from_json(
        &self,
        id: MessageId,
        json: &[u8],
        out: &mut Vec<u8>,
        keys: Option<&mut Vec<String>>,
    ) -> Result<(), JsonError> {
        todo!()
    }

    /// Appends one field given as text: a query parameter or a path capture. `path` may lead into messages (`price.units`).
    /// A repeated field takes one element each time; a singular one given twice takes the last: ask [`Plans::field`].
    pub fn set_text(&self, id: MessageId, path: &str, text: &str, out: &mut Vec<u8>) -> Result<(), JsonError> {
        todo!()
    }

    /// Says what a dotted path of field names leads to.
    pub fn field(&self, id: MessageId, path: &str) -> Result<FieldInfo, JsonError> {
        todo!()
    }

    /// Appends `body`, the bytes of a message, as the singular field `field` (also `a.b`).
    pub fn wrap(&self, id: MessageId, field: &str, body: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
        todo!()
    }

    /// Compiles a read mask for a message: dotted names; inside lists it selects in every element; `*` selects all.
    pub fn select(&self, id: MessageId, paths: &[&str]) -> Result<Selection, MaskError> {
        todo!()
    }

    /// Appends the selected fields of a message, as wire bytes.
    pub fn prune(&self, id: MessageId, wire: &[u8], selection: &Selection, out: &mut Vec<u8>) -> Result<(), WireError> {
        todo!()
    }
}
