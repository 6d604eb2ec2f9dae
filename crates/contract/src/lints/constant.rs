//! A rule that looks as if it asked something.

use super::Linted;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    for (verb, rule) in linted.rules() {
        let Some(outcome) = rule.program.root.constant() else { continue };
        let word = if outcome == Some(true) { "true" } else { "false" };
        if rule.source.trim() == word {
            continue;
        }
        let (whom, always) = if outcome == Some(true) { ("everybody", "true") } else { ("nobody", "never true") };
        let spot = linted.rule_spot(report, verb);
        report
            .warning(&spot, format!("the rule for {verb} is {always}, whoever asks and whatever the row is"))
            .because(format!("so {whom} may {verb}"))
            .help(format!("write \"{word}\" if that is meant"));
    }
}
