//! ProtoJSON to protobuf bytes and back.

use std::sync::Arc;

use prost_reflect::DescriptorPool;

use crate::{
    JsonError, MAX_DEPTH, MaskError, Selection, WireError,
    fail::Fail,
    from_json::{FromJson, PresentKeys},
    path::{self, FieldInfo, MessageId},
    prune::prune,
    table::{AliasResolver, Table, UnsaidResolver, proto_table},
    to_json::ToJson,
};

/// The plans of every message of a descriptor pool.
///
/// ```
/// # use mainstay_wire::Plans;
/// let plans = Plans::new(&prost_reflect::DescriptorPool::global());
/// let id = plans.message("google.protobuf.Duration").expect("a well-known type");
/// let mut wire = Vec::new();
/// plans.from_json(id, br#""1.5s""#, &mut wire, None)?;
/// let mut json = Vec::new();
/// plans.to_json(id, &wire, &mut json)?;
/// assert_eq!(json, br#""1.500s""#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Plans {
    pub(crate) table: Table,
}

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JsonOptions {
    /// Writes fields without presence also where they are zero or empty.
    pub emit_defaults: bool,
}

impl Plans {
    /// Compiles the plans of a pool.
    pub fn new(pool: &DescriptorPool) -> Arc<Plans> {
        Plans::with_aliases(pool, &|_| Vec::new())
    }

    /// Compiles the plans of a pool whose fields also have the names that `aliases` answers.
    pub fn with_aliases(pool: &DescriptorPool, aliases: AliasResolver<'_>) -> Arc<Plans> {
        Plans::of(pool, aliases, &|_| Vec::new())
    }

    /// The same, with fields whose values are repeated in no error: those that `unsaid` answers, and all that is in them.
    pub fn of(pool: &DescriptorPool, aliases: AliasResolver<'_>, unsaid: UnsaidResolver<'_>) -> Arc<Plans> {
        Arc::new(Plans { table: proto_table(pool, aliases, unsaid) })
    }

    /// Finds a message by its full name, `shop.v1.Product`.
    pub fn message(&self, full_name: &str) -> Option<MessageId> {
        self.table.by_type.get(full_name).map(|index| MessageId(*index))
    }

    /// Appends the ProtoJSON of a message: lowerCamel names, in the order of field numbers, unset fields left out.
    ///
    /// Fails on bytes that are not the message, on strings that are not UTF-8 and on well-known types out of range; `out` is
    /// then as long as it was before. Unknown fields and extensions are dropped. An Any whose type is not known, or not like
    /// that any more, is written as `{"@type": …, "value": …}` with its bytes in base64.
    pub fn to_json(&self, id: MessageId, wire: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        self.to_json_with(id, wire, JsonOptions::default(), None, out)
    }

    /// Checks that a message has the JSON that the specification gives it: each Any in it is of a type that is known, and like
    /// that type.
    pub fn check_json(&self, id: MessageId, wire: &[u8]) -> Result<(), WireError> {
        let mut out = Vec::new();
        Ok(ToJson::new(&self.table, false, &mut out).strict().message(id.0, wire, None, MAX_DEPTH)?)
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
        let start = out.len();
        let written = ToJson::new(&self.table, options.emit_defaults, out).message(id.0, wire, selection, MAX_DEPTH);
        written.map_err(|fail| {
            out.truncate(start);
            fail.into()
        })
    }

    /// Appends the wire bytes of a ProtoJSON text.
    ///
    /// A value that does not fit is noted and passed over, so that an error tells of all of them (AIP-193), up to
    /// [`crate::MAX_JSON_VIOLATIONS`]; what is not JSON ends the reading, and only that is told then.
    ///
    /// On an error `out` has what could be read, which is a message of this type: without the values that do not fit, and of a
    /// text that is no JSON nothing. In a list an empty element stands for a message or a text that does not fit.
    ///
    /// Fields may have their JSON name, their proto name or an alias. Refused, each with its place: unknown fields, keys
    /// given twice, two members of a oneof, wrong types, numbers out of range, lone surrogates, text that is not UTF-8,
    /// nesting deeper than [`MAX_DEPTH`] messages.
    ///
    /// `keys` receives the dotted proto paths that were present, for the mask of a PATCH: the innermost ones, but never
    /// inside a list, a map, a message that can contain itself or a value that has a JSON form of its own. An explicit
    /// `null` counts as present.
    pub fn from_json(
        &self,
        id: MessageId,
        json: &[u8],
        out: &mut Vec<u8>,
        keys: Option<&mut Vec<String>>,
    ) -> Result<(), JsonError> {
        let start = out.len();
        let read = FromJson::new(&self.table, json, out, PresentKeys::new(keys))
            .and_then(|mut reader| reader.whole_message(id.0, MAX_DEPTH));
        read.map_err(|fail| {
            if !fail.leaves_legible() {
                out.truncate(start);
            }
            fail.into()
        })
    }

    /// Appends one field given as text: a query parameter or a path capture. `path` may lead into messages (`price.units`).
    ///
    /// Takes scalars, enums (name or number), bytes (base64), Timestamp, Duration, FieldMask (camel or snake case) and
    /// wrappers. A repeated field takes one element each time; a singular one given twice keeps the last: ask
    /// [`Plans::field`] before.
    pub fn set_text(&self, id: MessageId, path: &str, text: &str, out: &mut Vec<u8>) -> Result<(), JsonError> {
        let start = out.len();
        restore(path::set_text(&self.table, id.0, path, text, out), start, out)
    }

    /// Says what a dotted path of field names leads to.
    pub fn field(&self, id: MessageId, path: &str) -> Result<FieldInfo, JsonError> {
        Ok(path::info(&self.table, id.0, path)?)
    }

    /// Appends `body`, the bytes of a message, as the singular field `field` (also `a.b`).
    pub fn wrap(&self, id: MessageId, field: &str, body: &[u8], out: &mut Vec<u8>) -> Result<(), JsonError> {
        let start = out.len();
        restore(path::wrap(&self.table, id.0, field, body, out), start, out)
    }

    /// Compiles a read mask for a message: dotted names; inside lists it selects in every element; `*` selects all.
    pub fn select(&self, id: MessageId, paths: &[&str]) -> Result<Selection, MaskError> {
        path::select(&self.table, id.0, paths)
    }

    /// Appends the selected fields of a message, as wire bytes.
    pub fn prune(&self, id: MessageId, wire: &[u8], selection: &Selection, out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        prune(&self.table, self.table.message(id.0), wire, selection, MAX_DEPTH, out).map_err(|fail| {
            out.truncate(start);
            fail.into()
        })
    }
}

fn restore(result: Result<(), Fail>, start: usize, out: &mut Vec<u8>) -> Result<(), JsonError> {
    result.map_err(|fail| {
        out.truncate(start);
        fail.into()
    })
}
