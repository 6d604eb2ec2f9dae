//! Lists that are changed by what they are.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use mainstay_record::{Value, stored_json};
use serde_json::Value as Json;

use super::{Operator, Problem};
use crate::plans::canonical_json;

/// An element, with the text by which it is known among others.
pub(super) type Element = (String, Json);

/// The lists that are changed, each taken apart once however many transforms change it.
#[derive(Debug, Default)]
pub(super) struct Lists(BTreeMap<usize, List>);

#[derive(Debug, Default)]
pub(super) struct List {
    /// With each the text by which it is known.
    elements: Vec<Element>,
    known: HashSet<String>,
}

impl Lists {
    /// The list of this column, which is taken out of the row.
    pub fn taken(&mut self, row: &mut [Value], column: usize, operator: Operator) -> Result<&mut List, Problem> {
        match self.0.entry(column) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(free) => {
                let elements = elements(&row[column]);
                let refused = || ("field", format!("is no list, which `{}` is for", operator.name()));
                let elements = known(elements.ok_or_else(refused)?);
                row[column] = Value::Null;
                let known = elements.iter().map(|(text, _)| text.clone()).collect();
                Ok(free.insert(List { elements, known }))
            }
        }
    }

    /// Puts the lists into the row.
    pub fn put_back(self, row: &mut [Value]) {
        for (column, list) in self.0 {
            let elements: Vec<Json> = list.elements.into_iter().map(|(_, element)| element).collect();
            row[column] =
                if elements.is_empty() { Value::Null } else { Value::Json(Json::Array(elements).to_string()) };
        }
    }
}

impl List {
    /// Appends the elements that are missing, or removes all that equal one of them.
    pub fn change(&mut self, operator: Operator, given: &[Element]) {
        if operator == Operator::RemoveAll {
            let removed: HashSet<&str> = given.iter().map(|(text, _)| text.as_str()).collect();
            self.elements.retain(|(text, _)| !removed.contains(text.as_str()));
            self.known.retain(|text| !removed.contains(text.as_str()));
            return;
        }
        for (text, element) in given {
            if self.known.insert(text.clone()) {
                self.elements.push((text.clone(), element.clone()));
            }
        }
    }
}

/// The elements with their texts.
pub(super) fn known(elements: Vec<Json>) -> Vec<Element> {
    elements.into_iter().map(|element| (canonical_json(&element), element)).collect()
}

/// The elements of a column's list; nothing where it holds no list.
pub(super) fn elements(value: &Value) -> Option<Vec<Json>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Json(text) => match stored_json(text) {
            Some(Json::Array(elements)) => Some(elements),
            _ => None,
        },
        _ => None,
    }
}
