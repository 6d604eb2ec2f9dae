//! A rule that looks as if it asked something.

use super::Linted;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    for (stands, rule) in linted.all_rules() {
        let Some(outcome) = rule.program.root.constant() else { continue };
        let word = if outcome == Some(true) { "true" } else { "false" };
        if rule.source.trim() == word {
            continue;
        }
        let (whom, always) = if outcome == Some(true) { ("everybody", "true") } else { ("nobody", "never true") };
        let spot = linted.spot(report, stands);
        report
            .warning(&spot, format!("{stands} is {always}, whoever asks and whatever the row is"))
            .because(format!("so {whom} may {}", stands.act()))
            .help(format!("write \"{word}\" if that is meant"));
    }
}
