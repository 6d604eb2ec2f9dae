//! Who may write rows and never read one: a Create answers with a name, and then the row is not found.

use mainstay_expr::Expr;

use super::Linted;
use super::callers::Caller;
use crate::model::Rule;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    // Whoever leaves the read rule out is told so already.
    let Some(read) = &linted.resource.access.read else { return };
    let rules = linted.rules();
    let writes: Vec<&(&str, &Rule)> = rules.iter().filter(|(verb, _)| *verb != "read").collect();
    for caller in Caller::all(linted.roles, rules.iter().map(|(_, rule)| *rule)) {
        if caller.asks(&read.program) != Expr::FALSE {
            continue;
        }
        let Some((verb, _)) = writes.iter().find(|(_, rule)| caller.asks(&rule.program) == Expr::TRUE) else {
            continue;
        };
        let message = linted.head.message.full_name();
        let spot = linted.rule_spot(report, verb);
        report
            .warning(&spot, format!("{} may {verb} a {message}, and never read one", caller.who))
            .because("what a caller may not read is not found, also where he has just made it")
            .help("let the read rule hold for whoever may write, or narrow this one");
        return;
    }
}
