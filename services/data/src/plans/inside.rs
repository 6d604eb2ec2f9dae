//! OUTPUT_ONLY and IMMUTABLE (AIP-203) inside what is stored as JSON: lists, maps and messages that contain themselves.
//!
//! Both speak of a field over time, so it has to be known which message of a row is the same one after a write:
//!
//! - a singular message is always the same one, whether it is set or not;
//! - the value of a map is the one with the same key;
//! - an element of a list is the one that it equals in everything that a client may write, wherever that stands now; else
//!   the one at its place, unless that one stands elsewhere now.
//!
//! What is the same as nothing before is new: it comes without OUTPUT_ONLY values, and its IMMUTABLE ones are set with it.
//! What is not there any more takes its values along.

use std::collections::{HashMap, VecDeque};

use mainstay_contract::{Container, FieldModel, JsonBehaviors};
use mainstay_record::{JsonShape, Layout, Role, Value, stored_json};
use serde_json::Value as Json;

use super::same::{canonical, same};

/// What a write heeds inside one JSON column.
#[derive(Debug)]
pub struct Inside {
    column: usize,
    /// The column's field, from the resource.
    path: String,
    container: Container,
    /// Parallel to the column's shape; the field's own message is the first.
    nodes: Vec<Vec<Field>>,
}

/// A field of a message that has something to heed: in itself, or further in.
#[derive(Debug)]
struct Field {
    key: String,
    name: String,
    output_only: bool,
    immutable: bool,
    container: Container,
    /// The messages that the field holds, where there is something to heed in them and it is a client's to write.
    below: Option<usize>,
}

impl Inside {
    /// Compiles what is said inside a field's column; nothing where it says nothing.
    pub fn new(field: &FieldModel, layout: &Layout) -> Option<Inside> {
        let (behaviors, column) = (field.json_behaviors.as_ref()?, *field.columns.first()?);
        let Role::Json(shape) = &layout.columns.get(column)?.role else { return None };
        let nodes = nodes(behaviors, shape);
        nodes.first().is_some_and(|root| !root.is_empty()).then(|| Inside {
            column,
            path: field.field_path.clone(),
            container: behaviors.container,
            nodes,
        })
    }

    /// Takes away what a client may not set.
    pub fn clear(&self, record: &mut [Value]) {
        let Some(mut value) = tree(record, self.column) else { return };
        self.clear_values(self.container, 0, &mut value);
        record[self.column] = Value::Json(value.to_string());
    }

    /// Gives the same messages the OUTPUT_ONLY values back that they had, and takes them from the others.
    pub fn keep_output_only(&self, old: &[Value], new: &mut [Value]) {
        if old[self.column] == new[self.column] {
            return;
        }
        let Some(mut value) = tree(new, self.column) else { return };
        let before = tree(old, self.column).unwrap_or(Json::Null);
        Walk { inside: self, keep: true, changed: Vec::new() }.values((self.container, 0), &before, &mut value, "");
        // What is stored is not written again in other words.
        new[self.column] =
            if same(&before, &value) { old[self.column].clone() } else { Value::Json(value.to_string()) };
    }

    /// Names the IMMUTABLE fields of the same messages that would change.
    pub fn changed_immutable(&self, old: &[Value], new: &[Value]) -> Vec<String> {
        if old[self.column] == new[self.column] {
            return Vec::new();
        }
        let (before, mut after) = (tree(old, self.column), tree(new, self.column).unwrap_or(Json::Null));
        let mut walk = Walk { inside: self, keep: false, changed: Vec::new() };
        walk.values((self.container, 0), &before.unwrap_or(Json::Null), &mut after, &self.path);
        walk.changed
    }

    fn clear_values(&self, container: Container, node: usize, value: &mut Json) {
        match (container, value) {
            (Container::List, Json::Array(elements)) => elements.iter_mut().for_each(|it| self.clear_message(node, it)),
            (Container::Map, Json::Object(entries)) => entries.values_mut().for_each(|it| self.clear_message(node, it)),
            (Container::One, value) => self.clear_message(node, value),
            _ => {}
        }
    }

    fn clear_message(&self, node: usize, value: &mut Json) {
        let Json::Object(message) = value else { return };
        for field in &self.nodes[node] {
            if field.output_only {
                message.remove(&field.key);
            } else if let (Some(below), Some(inner)) = (field.below, message.get_mut(&field.key)) {
                self.clear_values(field.container, below, inner);
            }
        }
    }
}

/// One pass through a value as it is and as it would be.
struct Walk<'i> {
    inside: &'i Inside,
    /// Whether OUTPUT_ONLY values are given back; else IMMUTABLE ones are compared.
    keep: bool,
    changed: Vec<String>,
}

impl Walk<'_> {
    fn values(&mut self, (container, node): (Container, usize), old: &Json, new: &mut Json, path: &str) {
        match (container, new) {
            (Container::List, Json::Array(elements)) => {
                let before = old.as_array().map_or(&[][..], Vec::as_slice);
                for (index, was) in self.partners(node, before, elements).into_iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.element(node, was.map(|was| &before[was]), &mut elements[index], &path);
                }
            }
            (Container::Map, Json::Object(entries)) => {
                for (key, value) in entries {
                    self.element(node, old.get(key), value, &format!("{path}[{key:?}]"));
                }
            }
            (Container::One, new) if !(old.is_null() && new.is_null()) => self.message(node, old, new, path),
            _ => {}
        }
    }

    /// An element of a list or a value of a map, and what it was, if it was there.
    fn element(&mut self, node: usize, old: Option<&Json>, new: &mut Json, path: &str) {
        match old {
            Some(old) => self.message(node, old, new, path),
            None if self.keep => self.inside.clear_message(node, new),
            None => {}
        }
    }

    /// The same message before and after; null where it is not set.
    fn message(&mut self, node: usize, old: &Json, new: &mut Json, path: &str) {
        let inside = self.inside;
        for Field { key, name, output_only, immutable, container, below } in &inside.nodes[node] {
            let was = old.get(key);
            if *output_only {
                if self.keep {
                    put(new, key, was);
                }
                continue;
            }
            let path = format!("{path}.{name}");
            if let Some(below) = below {
                let mut unset = Json::Null;
                let now = new.get_mut(key).unwrap_or(&mut unset);
                self.values((*container, *below), was.unwrap_or(&Json::Null), now, &path);
            }
            let changes = || !same(was.unwrap_or(&Json::Null), new.get(key).unwrap_or(&Json::Null));
            if *immutable && !self.keep && changes() {
                self.changed.push(path);
            }
        }
    }

    /// For each element of a list, the place of the same element in the list as it was.
    fn partners(&self, node: usize, old: &[Json], new: &[Json]) -> Vec<Option<usize>> {
        let content = |element: &Json| {
            let mut element = element.clone();
            self.inside.clear_message(node, &mut element);
            canonical(&element)
        };
        let (before, after): (Vec<String>, Vec<String>) =
            (old.iter().map(content).collect(), new.iter().map(content).collect());
        let mut partners: Vec<Option<usize>> = after
            .iter()
            .enumerate()
            .map(|(place, content)| (before.get(place) == Some(content)).then_some(place))
            .collect();
        let mut taken: Vec<bool> =
            (0..old.len()).map(|place| partners.get(place).is_some_and(Option::is_some)).collect();
        let mut moved: HashMap<&str, VecDeque<usize>> = HashMap::new();
        for place in (0..old.len()).filter(|place| !taken[*place]) {
            moved.entry(&before[place]).or_default().push_back(place);
        }
        for (partner, content) in partners.iter_mut().zip(&after).filter(|(partner, _)| partner.is_none()) {
            *partner = moved.get_mut(content.as_str()).and_then(VecDeque::pop_front);
            partner.iter().for_each(|place| taken[*place] = true);
        }
        for (place, partner) in partners.iter_mut().enumerate().take(old.len()) {
            if partner.is_none() && !taken[place] {
                *partner = Some(place);
            }
        }
        partners
    }
}

/// Sets a field of a message to what it was. A message that is not set stays so.
fn put(message: &mut Json, key: &str, value: Option<&Json>) {
    let Json::Object(message) = message else { return };
    match value {
        Some(value) => drop(message.insert(key.to_owned(), value.clone())),
        None => drop(message.remove(key)),
    }
}

fn tree(record: &[Value], column: usize) -> Option<Json> {
    match &record[column] {
        Value::Json(text) => stored_json(text),
        _ => None,
    }
}

/// The fields to heed of each message of a shape.
fn nodes(behaviors: &JsonBehaviors, shape: &JsonShape) -> Vec<Vec<Field>> {
    let heeded = heeded(behaviors, shape);
    let messages = behaviors.messages.iter().zip(&shape.messages);
    messages
        .map(|(said, stored)| {
            let fields = said.iter().filter_map(|field| {
                let stored = stored.fields.iter().find(|stored| stored.number == field.number)?;
                let (output_only, immutable) = (field.behaviors.output_only, field.behaviors.immutable);
                let below = stored.message.filter(|message| !output_only && heeded[*message]);
                (output_only || immutable || below.is_some()).then(|| Field {
                    key: stored.key.clone(),
                    name: field.name.clone(),
                    output_only,
                    immutable,
                    container: field.container,
                    below,
                })
            });
            fields.collect()
        })
        .collect()
}

/// Which messages of a shape have something to heed, in themselves or further in. Messages may contain themselves, so it
/// is worked out until nothing new is found.
fn heeded(behaviors: &JsonBehaviors, shape: &JsonShape) -> Vec<bool> {
    let restricts = |fields: &Vec<mainstay_contract::JsonFieldBehavior>| {
        fields.iter().any(|field| field.behaviors.output_only || field.behaviors.immutable)
    };
    let mut found: Vec<bool> = behaviors.messages.iter().map(restricts).collect();
    found.resize(shape.messages.len(), false);
    loop {
        let holds =
            |message: usize| shape.messages[message].fields.iter().filter_map(|it| it.message).any(|it| found[it]);
        let new: Vec<usize> = (0..found.len()).filter(|message| !found[*message] && holds(*message)).collect();
        if new.is_empty() {
            return found;
        }
        new.into_iter().for_each(|message| found[message] = true);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A list of lines, whose `price` is the server's and whose `parts` are lines as well.
    fn lines() -> Inside {
        let field = |name: &str, output_only, immutable, below| Field {
            key: name.to_owned(),
            name: name.to_owned(),
            output_only,
            immutable,
            container: if below == Some(0) { Container::List } else { Container::One },
            below,
        };
        let fields = vec![
            field("price", true, false, None),
            field("batch", false, true, None),
            field("parts", false, false, Some(0)),
        ];
        Inside { column: 0, path: "lines".to_owned(), container: Container::List, nodes: vec![fields] }
    }

    /// Lines whose prices say whose they are: the server's are even.
    fn some(servers: bool, depth: u32) -> BoxedStrategy<Json> {
        let line = ("[ab]", 0u32..50, "[xy]?").prop_map(
            move |(sku, price, batch)| json!({"sku": sku, "price": 2 * price + u32::from(!servers), "batch": batch}),
        );
        let parts = if depth == 0 { Just(json!([])).boxed() } else { some(servers, depth - 1) };
        let line = (line, parts).prop_map(|(mut line, parts)| {
            line["parts"] = parts;
            line
        });
        proptest::collection::vec(line, 0..4).prop_map(Json::Array).boxed()
    }

    fn prices(lines: &Json) -> Vec<i64> {
        let of = |line: &Json| line["price"].as_i64().into_iter().chain(prices(&line["parts"])).collect::<Vec<_>>();
        let mut all: Vec<i64> = lines.as_array().into_iter().flatten().flat_map(of).collect();
        all.sort_unstable();
        all
    }

    fn cleared(lines: &Json) -> Json {
        let mut lines = lines.clone();
        self::lines().clear_values(Container::List, 0, &mut lines);
        lines
    }

    fn written(old: &Json, new: &Json) -> Json {
        let old = [Value::Json(old.to_string())];
        let mut new = [Value::Json(new.to_string())];
        lines().keep_output_only(&old, &mut new);
        tree(&new, 0).unwrap()
    }

    proptest! {
        #[test]
        fn a_client_changes_what_is_its_own_and_no_more(old in some(true, 2), new in some(false, 2)) {
            let written = written(&old, &new);
            prop_assert_eq!(cleared(&written), cleared(&new), "what the client may write is as it wrote it");
            let (had, has) = (prices(&old), prices(&written));
            prop_assert!(has.iter().all(|price| price % 2 == 0), "no price is the client's: {}", written);
            let count = |all: &[i64], price| all.iter().filter(|it| **it == price).count();
            prop_assert!(has.iter().all(|price| count(&has, *price) <= count(&had, *price)), "none is there twice");
        }

        #[test]
        fn what_comes_back_in_any_order_is_as_it_was(old in some(true, 2), turn in 0usize..4) {
            let mut turned = old.clone();
            let items = turned.as_array_mut().unwrap();
            let count = items.len().max(1);
            items.rotate_left(turn % count);
            let written = written(&old, &cleared(&turned));
            prop_assert_eq!(prices(&written), prices(&old));
            prop_assert_eq!(cleared(&written), cleared(&turned));
            let record = |lines: &Json| [Value::Json(lines.to_string())];
            prop_assert_eq!(lines().changed_immutable(&record(&old), &record(&turned)), Vec::<String>::new());
        }
    }
}
