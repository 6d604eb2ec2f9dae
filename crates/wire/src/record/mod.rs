//! A stored row to protobuf bytes and back.

use bytes::BytesMut;
use mainstay_record::{Layout, Row, Template, Value};
use prost_reflect::MessageDescriptor;

use crate::{AliasResolver, DecodeError, EncodeError, MaskError, PlanError, Selection};

/// How the rows of one resource become messages and messages become rows.
#[derive(Debug)]
pub struct RecordPlan {}

/// A message as a row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decoded {
    /// In the order of the layout; key and revision columns are NULL.
    pub values: Vec<Value>,
    /// The resource's own name, where it was given.
    pub name: Option<String>,
    /// The etag, where it was given.
    pub etag: Option<String>,
    /// The columns that the message populated, ascending (presence columns included).
    pub present: Vec<usize>,
}

impl RecordPlan {
    /// Compiles the plan of a resource. `name` and `etag` are the fields that have no column: the resource's own name
    /// with the template of its pattern, and the etag, 16 lower-case hex digits of the revision.
    pub fn new(
        message: &MessageDescriptor,
        layout: &Layout,
        name: Option<(u32, Template)>,
        etag: Option<u32>,
    ) -> Result<RecordPlan, PlanError> {
        RecordPlan::with_aliases(message, layout, name, etag, &|_| Vec::new())
    }

    /// Compiles the plan of a resource whose masks also accept the names that `aliases` answers.
    pub fn with_aliases(
        message: &MessageDescriptor,
        layout: &Layout,
        name: Option<(u32, Template)>,
        etag: Option<u32>,
        aliases: AliasResolver<'_>,
    ) -> Result<RecordPlan, PlanError> {
        todo!()
    }

    /// Appends a row as message bytes, fields ascending by number. Fails where a JSON column was damaged.
    pub fn encode<R: Row + ?Sized>(&self, row: &R, out: &mut BytesMut) -> Result<(), EncodeError> {
        todo!()
    }

    /// Appends the selected fields of a row.
    pub fn encode_masked<R: Row + ?Sized>(
        &self,
        row: &R,
        selection: &Selection,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        todo!()
    }

    /// Appends a row as the message field `number` of a message around it (a page of a list), masked or whole.
    pub fn encode_field<R: Row + ?Sized>(
        &self,
        number: u32,
        row: &R,
        selection: Option<&Selection>,
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        todo!()
    }

    /// Reads a message into column values. Unknown fields are dropped. Lists every field that cannot be stored.
    pub fn decode(&self, wire: &[u8]) -> Result<Decoded, DecodeError> {
        todo!()
    }

    /// Compiles a read mask over the resource.
    pub fn select(&self, paths: &[&str]) -> Result<Selection, MaskError> {
        todo!()
    }
}

/// Writes an etag: the revision as 16 lower-case hex digits.
pub fn etag_text(revision: i64) -> String {
    format!("{revision:016x}")
}
