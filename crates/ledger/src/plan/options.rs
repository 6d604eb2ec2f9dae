//! Options that say something else than before, whatever they are.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::{Area, Severity};
use super::{Change, Safety};

/// What a statement is to whoever uses the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// More is possible with it than without.
    Allows,
    /// Less is.
    Restricts,
    /// Something else is, or it cannot be told.
    Differs,
}

/// How what a rule says changed, where its text did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is no rule whose meaning is known.
    Unknown,
    /// It says the same in other words.
    Same,
    Changed(Severity),
}

/// How the parts of a transition are judged that are statements by themselves, by the end of their names.
const OF_TRANSITIONS: [(&str, Judged, &[Area]); 2] =
    [(".access", Judged::Allows, &[Area::Access, Area::States]), (".guard", Judged::Restricts, &[Area::States])];

/// How statements are judged, by the beginning of their names.
const JUDGED: [(&str, Judged, &[Area]); 15] = [
    ("resource.predicate", Judged::Differs, &[Area::Access]),
    ("resource.effect", Judged::Differs, &[Area::Storage]),
    ("resource.on_parent_delete", Judged::Differs, &[Area::Storage]),
    ("resource.tenant", Judged::Restricts, &[Area::Access]),
    ("resource.search", Judged::Allows, &[Area::Index]),
    ("resource.aggregate", Judged::Allows, &[Area::Access]),
    ("resource.expire", Judged::Restricts, &[Area::Access]),
    ("field.read", Judged::Restricts, &[Area::Access]),
    ("field.write", Judged::Restricts, &[Area::Access]),
    ("field.class", Judged::Restricts, &[Area::Access]),
    ("field.on_delete", Judged::Differs, &[Area::Storage]),
    ("field.acyclic", Judged::Restricts, &[Area::Validation]),
    ("states.transition", Judged::Allows, &[Area::States]),
    ("states", Judged::Differs, &[Area::States]),
    ("validate", Judged::Restricts, &[Area::Validation]),
];

/// What a statement is to whoever uses the contract, and where that shows.
fn judged(name: &str) -> (Judged, &'static [Area]) {
    if let Some(judged) = of_transition(name) {
        return judged;
    }
    let row = JUDGED.iter().find(|(beginning, ..)| is_within(name, beginning));
    row.map_or((Judged::Differs, &[Area::Wire]), |(_, judged, areas)| (*judged, areas))
}

/// The same of a rule of a transition, where the statement is one.
fn of_transition(name: &str) -> Option<(Judged, &'static [Area])> {
    let transition = name.strip_prefix("states.transition.")?;
    let row = OF_TRANSITIONS.iter().find(|(end, ..)| transition.ends_with(end));
    row.map(|(_, judged, areas)| (*judged, *areas))
}

/// Every difference between the statements of a resource (`field`: nothing) or of a field, each with what it needs to run.
pub(super) fn changes(
    field: Option<&str>,
    was: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    verdict: &dyn Fn(&str) -> Verdict,
) -> Vec<(Change, Safety)> {
    let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    // With a whole its parts come and go.
    let comes_with_all =
        |name: &str| name.rsplit_once('.').is_some_and(|(whole, _)| was.contains_key(whole) != now.contains_key(whole));
    let changed = names.into_iter().filter(|name| was.get(*name) != now.get(*name) && !comes_with_all(name));
    changed.filter_map(|name| change(field, name, (was.get(name), now.get(name)), verdict(name))).collect()
}

/// Nothing where a rule says the same in other words.
fn change(
    field: Option<&str>,
    name: &str,
    (was, now): (Option<&String>, Option<&String>),
    verdict: Verdict,
) -> Option<(Change, Safety)> {
    let (judged, areas) = judged(name);
    let severity = match (judged, was.is_some(), now.is_some()) {
        (_, true, true) if verdict == Verdict::Same => return None,
        (_, true, true) if let Verdict::Changed(severity) = verdict => severity,
        (Judged::Allows, false, true) | (Judged::Restricts, true, false) => Severity::Widened,
        (Judged::Allows, true, false) | (Judged::Restricts, false, true) => Severity::Narrowed,
        _ => Severity::Changed,
    };
    let safety = match severity {
        // Who may do more is somebody's to decide; what is possible beside it breaks nobody.
        Severity::Widened if !areas.contains(&Area::Access) && of_transition(name).is_none() => Safety::Safe,
        Severity::Narrowed if !areas.contains(&Area::States) => Safety::Safe,
        _ => reviewed(severity),
    };
    let (field, from, to) = (field.map(str::to_owned), was.cloned(), now.cloned());
    Some((Change::ChangeOption { field, option: name.to_owned(), from, to, severity, areas }, safety))
}

fn reviewed(severity: Severity) -> Safety {
    let why = match severity {
        Severity::Widened => "more is possible from now on than before",
        Severity::Narrowed => "clients that rest on it are refused",
        Severity::Changed => "what was said of it is something else now, and so may be what clients meet",
    };
    Safety::Reviewed { why: why.to_owned(), remedy: "compare the two, then accept".to_owned() }
}

fn is_within(name: &str, outer: &str) -> bool {
    name.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
