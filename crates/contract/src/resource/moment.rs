//! When a transition happens by itself.

use mainstay_expr::{CompareOp, Expr, Program, Type, Wanted, compile_value};

use crate::Rule;
use crate::file::Spot;
use crate::model::Input;
use crate::report::Report;
use crate::resource::access::Rules;

/// Reads the moment of a transition (`at`), as a rule that holds once it has come.
pub(super) fn read(
    report: &mut Report<'_>,
    rules: &Rules<'_>,
    (name, source, spot): (&str, &str, &Spot),
    inputs: &[Input],
) -> Option<Rule> {
    if source.trim().is_empty() {
        report
            .error(spot, format!("the moment of `{name}` is empty"))
            .help("name a timestamp, for example at: \"resource.expire_time\"");
        return None;
    }
    let program = match compile_value(source, Wanted::Value(&Type::Timestamp), &rules.row()) {
        Ok(program) => program,
        Err(problems) => {
            rules.report(report, &format!("the moment of `{name}`"), source, spot, problems);
            return None;
        }
    };
    if let Some((cause, help)) = obstacle(&program.root) {
        report.error(spot, format!("the moment of `{name}` is no field of the row")).because(cause).help(help);
        return None;
    }
    if let Some(input) = inputs.iter().find(|input| input.required) {
        report
            .error(spot, format!("`{}` must be given with {name}, and the clock gives nothing", input.name))
            .because("a transition that happens by itself happens without a caller")
            .help("leave REQUIRED out, or make two transitions of it");
        return None;
    }
    let root = Expr::compare(CompareOp::Le, program.root, Expr::Now { offset_us: 0 });
    let place = report.files.place(&report.files.within(spot, 0..1));
    Some(Rule { source: source.to_owned(), program: Program { root }, place })
}

/// What keeps rows from being found whose moment has come: it is a column, so that an index has it, and unset is never.
fn obstacle(moment: &Expr) -> Option<(&'static str, &'static str)> {
    const HELP: &str = "keep the moment in a field of the row, which a default or an effect sets";
    match moment {
        Expr::Column { row, .. } if row.is_in_hand() => None,
        other if !other.tables().is_empty() => {
            Some(("it asks other rows, and all rows would have to be asked all the time", HELP))
        }
        _ => Some(("it is reckoned, and no index has what is reckoned", HELP)),
    }
}
