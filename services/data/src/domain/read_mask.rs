//! Which part of an answer the caller wants (AIP-157).

use mainstay_contract::{EXPANDED, NEXT_PAGE_TOKEN};
use mainstay_wire::{MaskError, Selection};

use super::context::Operation;
use crate::error::{Error, Result};

/// The field of a list's answer that every answer has: without it a client would believe the list complete.
const TOKEN: [&str; 3] = [NEXT_PAGE_TOKEN, "nextPageToken", EXPANDED];

/// What a list's answer carries of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    Whole,
    Part(Selection),
    /// The rows are counted, for the token, and not shown.
    Hidden,
}

/// Compiles the caller's read mask over the resource; nothing where all of it is wanted.
pub fn of_record(op: &Operation) -> Result<Option<Selection>> {
    if op.read_mask.is_none() {
        return Ok(None);
    }
    let paths = paths(op);
    if paths.is_empty() { Ok(None) } else { select(op, &paths).map(Some) }
}

/// Compiles the read mask of a list. It names the fields of the list's answer (`products.title`); the token always comes.
pub fn of_list(op: &Operation) -> Result<Rows> {
    of_rows(op, &TOKEN)
}

/// Compiles the read mask of a batch, whose answer has nothing but its rows.
pub fn of_batch(op: &Operation) -> Result<Rows> {
    of_rows(op, &[EXPANDED])
}

/// Refuses a read mask where an answer has no parts to choose from.
pub fn none(op: &Operation) -> Result<()> {
    match paths(op).as_slice() {
        [] | ["*"] => Ok(()),
        [path, ..] => {
            let message = "has no effect on a Commit, whose answer comes whole; leave it out".to_owned();
            Err(refused(op, MaskError { path: (*path).chars().take(64).collect(), message }))
        }
    }
}

/// `others` are the names of the fields beside the rows.
fn of_rows(op: &Operation, others: &[&str]) -> Result<Rows> {
    if op.read_mask.is_none() {
        return Ok(Rows::Whole);
    }
    let paths = paths(op);
    if paths.is_empty() || paths.contains(&"*") {
        return Ok(Rows::Whole);
    }
    let plan = op.plan();
    let (name, json_name) = (plan.resource.plural.as_str(), plan.rows_in_json.as_str());
    let mut below = Vec::with_capacity(paths.len());
    for path in paths {
        match path.split_once('.') {
            _ if others.contains(&path) => {}
            None if path == name || path == json_name => below.push("*"),
            Some((first, rest)) if first == name || first == json_name => below.push(rest),
            _ => return Err(no_field(op, name, others.first().copied().filter(|other| *other != EXPANDED), path)),
        }
    }
    if below.is_empty() { Ok(Rows::Hidden) } else { select(op, &below).map(Rows::Part) }
}

/// The paths that the caller names; none for everything.
fn paths(op: &Operation) -> Vec<&str> {
    let mask = op.read_mask.as_deref().unwrap_or_default();
    mask.split(',').map(str::trim).filter(|path| !path.is_empty()).collect()
}

fn select(op: &Operation, paths: &[&str]) -> Result<Selection> {
    let first = |path: &str| path.split('.').next().unwrap_or_default().to_owned();
    if let Some(unseen) = paths.iter().find_map(|path| op.plan().rules.never_seen(&first(path), &op.caller)) {
        return Err(Error::Unseen { field: "$fields", name: unseen.name.clone() });
    }
    op.plan().record.select(paths).map_err(|error| refused(op, error))
}

fn no_field(op: &Operation, rows: &str, other: Option<&str>, path: &str) -> Error {
    const SHOWN: usize = 64;
    let other = other.map_or_else(String::new, |other| format!(", or `{other}`"));
    let message = format!("is no field of the answer; name `{rows}`, fields of them as `{rows}.name`{other}");
    refused(op, MaskError { path: path.chars().take(SHOWN).collect(), message })
}

fn refused(op: &Operation, error: MaskError) -> Error {
    Error::Mask { field: "$fields", error: op.plan().classes.masked(error) }
}
