//! Fields whose annotations leave them no value, or one.

use prost_reflect::Kind;

use super::Linted;
use crate::FieldModel;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    for field in &linted.resource.fields {
        if is_plain_bool(linted, field) && field.behaviors.required {
            let spot = linted.field_spot(report, field);
            report
                .warning(&spot, format!("{} is REQUIRED, so it is always true", field.field_path))
                .because("without presence, false cannot be told from nothing")
                .help("write `optional bool`, or leave REQUIRED out");
        }
    }
}

fn is_plain_bool(linted: &Linted<'_>, field: &FieldModel) -> bool {
    let declared = linted.head.message.get_field(field.number);
    declared
        .is_some_and(|declared| declared.kind() == Kind::Bool && !declared.is_list() && !declared.supports_presence())
}
