//! What a message says, apart from how it was written down.

use mainstay_record::Value;

use super::{Decoded, Node, RecordPlan, Storage};

/// Stands behind the last field of a message; no field has this number.
const END: u32 = 0;

/// How a field says that its value is a text and not columns.
const TEXT: u8 = 0;
const COLUMNS: u8 = 1;
const MESSAGE: u8 = 2;

impl RecordPlan {
    /// Appends what a message said: its fields by number, without those that are unset and those that the contract does not
    /// know. Two messages that say the same give the same bytes, in whatever order and form their fields came, and go on to
    /// do so when the contract gets other fields or names.
    pub fn content(&self, decoded: &Decoded, out: &mut Vec<u8>) {
        node(self, &self.root, decoded, out);
    }
}

fn node(plan: &RecordPlan, node_of: &Node, decoded: &Decoded, out: &mut Vec<u8>) {
    for field in &node_of.fields {
        match &field.storage {
            Storage::Name(_) => text(field.number, decoded.name.as_deref(), out),
            Storage::Etag => text(field.number, decoded.etag.as_deref(), out),
            Storage::Message { presence, node: inner, .. } => {
                if decoded.values[*presence] == Value::Bool(true) {
                    begin(field.number, MESSAGE, out);
                    node(plan, inner, decoded, out);
                }
            }
            Storage::Scalar { .. } | Storage::Reference { .. } | Storage::Slot(_) => {
                if field.columns.iter().any(|column| decoded.values[*column] != plan.blank[*column]) {
                    begin(field.number, COLUMNS, out);
                    field.columns.iter().for_each(|column| decoded.values[*column].put_content(out));
                }
            }
        }
    }
    out.extend_from_slice(&END.to_le_bytes());
}

fn begin(number: u32, form: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&number.to_le_bytes());
    out.push(form);
}

fn text(number: u32, text: Option<&str>, out: &mut Vec<u8>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        begin(number, TEXT, out);
        out.extend_from_slice(&(text.len() as u64).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}
