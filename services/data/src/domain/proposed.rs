//! Records that rules are asked of: stored, or put together by a caller.

use std::borrow::Cow;

use mainstay_record::Value;

/// A record that a rule over `resource` is asked of.
#[derive(Clone, Copy)]
pub struct Record<'r> {
    pub row: &'r [Value],
    /// What it is to take the place of, where the caller has put it together.
    pub proposed: Option<Option<&'r [Value]>>,
    /// What he wrote there without seeing what it is, ascending: as far as he learns it differs from that.
    pub blind: &'r [usize],
}

impl<'r> Record<'r> {
    /// One that is stored, or was looked at like one.
    pub fn of(row: &'r [Value]) -> Record<'r> {
        Record { row, proposed: None, blind: &[] }
    }
}

/// A row as it is, without what is written of it unseen.
pub fn known<'r>(old: &'r [Value], blind: &[usize]) -> Cow<'r, [Value]> {
    if blind.is_empty() {
        return Cow::Borrowed(old);
    }
    let mut known = old.to_vec();
    blind.iter().for_each(|column| known[*column] = Value::Null);
    Cow::Owned(known)
}
