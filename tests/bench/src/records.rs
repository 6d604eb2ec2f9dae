//! The records that everybody stores.

use serde_json::{Value as Json, json};

/// How many there are.
pub const COUNT: usize = 10_000;
/// How many categories they are in.
pub const CATEGORIES: usize = 50;

/// The id of a record, fifteen characters: as long as PocketBase wants them.
pub fn id(index: usize) -> String {
    format!("p{index:014}")
}

/// The fields of a record, about 450 bytes of JSON with what the servers add.
pub fn fields(index: usize) -> Json {
    json!({
        "sku": format!("SKU-{index:06}"),
        "title": format!("A product with the number {index}"),
        "description": "Made of steel and ash wood, holds what it should hold, and looks well on any table. \
                        Wash by hand. Do not put it into the oven. Guaranteed for ten years.",
        "category": format!("category-{}", index % CATEGORIES),
        "price": 9.5,
        "stock": index % 100,
        "rank": index,
        "active": true,
    })
}
