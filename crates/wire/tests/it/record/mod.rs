mod build;
mod codec;
mod masks;
mod properties;

use std::sync::LazyLock;

use mainstay_record::{Layout, Value};
use mainstay_wire::{Decoded, RecordPlan};

use crate::schema::{aliases, descriptor, from_json, layout, to_json};

pub static LAYOUT: LazyLock<Layout> = LazyLock::new(|| layout::of(&descriptor("test.v1.Item")));

pub static PLAN: LazyLock<RecordPlan> = LazyLock::new(|| {
    let name = Some((1, layout::template("items")));
    RecordPlan::with_aliases(&descriptor("test.v1.Item"), &LAYOUT, name, Some(60), &aliases).unwrap()
});

/// The position of a column.
pub fn column(name: &str) -> usize {
    LAYOUT.columns.iter().position(|column| column.name == name).unwrap_or_else(|| panic!("no column {name}"))
}

/// Decodes an item given as JSON.
pub fn decoded(json: &str) -> Decoded {
    PLAN.decode(&from_json("test.v1.Item", json).unwrap()).unwrap()
}

/// Decodes an item and gives it a key and a revision.
pub fn stored(json: &str) -> Vec<Value> {
    let mut values = decoded(json).values;
    values[0] = Value::Text("one".to_owned());
    values[1] = Value::Int(255);
    values
}

/// Encodes a row and answers its JSON.
pub fn encoded(row: &[Value]) -> String {
    let mut out = Vec::new();
    PLAN.encode(row, &mut out).unwrap();
    to_json("test.v1.Item", &out).unwrap()
}
