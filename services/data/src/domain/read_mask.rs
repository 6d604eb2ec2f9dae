//! Which part of an answer the caller wants (AIP-157).

use mainstay_wire::Selection;

use super::context::Operation;
use crate::error::{Error, Result};

/// The metadata key that asks for a part of the answer.
pub const FIELD_MASK_HEADER: &str = "x-goog-fieldmask";

/// Compiles the caller's read mask over the resource; nothing where all of it is wanted.
pub fn of_record(op: &Operation) -> Result<Option<Selection>> {
    let Some(mask) = wanted(op) else { return Ok(None) };
    select(op, mask.split(',').map(str::trim)).map(Some)
}

/// Compiles the read mask of a list. It names the fields of the list's answer (`products.title`); the token always comes.
pub fn of_list(op: &Operation) -> Result<Option<Selection>> {
    let Some(mask) = wanted(op) else { return Ok(None) };
    let rows = op.plan().resource.plural.as_str();
    let paths = mask.split(',').map(str::trim);
    if paths.clone().any(|path| path == rows) {
        return Ok(None);
    }
    select(op, paths.filter_map(|path| path.strip_prefix(rows).and_then(|rest| rest.strip_prefix('.')))).map(Some)
}

fn wanted(op: &Operation) -> Option<&str> {
    op.read_mask.as_deref().filter(|mask| !mask.is_empty() && *mask != "*")
}

fn select<'m>(op: &Operation, paths: impl Iterator<Item = &'m str>) -> Result<Selection> {
    let paths: Vec<&str> = paths.collect();
    op.plan().record.select(&paths).map_err(|error| Error::Mask { field: "$fields", error })
}
