//! A rule for writes that holds for rows which whoever writes may not read: those are not found, whatever the rule says.
//!
//! It is told by an example alone: a row, with those above it and what it refers to, of which both rules are asked.

use super::Linted;
use super::callers::Caller;
use super::example::Example;
use crate::model::Rule;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    // Whoever leaves the read rule out is told so already.
    let Some(read) = &linted.resource.access.read else { return };
    let rules = linted.rules();
    for (verb, rule) in rules.iter().filter(|(verb, _)| !matches!(*verb, "read" | "refer")) {
        let callers = Caller::all(linted.roles, rules.iter().map(|(_, rule)| *rule));
        let Some((caller, example)) =
            callers.iter().find_map(|caller| Some((caller, example(linted, rule, read, verb, caller)?)))
        else {
            continue;
        };
        let message = linted.resource.short_name();
        let why = match *verb {
            "create" => "what a caller may not read is not found, also where he has just made it",
            _ => "what a caller may not read is not found, so that he cannot write it either",
        };
        let spot = linted.rule_spot(report, verb);
        report
            .warning(&spot, format!("{} may {verb} some {message} and not read it", caller.who))
            .because(format!("{}: {why}", example.told(linted.resource)))
            .help("let the read rule hold for whoever may write, or narrow this one");
        return;
    }
}

/// A row of which the rule is true for the caller, and the read rule is not.
fn example<'r>(linted: &Linted<'r>, rule: &Rule, read: &Rule, verb: &str, caller: &Caller) -> Option<Example<'r>> {
    let (allowed, seen) = (caller.asks(&rule.program), caller.asks(&read.program));
    // Told elsewhere, as what the caller alone decides.
    if seen == mainstay_expr::Expr::FALSE && allowed == mainstay_expr::Expr::TRUE {
        return None;
    }
    let examples = Example::of(linted, &allowed, caller, matches!(verb, "create" | "write"));
    // What a row becomes that one makes is his own doing.
    let others = examples.iter().filter(|_| verb != "create").flat_map(|example| example.without(&seen, caller));
    let others: Vec<Example<'r>> = others.collect();
    examples
        .into_iter()
        .chain(others)
        .find(|example| example.says(&allowed, caller) == Some(true) && example.says(&seen, caller) == Some(false))
}
