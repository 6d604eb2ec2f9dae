//! A read mask applied to wire bytes.

use crate::{
    Selection,
    fail::{Fail, enter},
    reader::{Raw, Reader},
    table::{Leaf, MessagePlan, Special, Table},
    writer::{Tag, WireType, close, open},
};

/// Copies the selected fields; messages that are selected in part are taken apart, everything else is copied as it is.
pub(crate) fn prune(
    table: &Table,
    plan: &MessagePlan,
    wire: &[u8],
    selection: &Selection,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fail> {
    if selection.is_whole() || plan.special != Special::None {
        out.extend_from_slice(wire);
        return Ok(());
    }
    let mut reader = Reader::new(wire);
    let mut start = 0;
    while let Some((number, raw)) = reader.next()? {
        let end = reader.position();
        let piece = &wire[start..end];
        start = end;
        let Some(field) = plan.index(number).map(|index| &plan.fields[index]) else { continue };
        let Some(below) = selection.below(number) else { continue };
        match (field.leaf, raw) {
            (Leaf::Message(index), Raw::Bytes(body)) if !below.is_whole() => {
                field.tag.put(out);
                let inner = open(out);
                let pruned = prune(table, table.message(index), body, below, enter(depth)?, out);
                pruned.map_err(|fail| fail.at_field(&field.name))?;
                close(inner, out);
            }
            (Leaf::Group(index), Raw::Group(body)) if !below.is_whole() => {
                field.tag.put(out);
                let pruned = prune(table, table.message(index), body, below, enter(depth)?, out);
                pruned.map_err(|fail| fail.at_field(&field.name))?;
                Tag::new(number, WireType::EndGroup).put(out);
            }
            _ => out.extend_from_slice(piece),
        }
    }
    Ok(())
}
