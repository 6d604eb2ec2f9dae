//! What becomes of a row when what it refers to, or lies below, is deleted.

use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};

use crate::annotations::{self, FIELD, OPTIONS, OnDelete};
use crate::file::Spot;
use crate::options::message_option;
use crate::report::Report;
use crate::resource::head::Head;
use crate::resource::options;
use crate::text::Step;

const ON_PARENT_DELETE: &str = "on_parent_delete";

/// Refuses what is said of references on what refers to nothing.
pub(super) fn check(report: &mut Report<'_>, pool: &DescriptorPool) {
    fn fields(message: &MessageDescriptor, found: &mut Vec<FieldDescriptor>) {
        found.extend(message.fields());
        message.child_messages().for_each(|child| fields(&child, found));
    }
    let mut all = Vec::new();
    let written = pool.files().filter(|file| report.files.index(file.name()).is_some());
    written.flat_map(|file| file.messages().collect::<Vec<_>>()).for_each(|message| fields(&message, &mut all));
    for field in all {
        let options = annotations::read(&field);
        let said = [
            ("on_delete", options.on_delete.is_some(), "what becomes of a row when what it refers to is deleted"),
            ("acyclic", options.acyclic, "that following a reference to the same resource never comes back"),
        ];
        for (name, _, what) in said.into_iter().filter(|(_, is_said, _)| *is_said && options.reference.is_none()) {
            let spot = options::spot(report, &field, FIELD, &[Step::Field(name)]);
            report
                .error(&spot, format!("{} refers to nothing", field.full_name()))
                .because(format!("{name} says {what}"))
                .help("add (google.api.resource_reference).type, or leave it out");
        }
    }
}

/// Reads what becomes of a resource's rows when the one is deleted that they lie below.
pub(super) fn of_parent(report: &mut Report<'_>, pool: &DescriptorPool, heads: &[Head], head: &Head) -> OnDelete {
    let option = message_option(pool, &head.message.options(), OPTIONS);
    let Some(on_delete) = option.and_then(|option| annotations::on_delete(&option, ON_PARENT_DELETE)) else {
        return if head.pattern.singleton { OnDelete::Cascade } else { OnDelete::default() };
    };
    let spot = head.option(report, OPTIONS, &[Step::Field(ON_PARENT_DELETE)]);
    let (shape, parent) = (head.pattern.parent_shape(), head.parent(heads));
    if head.pattern.singleton {
        report
            .error(&spot, format!("{} goes with what it lies below", head.message.full_name()))
            .because("there is one as long as there is its parent (AIP-156)")
            .help("leave it out");
    }
    match (parent, on_delete) {
        (None, _) if shape.is_none() => {
            report
                .error(&spot, format!("{} lies below nothing", head.message.full_name()))
                .because(format!("{ON_PARENT_DELETE} says what becomes of a row when the one above it is deleted"))
                .help("leave it out");
        }
        (_, OnDelete::SetNull) => {
            report
                .error(&spot, format!("{} cannot lie below nothing", head.message.full_name()))
                .because("what a row lies below is a part of its name")
                .help("write CASCADE or RESTRICT");
        }
        (Some(parent), OnDelete::Cascade) => check_kept(report, &spot, head, parent),
        _ => {}
    }
    on_delete
}

/// A row that is to be kept cannot go with one that is not: it would refer to it, or lie below it, when that is gone.
pub(super) fn check_kept(report: &mut Report<'_>, spot: &Spot, head: &Head, target: &Head) {
    if head.soft_delete && !target.soft_delete {
        report
            .error(spot, format!("{} keeps its deleted rows, and {} does not", head.short_name(), target.short_name()))
            .because("what is deleted with a row that is gone could not be kept")
            .help(format!("add soft_delete: true to {}, or leave CASCADE out", target.short_name()));
    }
}
