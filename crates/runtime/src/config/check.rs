//! Finds every problem of a configuration, although serde stops at the first.
//!
//! Each setting is read alone, all others at their defaults: so an error belongs to exactly one path. What only shows in a
//! whole section (a field that must not be left out) is found by reading the sections the same way, inside out.

use super::Problem;
use config::{Map, Value, ValueKind};
use serde::de::DeserializeOwned;

/// Words in the name of a setting whose value must not be repeated in an error.
const SECRET_WORDS: [&str; 6] = ["secret", "password", "key", "token", "url", "credential"];

/// Most of an unknown name's letters may differ from the name that is suggested.
const MAX_EDITS: usize = 3;

/// Something that does not have the form of its setting.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) problem: Problem,
    /// What has to be taken away so that the rest can be read.
    pub(super) place: Vec<String>,
}

/// Lists what does not have the form that a `T` wants.
pub(super) fn problems<T: DeserializeOwned>(tree: &Value) -> Vec<Broken> {
    let mut found = Vec::new();
    visit::<T>(tree, &mut Vec::new(), &mut found);
    found
}

/// Reads a node after its children; returns whether there was a problem in it.
fn visit<T: DeserializeOwned>(node: &Value, path: &mut Vec<String>, found: &mut Vec<Broken>) -> bool {
    let mut bad = false;
    if let ValueKind::Table(table) = &node.kind {
        let mut keys: Vec<&String> = table.keys().collect();
        keys.sort_unstable();
        for key in keys {
            path.push(key.clone());
            bad |= visit::<T>(&table[key], path, found);
            path.pop();
        }
        // A section is read as a whole only if its parts are fine: their problems would show again.
        if bad {
            return true;
        }
    }
    let Err(error) = alone(path, node).try_deserialize::<T>() else { return false };
    let message = plain(&error.to_string());
    let missing = missing_field(&message);
    if missing.is_some() && !matches!(node.kind, ValueKind::Table(_)) {
        // One of the others, which were left out on purpose.
        return false;
    }
    let broken = match missing {
        Some(field) => {
            let section =
                node.origin().map(|origin| format!("beside what is set by {origin}, or ")).unwrap_or_default();
            let help = format!("set it {section}with {}", super::variable(&field));
            let problem = Problem::new(field, "must be set").help(help);
            Broken { problem, place: path.clone() }
        }
        None => describe(&message, path, node),
    };
    // A section that nobody knows is found once for each thing in it.
    if !found.iter().any(|other| other.place == broken.place && other.problem.message == broken.problem.message) {
        found.push(broken);
    }
    true
}

/// Makes a tree with nothing but this node.
fn alone(path: &[String], node: &Value) -> Value {
    path.iter().rev().fold(node.clone(), |inner, key| {
        let table = Map::from_iter([(key.clone(), inner)]);
        Value::new(None, ValueKind::Table(table))
    })
}

fn describe(message: &str, path: &[String], node: &Value) -> Broken {
    let origin = node.origin().unwrap_or_default();
    if let Some((unknown, known)) = unknown_field(message) {
        let depth = path.iter().position(|part| *part == unknown).map_or(path.len(), |index| index + 1);
        let what = if depth < path.len() { "section" } else { "setting" };
        let help = match nearest(&unknown, &known) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        let place = path[..depth].to_vec();
        let problem = Problem::new(place.join("."), format!("there is no such {what}")).at(origin).help(help);
        return Broken { problem, place };
    }
    let name = path.last().map(String::as_str).unwrap_or_default();
    // What is public by its name says how it has to look; it does not repeat the value either.
    let secret = !name.starts_with("public") && SECRET_WORDS.iter().any(|word| name.contains(word));
    let message = match secret {
        true => "the value is not valid (it may be a secret and is not repeated here)".to_owned(),
        false => in_our_words(message, node),
    };
    Broken { problem: Problem::new(path.join("."), message).at(origin), place: path.to_vec() }
}

/// Says what is wrong with a value without naming types of ours, and with the value.
fn in_our_words(message: &str, node: &Value) -> String {
    if let Some((_, variant)) = message.split_once(" does not have variant constructor ") {
        return format!("there is no choice {variant:?}");
    }
    if let Some((what, _)) = message.split_once(", expected struct ") {
        return format!("{what}, expected a section");
    }
    match &node.kind {
        ValueKind::String(text) if !message.contains(text.as_str()) => format!("{text:?} is not valid: {message}"),
        _ => message.to_owned(),
    }
}

/// Takes the library's own words about the place out of an error: ours say it.
fn plain(message: &str) -> String {
    let end = [" for key `", " in the environment variable", " in the flag"]
        .iter()
        .filter_map(|tail| message.find(tail))
        .min();
    message[..end.unwrap_or(message.len())].to_owned()
}

/// Reads the library's sentence about a field that must not be left out: its whole path.
fn missing_field(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("missing configuration field \"")?;
    Some(rest.split('"').next()?.to_owned())
}

/// Reads serde's sentence about an unknown field: its name, and the names that are known.
fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let (_, rest) = message.split_once("unknown field `")?;
    let mut quoted = rest.split('`');
    let unknown = quoted.next()?.to_owned();
    // Between two quoted names there is what is not quoted.
    let known = quoted.skip(1).step_by(2).map(str::to_owned).collect();
    Some((unknown, known))
}

/// Finds the known name that is most like the unknown one, if any is.
fn nearest<'a>(unknown: &str, known: &'a [String]) -> Option<&'a str> {
    let close = known.iter().map(|name| (strsim::osa_distance(unknown, name), name.as_str()));
    let limit = MAX_EDITS.min(unknown.chars().count() / 2);
    close.filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}
