//! Fields that stand: what is promised of them otherwise than before, beside their type and columns.

use super::{Change, Safety};
use crate::terms::{FieldTerms, ZERO_TOO};

/// Every difference between a field's terms, each with what it needs to run. `names`: what the field was called and is.
pub(super) fn changes(field: &str, names: (&str, &str), was: &FieldTerms, now: &FieldTerms) -> Vec<(Change, Safety)> {
    let mut changes = Vec::new();
    let field = || field.to_owned();
    // A field that is renamed has another name in JSON, and its old one as an alias: that is the rename.
    let follows = was.json_name == json_name_of(names.0) && now.json_name == json_name_of(names.1);
    if was.json_name != now.json_name && !follows {
        let change = Change::ChangeJsonName { field: field(), from: was.json_name.clone(), to: now.json_name.clone() };
        changes.push((change, reviewed_json_name(was)));
    }
    let (mut more, less) = (missing(&now.aliases, &was.aliases), missing(&was.aliases, &now.aliases));
    more.retain(|alias| alias != names.0);
    if !more.is_empty() || !less.is_empty() {
        changes.push((Change::ChangeAliases { field: field(), more, less }, Safety::Safe));
    }
    if was.default != now.default {
        let change = Change::ChangeDefault { field: field(), from: was.default.clone(), to: now.default.clone() };
        changes.push((change, if was.default.is_none() { Safety::Safe } else { reviewed_default(was) }));
    }
    for (behavior, was, now) in
        [("IMMUTABLE", was.immutable, now.immutable), ("OUTPUT_ONLY", was.output_only, now.output_only)]
    {
        if was != now {
            let safety = if was { reviewed_behavior(behavior) } else { Safety::Safe };
            changes.push((Change::ChangeBehavior { field: field(), behavior, less: was }, safety));
        }
    }
    changes
}

/// The name in JSON of a field that says nothing of it: underscores out, the letter behind each in upper case.
fn json_name_of(name: &str) -> String {
    let mut upper = false;
    let letters = name.chars().filter_map(|c| {
        let letter = (c != '_').then(|| if upper { c.to_ascii_uppercase() } else { c });
        upper = c == '_';
        letter
    });
    letters.collect()
}

/// What a value must satisfy otherwise than before.
pub(super) fn checks(field: &str, was: &[String], now: &[String]) -> Option<Change> {
    let (mut more, mut less) = (missing(now, was), missing(was, now));
    // That a zero is checked says something of checks that stand.
    let stands = was.iter().any(|check| check != ZERO_TOO && now.contains(check));
    for list in [&mut more, &mut less] {
        list.retain(|check| stands || check != ZERO_TOO);
    }
    let field = field.to_owned();
    match (more.is_empty(), less.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Change::LoosenField { field, less }),
        (false, _) if !less.is_empty() && more.iter().all(|more| less.iter().any(|less| is_looser(more, less))) => {
            Some(Change::LoosenField { field, less })
        }
        (false, _) => {
            let stays = |bound: &String| !more.iter().any(|more| is_looser(bound, more));
            Some(Change::TightenField { field, less: less.into_iter().filter(stays).collect(), more })
        }
    }
}

/// Says whether a bound is the other one with more room: `must be at least 1` against `must be at least 5`.
fn is_looser(bound: &str, other: &str) -> bool {
    let lower = ["must be at least ", "must be greater than ", "must have at least "];
    let upper = ["must be at most ", "must be less than ", "must have at most "];
    let number = |text: &str| text.split(' ').next().and_then(|number| number.parse::<f64>().ok());
    let both = |prefix: &&str| {
        let numbers = (number(bound.strip_prefix(prefix)?)?, number(other.strip_prefix(prefix)?)?);
        Some(numbers)
    };
    lower.iter().find_map(both).is_some_and(|(bound, other)| bound < other)
        || upper.iter().find_map(both).is_some_and(|(bound, other)| bound > other)
}

fn missing(of: &[String], from: &[String]) -> Vec<String> {
    of.iter().filter(|one| !from.contains(one)).cloned().collect()
}

fn reviewed_json_name(was: &FieldTerms) -> Safety {
    Safety::Reviewed {
        why: format!("clients that read or write {:?} in JSON do not find it any more", was.json_name),
        remedy: "keep the json_name, or accept when no client names it".to_owned(),
    }
}

fn reviewed_default(was: &FieldTerms) -> Safety {
    let was = was.default.as_deref().unwrap_or_default();
    Safety::Reviewed {
        why: format!("a create that leaves it unset got {was}, and gets something else now; rules may rest on it"),
        remedy: "look at the rules that name the field, then accept".to_owned(),
    }
}

fn reviewed_behavior(behavior: &str) -> Safety {
    let why = if behavior == "IMMUTABLE" {
        "whoever may update the record may change it from now on"
    } else {
        "whoever may write the record may set it from now on"
    };
    Safety::Reviewed { why: why.to_owned(), remedy: format!("accept, if {behavior} guarded nothing") }
}
