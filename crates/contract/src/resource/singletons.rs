//! Resources of which there is one below each parent (AIP-156): it is there as long as its parent is.

use mainstay_expr::Expr;

use crate::annotations::OPTIONS;
use crate::model::{Access, FieldModel};
use crate::report::Report;
use crate::resource::head::{Head, SOFT_DELETE};
use crate::text::Step;

/// Refuses what is said of their deletion, which is their parent's.
pub(super) fn check(report: &mut Report<'_>, heads: &[Head]) {
    for head in heads.iter().filter(|head| head.pattern.singleton) {
        if head.soft_delete {
            let spot = head.option(report, OPTIONS, &[Step::Field(SOFT_DELETE)]);
            report
                .error(&spot, format!("nobody deletes {}", head.message.full_name()))
                .because("it is there as long as what it lies below (AIP-156)")
                .help("leave soft_delete out");
        }
        if let Some(uid) = head.message.get_field_by_name("uid") {
            let spot = report.name(uid.parent_file().name(), uid.path());
            report
                .error(&spot, "a singleton has no `uid`")
                .because("it is made with its parent, whose identity is its own (AIP-156)")
                .help("leave the field out");
        }
    }
}

/// Refuses rules for what nobody does, and takes those away that `write` stands for.
pub(super) fn check_access(report: &mut Report<'_>, head: &Head, written: &dyn Fn(&str) -> bool, access: &mut Access) {
    if !head.pattern.singleton {
        return;
    }
    for verb in ["create", "delete"] {
        if written(verb) {
            let spot = head.option(report, OPTIONS, &[Step::Field("access"), Step::Field(verb)]);
            report
                .error(&spot, format!("nobody may {verb} {}", head.message.full_name()))
                .because("it comes and goes with what it lies below (AIP-156)")
                .help(format!("leave {verb} out"));
        }
    }
    (access.create, access.delete) = (None, None);
}

/// Nobody gives values to what is made with its parent: what is REQUIRED needs a default that is the same for everybody.
pub(super) fn check_fields(report: &mut Report<'_>, head: &Head, fields: &[FieldModel]) {
    if !head.pattern.singleton {
        return;
    }
    let is_constant = |field: &FieldModel| {
        field.default.as_ref().is_some_and(|default| matches!(default.root, Expr::Literal(_) | Expr::Now { .. }))
    };
    for field in fields.iter().filter(|field| field.behaviors.required && !field.behaviors.output_only) {
        if let Some(own) =
            head.message.get_field(field.number).filter(|_| !is_constant(field) && !field.columns.is_empty())
        {
            let spot = report.name(own.parent_file().name(), own.path());
            report
                .error(&spot, format!("{} would have no value at first", field.name))
                .because("a singleton is made with its parent (AIP-156), so nobody gives it values")
                .help("give the field a constant as (mainstay.v1.field).default, or leave REQUIRED out");
        }
    }
}
