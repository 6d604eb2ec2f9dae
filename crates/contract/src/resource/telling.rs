//! Unique indexes that tell of rows which those who write may not read.
//!
//! A value that is taken is refused, whoever may read the row that has it: else it would not be unique. No answer hides that,
//! since a value that is free is taken. So it is said where the contract is written, who is told what; see the README.

use mainstay_expr::Root;

use crate::file::Spot;
use crate::report::Report;
use crate::resource::head::Head;
use crate::{Access, FieldModel, Index};

/// Warns of a unique index whose rows may be hidden from those who write.
pub(super) fn warn(
    report: &mut Report<'_>,
    (head, resource): (&Head, &[FieldModel]),
    index: &Index,
    access: &Access,
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
    if !tells(index, access) {
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

fn tells(index: &Index, access: &Access) -> bool {
    let writes = || access.create.iter().chain(&access.update);
    if writes().next().is_none() {
        return false;
    }
    // Nobody reads them.
    let Some(read) = &access.read else { return true };
    if read.program.root.constant() == Some(Some(true)) {
        return false;
    }
    let columns = read.program.columns();
    if columns.is_empty() {
        // Who may write may read all of them.
        return writes().any(|write| write.source != read.source);
    }
    // What the rule asks of the other row, it asks of the one that is written: in these columns the two are the same.
    let indexed = |(root, column): &(Root, usize)| {
        *root == Root::Resource && index.columns.iter().any(|(indexed, _)| indexed == column)
    };
    !columns.iter().all(indexed)
}
