//! Fields that stand: what is promised of them otherwise than before, beside their type and columns.

use super::{Change, Safety};
use crate::terms::{FieldTerms, ZERO_TOO, json_name_of, lost_names};

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
    let (mut more, mut less) = (missing(&now.aliases, &was.aliases), missing(&was.aliases, &now.aliases));
    more.retain(|alias| alias != names.0);
    // An alias that became the field's own name is still taken.
    let lost = lost_names((names.0, Some(was)), (names.1, now));
    less.retain(|alias| lost.contains(alias));
    if !more.is_empty() || !less.is_empty() {
        let safety = if less.is_empty() { Safety::Safe } else { refused_names(&less) };
        changes.push((Change::ChangeAliases { field: field(), more, less }, safety));
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
    // Bytes are no characters.
    let unit = |text: &str| text.split_once(' ').map(|(_, unit)| unit.trim_end_matches('s').to_owned());
    let both = |prefix: &&str| {
        let (bound, other) = (bound.strip_prefix(prefix)?, other.strip_prefix(prefix)?);
        if unit(bound) != unit(other) {
            return None;
        }
        Some((number(bound)?, number(other)?))
    };
    lower.iter().find_map(both).is_some_and(|(bound, other)| bound < other)
        || upper.iter().find_map(both).is_some_and(|(bound, other)| bound > other)
}

fn missing(of: &[String], from: &[String]) -> Vec<String> {
    of.iter().filter(|one| !from.contains(one)).cloned().collect()
}

/// What a rename needs: nothing where the old names go on being taken.
pub(super) fn renamed(was: (&str, Option<&FieldTerms>), now: (&str, &FieldTerms)) -> Safety {
    let own = [Some(was.0.to_owned()), was.1.map(|terms| terms.json_name.clone())];
    let lost: Vec<String> = lost_names(was, now).into_iter().filter(|name| own.contains(&Some(name.clone()))).collect();
    if lost.is_empty() { Safety::Safe } else { refused_names(&lost) }
}

fn refused_names(names: &[String]) -> Safety {
    let all = names.join(" and ");
    let aliases: Vec<String> = names.iter().map(|name| format!("aliases: \"{name}\"")).collect();
    Safety::Reviewed {
        why: format!("clients that write {all} are refused"),
        remedy: format!("write {}, which keeps accepting it, or accept when no client writes it", aliases.join(" ")),
    }
}

/// What a type that holds more needs: nothing where JSON writes it as before.
pub(super) fn widened(was: &str, now: &str) -> Safety {
    match (json_form(was), json_form(now)) {
        (before, after) if before == after => Safety::Safe,
        (before, after) => Safety::Reviewed {
            why: format!("in JSON it is {after} from now on, and was {before}"),
            remedy: "accept when every client reads that, or give the new type a field of its own".to_owned(),
        },
    }
}

/// How JSON writes a type of integers.
fn json_form(ty: &str) -> &'static str {
    match ty {
        "int64" | "uint64" => "a text of digits",
        "enum" => "the name of a value",
        _ => "a number",
    }
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
