//! What a call counts: as much as the single calls that it stands for.

use mainstay_wire::frame::{Fields, Value, int32};
use prost_reflect::{FieldDescriptor, MethodDescriptor};

/// How many rows of a page count as one call.
pub const ROWS: u32 = 100;

/// The most that a page counts: pages have 1,000 rows at most, however many are asked for.
pub const MOST_FOR_A_PAGE: u32 = 10;

/// The fields of batches (AIP-231, 233 to 235) that hold one element for each single call.
const BATCHED: [&str; 2] = ["requests", "names"];

/// How to tell what a call counts from its message. The fields' numbers are known when the contract is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cost {
    #[default]
    One,
    /// One for each [`ROWS`] of the page that this field asks for.
    Page(u32),
    /// One for each element of this field: the requests of a batch, the writes of a Commit.
    Each(u32),
}

impl Cost {
    pub fn of(method: &MethodDescriptor) -> Cost {
        let input = method.input();
        let list = |name: &str| input.get_field_by_name(name).filter(FieldDescriptor::is_list);
        let each = match method.name() {
            "Commit" => list("writes"),
            name if name.starts_with("Batch") => BATCHED.into_iter().find_map(list),
            _ => None,
        };
        let page = || {
            let size = input.get_field_by_name("page_size")?;
            (size.kind() == prost_reflect::Kind::Int32 && !size.is_list()).then(|| size.number())
        };
        match each {
            Some(field) => Cost::Each(field.number()),
            None => page().map_or(Cost::One, Cost::Page),
        }
    }

    /// What a call with this message counts. A message that is malformed is refused anyway, and counts as far as it can be read.
    pub fn count(self, message: &[u8]) -> u32 {
        match self {
            Cost::One => 1,
            Cost::Page(number) => {
                let rows = int32(message, number).ok().flatten().unwrap_or_default();
                u32::try_from(rows).unwrap_or_default().div_ceil(ROWS).clamp(1, MOST_FOR_A_PAGE)
            }
            Cost::Each(number) => elements(message, number).max(1),
        }
    }
}

fn elements(message: &[u8], number: u32) -> u32 {
    let mut fields = Fields::of(message);
    let mut found = 0_u32;
    while let Ok(Some((field, value))) = fields.next() {
        found = found.saturating_add(u32::from(field == number && matches!(value, Value::Bytes(_))));
    }
    found
}

#[cfg(test)]
mod tests {
    use mainstay_wire::frame::{put_bytes, put_varint};

    use super::*;

    #[test]
    fn a_page_counts_by_the_rows_that_it_may_have() {
        let page = |rows: u64| {
            let mut message = Vec::new();
            put_varint(3, rows, &mut message);
            Cost::Page(3).count(&message)
        };
        let counted = [0, 1, 100, 101, 250, 1_000, 1_000_000].map(page);
        assert_eq!(counted, [1, 1, 1, 2, 3, 10, 10]);
        assert_eq!(page(u64::MAX), 1, "a negative one is refused by whoever reads it");
        assert_eq!(Cost::Page(3).count(&[]), 1);
    }

    #[test]
    fn a_batch_counts_by_its_elements() {
        let mut message = Vec::new();
        put_bytes(1, b"stores/1", &mut message);
        for _ in 0..100 {
            put_bytes(2, b"stores/1/orders/1", &mut message);
        }
        assert_eq!(Cost::Each(2).count(&message), 100);
        assert_eq!(Cost::Each(5).count(&message), 1);
        assert_eq!(Cost::Each(2).count(&[0xff]), 1);
    }
}
