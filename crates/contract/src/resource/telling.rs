//! Unique indexes that tell of rows which those who write may not read.
//!
//! A value that is taken is refused, whoever may read the row that has it: else it would not be unique. No answer hides that,
//! since a value that is free is taken. So it is said where the contract is written, who is told what; see the README.

use std::collections::BTreeSet;

use mainstay_expr::{AuthName, Expr, Program, Root};

use crate::file::Spot;
use crate::lints::{Caller, without_uid};
use crate::model::Rule;
use crate::report::Report;
use crate::resource::head::Head;
use crate::{Access, FieldModel, Index, Roles};

/// Warns of a unique index whose rows may be hidden from those who write.
pub(super) fn warn(
    report: &mut Report<'_>,
    (head, resource): (&Head, &[FieldModel]),
    index: &Index,
    (access, roles): (&Access, &Roles),
    spot: &Spot,
) {
    if let Some(field) = resource.iter().find(|field| field.read.is_some() && is_in(index, field)) {
        let (message, fields) = (head.message.full_name(), index.fields.join(", "));
        report
            .warning(spot, format!("the unique index on {fields} tells who may not read {} of a {message} whether it is taken", field.name))
            .because("a write of a value that is taken is refused, also with validate_only, and a rule hides the field from some")
            .help("give the field a rule for write that is no wider than that for read; or leave it where its values cannot be guessed");
        return;
    }
    if !tells(resource, index, access, roles) {
        return;
    }
    let (message, fields) = (head.message.full_name(), index.fields.join(", "));
    let what = if index.span.is_some() { "exclusion" } else { "unique index" };
    report
        .warning(spot, format!("the {what} on {fields} tells who may not read a {message} whether there is one"))
        .because("a write of a value that is taken is refused, also with validate_only, and the read rule hides rows from some")
        .help(
            "begin it with the fields that the read rule compares, for example `fields: \"owner\"`, so that nobody meets rows of \
             others; or leave it where the values are no secret or cannot be guessed",
        );
}

fn is_in(index: &Index, field: &FieldModel) -> bool {
    let columns = field.all_columns();
    let asked = index.condition.iter().flat_map(|rule| rule.program.columns()).map(|(_, column)| column);
    let times = index.span.iter().flat_map(|span| [span.from, span.to]);
    let compared = index.columns.iter().map(|(column, _)| *column);
    compared.chain(asked).chain(times).any(|column| columns.binary_search(&column).is_ok())
}

fn tells(resource: &[FieldModel], index: &Index, access: &Access, roles: &Roles) -> bool {
    let create = access.create.as_slice();
    let writes: Vec<&[Rule]> =
        [create, access.update.as_slice()].into_iter().filter(|rules| !rules.is_empty()).collect();
    if writes.is_empty() {
        return false;
    }
    // Nobody reads them.
    let Some(read) = &access.read else { return true };
    let ways = Ways { resource, index, read };
    // What the rule asks of the other row, it asks of the one that is written: in these columns the two are the same.
    let columns = read.program.columns();
    if !columns.is_empty() && ways.are_indexed(&columns) {
        return false;
    }
    let callers = Caller::all(roles, writes.iter().flat_map(|rules| rules.iter()).chain([read]));
    callers.iter().any(|caller| {
        caller.asks(&read.program) != Expr::TRUE && writes.iter().any(|rules| ways.may_meet_hidden(caller, rules))
    })
}

/// In which ways a row that has the same values as the one that is written can be read.
struct Ways<'a> {
    resource: &'a [FieldModel],
    index: &'a Index,
    read: &'a Rule,
}

impl Ways<'_> {
    /// Whether the rules let a caller write a row of whose values he may not read another.
    fn may_meet_hidden(&self, caller: &Caller, rules: &[Rule]) -> bool {
        let asked: Vec<Expr> = rules.iter().map(|rule| asked(caller, &rule.program)).collect();
        let is_denied = |asks: &Expr| matches!(asks.constant(), Some(None | Some(false)));
        if asked.iter().any(is_denied) {
            return false;
        }
        let ways: Vec<Expr> =
            [Root::Resource, Root::New, Root::Old].into_iter().flat_map(|root| self.through(caller, root)).collect();
        !asked.iter().any(|asks| ways.iter().any(|way| implies(asks, way)))
    }

    /// What lets the caller read a row and is said of the index's columns alone.
    fn through(&self, caller: &Caller, root: Root) -> Vec<Expr> {
        let ways = match caller.asks(&self.read.program.clone().on(root)) {
            Expr::Or(members) => members,
            other => vec![other],
        };
        let is_of_both = |way: &Expr| {
            let columns = way.columns();
            let stays = root != Root::Old || columns.iter().all(|(_, column)| self.is_immutable(*column));
            !columns.is_empty() && self.are_indexed(&columns) && stays
        };
        ways.into_iter().filter(is_of_both).collect()
    }

    fn are_indexed(&self, columns: &BTreeSet<(Root, usize)>) -> bool {
        let is_in_hand = |root: Root| matches!(root, Root::Resource | Root::Old | Root::New);
        let is_indexed = |column: usize| self.index.columns.iter().any(|(indexed, _)| *indexed == column);
        columns.iter().all(|(root, column)| is_in_hand(*root) && is_indexed(*column))
    }

    /// What is no field's is of the name, which nobody changes.
    fn is_immutable(&self, column: usize) -> bool {
        let field = self.resource.iter().find(|field| field.all_columns().binary_search(&column).is_ok());
        field.is_none_or(|field| field.behaviors.immutable)
    }
}

/// What is left of a rule for a caller; who is not signed in is nobody's owner.
fn asked(caller: &Caller, program: &Program) -> Expr {
    let is_nobody = Program { root: Expr::is_null(Expr::Auth(AuthName::Uid)) };
    match caller.asks(&is_nobody) == Expr::TRUE {
        true => caller.asks(&Program { root: without_uid(program.root.clone()) }),
        false => caller.asks(program),
    }
}

/// Whether what is left of a rule is true only where this is.
fn implies(asks: &Expr, way: &Expr) -> bool {
    match asks {
        _ if asks == way => true,
        Expr::And(members) => members.iter().any(|member| implies(member, way)),
        Expr::Or(members) => members.iter().all(|member| implies(member, way)),
        _ => false,
    }
}
