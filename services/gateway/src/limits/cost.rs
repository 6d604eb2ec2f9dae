//! What a call counts: as much as the single calls that it stands for.

use mainstay_fault::{Fault, Reason};
use mainstay_wire::WireError;
use mainstay_wire::frame::{Fields, Value};
use prost_reflect::{FieldDescriptor, MethodDescriptor};

/// How many rows of a page count as one call.
pub const ROWS: u32 = 100;

/// The most that a page counts: pages have 1,000 rows at most, however many are asked for.
pub const MOST_FOR_A_PAGE: u32 = 10;

/// The fields of batches (AIP-231, 233 to 235) that hold one element for each single call.
const BATCHED: [&str; 2] = ["requests", "names"];

/// The fields of a Commit that each ask for one row: what it writes, and what it looks at before.
const COMMITTED: [&str; 2] = ["writes", "preconditions"];

/// How to tell what a call counts from its message. The fields' numbers are known when the contract is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cost {
    #[default]
    One,
    /// One for each [`ROWS`] of the page that this field asks for.
    Page(u32),
    /// One for each element of these fields.
    Each(Box<[u32]>),
}

impl Cost {
    pub fn of(method: &MethodDescriptor) -> Cost {
        let input = method.input();
        let lists = |names: [&str; 2]| -> Box<[u32]> {
            let fields = names.into_iter().filter_map(|name| input.get_field_by_name(name));
            fields.filter(FieldDescriptor::is_list).map(|field| field.number()).collect()
        };
        let each = match method.name() {
            "Commit" => lists(COMMITTED),
            name if name.starts_with("Batch") => lists(BATCHED),
            _ => Box::default(),
        };
        let page = || {
            let size = input.get_field_by_name("page_size")?;
            (size.kind() == prost_reflect::Kind::Int32 && !size.is_list()).then(|| size.number())
        };
        if each.is_empty() { page().map_or(Cost::One, Cost::Page) } else { Cost::Each(each) }
    }

    /// What a call with this message counts. A message that cannot be read could ask for anything.
    pub fn count(&self, message: &[u8]) -> Result<u32, Fault> {
        let unread = |error: WireError| {
            Fault::new(Reason::MalformedRequest).message("the message cannot be read").with_source(error)
        };
        match self {
            Cost::One => Ok(1),
            Cost::Page(number) => page(message, *number).map_err(unread),
            Cost::Each(numbers) => elements(message, numbers).map_err(unread),
        }
    }
}

/// Of several sizes the last one counts, as for whoever answers; what has another type is no size.
fn page(message: &[u8], number: u32) -> Result<u32, WireError> {
    let (mut fields, mut size) = (Fields::of(message), 0);
    while let Some((field, value)) = fields.next()? {
        if let (true, Value::Varint(rows)) = (field == number, value) {
            size = rows;
        }
    }
    // As an int32 is read: of its low bits, and below nothing is refused by whoever answers.
    let rows = i32::try_from(size & u64::from(u32::MAX)).unwrap_or_default();
    Ok(rows.unsigned_abs().div_ceil(ROWS).clamp(1, MOST_FOR_A_PAGE))
}

fn elements(message: &[u8], numbers: &[u32]) -> Result<u32, WireError> {
    let (mut fields, mut found) = (Fields::of(message), 0_u32);
    while let Some((field, value)) = fields.next()? {
        found = found.saturating_add(u32::from(numbers.contains(&field) && matches!(value, Value::Bytes(_))));
    }
    Ok(found.max(1))
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
            Cost::Page(3).count(&message).unwrap()
        };
        let counted = [0, 1, 100, 101, 250, 1_000, 1_000_000].map(page);
        assert_eq!(counted, [1, 1, 1, 2, 3, 10, 10]);
        assert_eq!(page(u64::MAX), 1, "a negative one is refused by whoever reads it");
        assert_eq!(Cost::Page(3).count(&[]).unwrap(), 1);
        // A size of another type hides none, and of several the last counts.
        let mut message = Vec::new();
        put_bytes(3, b"no size", &mut message);
        put_varint(3, 5, &mut message);
        put_varint(3, 300, &mut message);
        put_bytes(3, b"no size", &mut message);
        assert_eq!(Cost::Page(3).count(&message).unwrap(), 3);
    }

    #[test]
    fn a_batch_counts_by_its_elements() {
        let mut message = Vec::new();
        put_bytes(1, b"stores/1", &mut message);
        for _ in 0..100 {
            put_bytes(2, b"stores/1/orders/1", &mut message);
        }
        let each = |numbers: &[u32], message: &[u8]| Cost::Each(numbers.into()).count(message);
        assert_eq!(each(&[2], &message).unwrap(), 100);
        assert_eq!(each(&[2, 1], &message).unwrap(), 101);
        assert_eq!(each(&[5], &message).unwrap(), 1);
        for unreadable in [&[0xff][..], &[&[0x38], &[0xff; 11][..], &message].concat()] {
            assert_eq!(each(&[2], unreadable).unwrap_err().reason(), Some(Reason::MalformedRequest));
        }
    }
}
