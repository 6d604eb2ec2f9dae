//! A field that no client sets, and nothing else does.

use super::Linted;
use crate::FieldModel;
use crate::effect::{Slot, What};
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    for field in linted.resource.fields.iter().filter(|field| field.behaviors.output_only) {
        if is_set(linted, field) {
            continue;
        }
        let spot = linted.field_spot(report, field);
        report
            .warning(&spot, format!("nothing sets {}, which is OUTPUT_ONLY", field.field_path))
            .because("no default, no effect and no transition has a value for it, so it stays unset in every row")
            .help("leave OUTPUT_ONLY out where clients set it, else give it a default, let an effect set it, or let a transition take it as its `input`");
    }
}

fn is_set(linted: &Linted<'_>, field: &FieldModel) -> bool {
    let own = linted.resource;
    let kept = own.soft_delete.map(|kept| [Some(kept.delete_time), kept.expire_time]);
    let standard = [own.uid, own.create_time, own.update_time].into_iter().chain(kept.into_iter().flatten());
    let columns = field.all_columns();
    // What has no column is made by the server: the name, the etag.
    columns.is_empty()
        || has_default(field)
        || standard.flatten().any(|column| columns.contains(&column))
        || own.transitions.iter().any(|transition| transition.inputs.iter().any(|input| input.number == field.number))
        || linted.resources.iter().flat_map(|other| &other.effects).any(|effect| sets(linted, &effect.what, &columns))
}

fn has_default(field: &FieldModel) -> bool {
    field.default.is_some() || field.children.iter().any(has_default)
}

/// Whether an effect has a value for one of the columns of the resource.
fn sets(linted: &Linted<'_>, what: &What, columns: &[usize]) -> bool {
    let is_own = |of: usize| linted.resources.get(of).is_some_and(|other| other.type_name == linted.resource.type_name);
    let fills = |slot: &Slot, list: Option<usize>| match slot {
        Slot::Column { column, .. } => columns.contains(column),
        Slot::Reference { columns: parts, .. } => parts.iter().any(|part| columns.contains(part)),
        Slot::Element { .. } => list.is_some_and(|list| columns.contains(&list)),
    };
    match what {
        What::Set { goal, .. } | What::Adjust { goal, .. } => {
            is_own(goal.aim.resource) && fills(&goal.slot, goal.aim.list)
        }
        What::Put(put) => is_own(put.resource) && put.set.iter().any(|(_, slot, _)| fills(slot, None)),
        What::Move { .. } => false,
    }
}
