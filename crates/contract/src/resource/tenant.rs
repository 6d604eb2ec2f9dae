//! Resources whose rows belong to organisations: `tenant: true`.
//!
//! The organisation is the first part of a row's key, which no name says and no client sends: it is the one that the caller acts
//! in. So whatever finds a row by its key finds it there alone, two organisations may have rows of one name, and what refers to a
//! row refers to one of its own organisation. That a row is there for who acts in its organisation and for nobody else stands in
//! every rule.

use mainstay_expr::{AuthName, Expr, Program, Root};
use mainstay_record::Kind;

use crate::annotations::OPTIONS;
use crate::model::Access;
use crate::report::Report;
use crate::resource::head::{Head, TENANT};
use crate::rule::Rule;
use crate::text::Step;

/// Makes what lies below a tenant's resource a tenant's, too, and refuses a tenant's resource below another.
pub(crate) fn inherit(report: &mut Report<'_>, heads: &mut [Head]) {
    let said: Vec<bool> = heads.iter().map(|head| head.tenant).collect();
    let parents: Vec<Option<usize>> = heads.iter().map(|head| position_of_parent(head, heads)).collect();
    for (index, head) in heads.iter_mut().enumerate() {
        let above = std::iter::successors(parents[index], |parent| parents[*parent]).take(parents.len());
        head.tenant |= above.into_iter().any(|parent| said[parent]);
    }
    for (head, parent) in heads.iter().zip(&parents) {
        let Some(parent) = parent.map(|parent| &heads[parent]).filter(|parent| head.tenant && !parent.tenant) else {
            continue;
        };
        let spot = head.option(report, OPTIONS, &[Step::Field(TENANT)]);
        let (name, above) = (head.message.full_name(), parent.message.full_name());
        report
            .error(&spot, format!("{name} belongs to organisations, and {above}, which it lies below, does not"))
            .because("a row lies below a row of its own organisation")
            .help(format!("write tenant: true into the options of {above}, or give {name} a pattern of its own"));
    }
}

fn position_of_parent(head: &Head, heads: &[Head]) -> Option<usize> {
    let shape = head.pattern.parent_shape()?;
    heads.iter().position(|other| other.package() == head.package() && other.pattern.shape == shape)
}

/// Says that the caller acts in the row's organisation.
fn is_own(root: Root) -> Expr {
    Expr::eq(Expr::column(root, 0, Kind::Text), Expr::Auth(AuthName::Org))
}

/// Adds to every rule that the row is of the organisation which the caller acts in. What a guard says holds for everybody, the
/// clock included: it needs no caller.
pub(super) fn bind(access: &mut Access) {
    let Access { read, create, update, delete, refer, transitions } = access;
    let own = transitions.iter_mut().filter_map(|own| own.access.as_mut());
    for rule in read.iter_mut().chain(create).chain(delete).chain(refer).chain(own) {
        restrict(rule, Root::Resource);
    }
    for rule in update {
        // It does not change: what is said of the row before is said of the row after.
        restrict(rule, Root::Old);
    }
}

fn restrict(rule: &mut Rule, root: Root) {
    let own = Program { root: is_own(root) };
    rule.program = Program::all([own, rule.program.clone()]);
}
