//! The values of an enum, by number and name: rows hold the number, everybody else says the name.

use std::collections::BTreeMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind};
use serde::{Deserialize, Serialize};

/// What the numbers in a field mean.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EnumValues {
    /// The names of each number; more than one where the enum has `allow_alias`.
    pub there: BTreeMap<i32, Vec<String>>,
    /// Of numbers with more than one name, the one that answers have in JSON: the first that is declared.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub written: BTreeMap<i32, String>,
    /// Those that the contract has no more: rows may still hold them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gone: BTreeMap<i32, Vec<String>>,
}

/// What became of an enum's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueChange {
    Added {
        value: String,
    },
    /// The number has another name, which no other number had.
    Renamed {
        from: String,
        to: String,
    },
    /// The number has more names than it had, fewer, or is answered under another one of them.
    Named {
        value: String,
        more: Vec<String>,
        less: Vec<String>,
        answered: Option<String>,
    },
    Removed {
        number: i32,
        value: String,
    },
    /// These numbers mean something else now.
    Renumbered {
        numbers: Vec<i32>,
        from: String,
        to: String,
    },
}

/// The enum that a field holds, singly, repeated or as the values of a map.
fn held_enum(field: &FieldDescriptor) -> Option<EnumDescriptor> {
    let kind = match field.kind() {
        Kind::Message(entry) if entry.is_map_entry() => entry.map_entry_value_field().kind(),
        kind => kind,
    };
    kind.as_enum().cloned()
}

impl EnumValues {
    /// The values of the enum that a field holds.
    pub(crate) fn of(field: &FieldDescriptor) -> Option<EnumValues> {
        let mut there: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        // In the order in which they are declared, which the descriptor's own list is not in.
        for value in &held_enum(field)?.enum_descriptor_proto().value {
            there.entry(value.number()).or_default().push(value.name().to_owned());
        }
        let several = there.iter().filter(|(_, names)| names.len() > 1);
        let written = several.filter_map(|(number, names)| Some((*number, names.first()?.clone()))).collect();
        there.values_mut().for_each(|names| names.sort());
        Some(EnumValues { there, written, gone: BTreeMap::new() })
    }

    /// These values, with those that were there before remembered.
    pub(crate) fn after(mut self, was: &EnumValues) -> EnumValues {
        let before = was.gone.iter().chain(&was.there);
        self.gone = before
            .filter(|(number, _)| !self.there.contains_key(number))
            .map(|(n, names)| (*n, names.clone()))
            .collect();
        self
    }

    /// Says whether the numbers mean the same as far as both know them: the same enum under another name.
    pub(crate) fn agrees(&self, other: &EnumValues) -> bool {
        let mut common =
            self.there.iter().filter_map(|(number, names)| Some((names, other.there.get(number)?))).peekable();
        common.peek().is_some() && common.all(|(ours, theirs)| share(ours, theirs))
    }

    /// The name that answers have in JSON, where it is known.
    fn answered(&self, number: i32) -> Option<&str> {
        match self.there.get(&number).map(Vec::as_slice) {
            Some([only]) => Some(only),
            _ => self.written.get(&number).map(String::as_str),
        }
    }

    /// Tells what became of the values that were.
    pub(crate) fn changes(was: &EnumValues, now: &EnumValues) -> Vec<ValueChange> {
        let mut changes = Vec::new();
        let mut moved: Vec<i32> = Vec::new();
        for (number, old) in &was.there {
            match now.there.get(number) {
                Some(new) if share(old, new) => changes.extend(named(*number, (was, old), (now, new))),
                Some(new) if !(stands_elsewhere(now, *number, old) || stands_elsewhere(was, *number, new)) => {
                    changes.push(ValueChange::Renamed { from: old.join(" = "), to: new.join(" = ") });
                }
                None if !stands_elsewhere(now, *number, old) => {
                    changes.push(ValueChange::Removed { number: *number, value: old.join(" = ") });
                }
                _ => moved.push(*number),
            }
        }
        for (number, new) in now.there.iter().filter(|(number, _)| !was.there.contains_key(number)) {
            match was.gone.get(number) {
                Some(old) if !share(old, new) => moved.push(*number),
                _ if stands_elsewhere(was, *number, new) => moved.push(*number),
                _ => changes.push(ValueChange::Added { value: new.join(" = ") }),
            }
        }
        if !moved.is_empty() {
            moved.sort_unstable();
            let from = list(&moved, |number| was.there.get(&number).or_else(|| was.gone.get(&number)));
            let to = list(&moved, |number| now.there.get(&number));
            changes.push(ValueChange::Renumbered { numbers: moved, from, to });
        }
        changes
    }
}

/// What became of the names of a number that has one of them still.
fn named(
    number: i32,
    (was, old): (&EnumValues, &[String]),
    (now, new): (&EnumValues, &[String]),
) -> Option<ValueChange> {
    let missing = |of: &[String], from: &[String]| of.iter().filter(|name| !from.contains(name)).cloned().collect();
    let (more, less): (Vec<String>, Vec<String>) = (missing(new, old), missing(old, new));
    let (before, after) = (was.answered(number), now.answered(number));
    // An earlier version did not know under which of several names a number is answered.
    let other = before.is_some() && before != after;
    let answered = after.filter(|_| other).map(str::to_owned);
    let value = before.or(old.first().map(String::as_str)).unwrap_or_default().to_owned();
    let same = more.is_empty() && less.is_empty() && answered.is_none();
    (!same).then_some(ValueChange::Named { value, more, less, answered })
}

fn share(ours: &[String], theirs: &[String]) -> bool {
    ours.iter().any(|name| theirs.contains(name))
}

/// Says whether one of a number's names belongs to another number there.
fn stands_elsewhere(values: &EnumValues, number: i32, names: &[String]) -> bool {
    values.there.iter().any(|(other, theirs)| *other != number && share(names, theirs))
}

/// `1 = DRAFT, 2 = PRINTED`
fn list<'v>(numbers: &[i32], names: impl Fn(i32) -> Option<&'v Vec<String>>) -> String {
    let one = |number: &i32| {
        let names = names(*number).map_or_else(|| "nothing".to_owned(), |names| names.join(" = "));
        format!("{number} = {names}")
    };
    numbers.iter().map(one).collect::<Vec<_>>().join(", ")
}
