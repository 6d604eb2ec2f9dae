//! A transition by the clock whose rows no index finds.

use mainstay_expr::Root;

use super::{Linted, Stands};
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    let resource = linted.resource;
    for (own, rules) in resource.transitions.iter().zip(&resource.access.transitions) {
        let state = resource.states[own.states].column;
        let columns = rules.at.as_ref().map(|at| at.program.columns()).unwrap_or_default();
        let Some((Root::Resource, moment)) = columns.into_iter().next() else { continue };
        let serves = |columns: &[(usize, bool)]| {
            columns.iter().map(|(column, _)| *column).find(|column| *column != state) == Some(moment)
        };
        if resource.indexes.iter().any(|index| index.is_plain() && serves(&index.columns)) {
            continue;
        }
        let name = |column: usize| resource.field_of(column).map(|field| field.field_path.clone());
        let (Some(moment), Some(state)) = (name(moment), name(state)) else { continue };
        let (message, name) = (resource.short_name(), &own.name);
        let spot = linted.spot(report, Stands::Transition { name, part: "at" });
        report
            .warning(&spot, format!("the clock looks at every {message} to find those that {name} is due for"))
            .because(format!("no index has `{moment}` behind the state, or begins with it"))
            .help(format!("add to (mainstay.v1.resource): index {{fields: \"{state}\" fields: \"{moment}\"}}"));
    }
}
