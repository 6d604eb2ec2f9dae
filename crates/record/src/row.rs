//! One way to read a row, whichever engine it came from.

use crate::{Kind, Value, ValueRef};

/// A row under a cursor, or a record held in memory.
///
/// `kind` says what the column is declared as: a SQLite row cannot tell a timestamp from an integer by itself.
pub trait Row {
    /// Hands the value in position `index` to `f`; NULL where the row is shorter.
    fn read<R>(&self, index: usize, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R;

    /// Copies the value in position `index`.
    fn get(&self, index: usize, kind: Kind) -> Value {
        self.read(index, kind, |value| value.to_owned())
    }
}

impl Row for [Value] {
    fn read<R>(&self, index: usize, _kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R {
        f(self.get(index).map_or(ValueRef::Null, Value::borrow))
    }
}

impl Row for Vec<Value> {
    fn read<R>(&self, index: usize, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> R) -> R {
        self.as_slice().read(index, kind, f)
    }
}
