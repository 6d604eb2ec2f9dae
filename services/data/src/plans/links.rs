//! References inside what is stored as JSON: where they are, and what they name.

use mainstay_contract::{Container, FieldModel, JsonBehaviors, Resource};
use mainstay_record::{JsonShape, Layout, Role, Value, stored_json};
use serde_json::Value as Json;

/// The JSON columns of a resource that hold references.
#[derive(Debug, Default)]
pub struct Links(Vec<LinkColumn>);

#[derive(Debug)]
struct LinkColumn {
    column: usize,
    /// The column's field, from the resource, by names and by numbers.
    path: String,
    numbers: Vec<u32>,
    container: Container,
    /// Where its elements lead, of a list of references.
    link: Option<usize>,
    /// Parallel to the column's shape; the field's own message is the first.
    nodes: Vec<Vec<LinkField>>,
}

/// A field of a message that leads to a reference: it is one, or there is one further in.
#[derive(Debug)]
pub struct LinkField {
    pub number: u32,
    pub name: String,
    key: String,
    pub container: Container,
    /// An index into `Resource::links`.
    pub link: Option<usize>,
    /// The message that it holds, an index into the nodes.
    pub below: Option<usize>,
}

/// A name that stands in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// An index into `Resource::links`.
    pub link: usize,
    /// Where it stands: `lines[1].variant`.
    pub path: String,
    pub name: String,
}

/// What a reader of bytes needs of a column: what its field is, and what is further in.
#[derive(Debug, Clone, Copy)]
pub struct LinkRoot<'l> {
    pub path: &'l str,
    pub container: Container,
    pub link: Option<usize>,
    pub nodes: &'l [Vec<LinkField>],
}

impl Links {
    /// Compiles them.
    pub fn new(resource: &Resource) -> Links {
        fn collect(fields: &[FieldModel], layout: &Layout, found: &mut Vec<LinkColumn>) {
            for field in fields {
                found.extend(LinkColumn::new(field, layout));
                collect(&field.children, layout, found);
            }
        }
        let mut found = Vec::new();
        if !resource.links.is_empty() {
            collect(&resource.fields, &resource.layout, &mut found);
        }
        Links(found)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names that stand in a row, in the order in which they stand there.
    pub fn found(&self, row: &[Value]) -> Vec<Linked> {
        let mut found = Vec::new();
        for column in &self.0 {
            let Some(mut value) = tree(row, column.column) else { continue };
            column.visit(&mut value, &mut |linked| {
                found.push(linked);
                true
            });
        }
        found
    }

    /// The row without the names that `goes` tells: they are taken out of lists, and unset where they stand alone.
    pub fn without(&self, row: &mut [Value], goes: impl Fn(&Linked) -> bool) {
        for column in &self.0 {
            let Some(mut value) = tree(row, column.column) else { continue };
            column.visit(&mut value, &mut |linked| !goes(&linked));
            let is_empty = value.as_array().is_some_and(Vec::is_empty);
            row[column.column] = if is_empty { Value::Null } else { Value::Json(value.to_string()) };
        }
    }

    /// The same columns in which two rows differ.
    pub fn differ(&self, one: &[Value], other: &[Value]) -> bool {
        self.0.iter().any(|column| one[column.column] != other[column.column])
    }

    /// The field of these numbers, from the resource, where it is a column with references.
    pub fn at(&self, numbers: &[u32]) -> Option<LinkRoot<'_>> {
        let column = self.0.iter().find(|column| column.numbers == numbers)?;
        Some(LinkRoot { path: &column.path, container: column.container, link: column.link, nodes: &column.nodes })
    }

    /// Whether there is a column with references below the field of these numbers.
    pub fn are_below(&self, numbers: &[u32]) -> bool {
        self.0.iter().any(|column| column.numbers.len() > numbers.len() && column.numbers.starts_with(numbers))
    }
}

type Visit<'v> = &'v mut dyn FnMut(Linked) -> bool;

impl LinkColumn {
    fn new(field: &FieldModel, layout: &Layout) -> Option<LinkColumn> {
        let (behaviors, column) = (field.json_behaviors.as_ref()?, *field.columns.first()?);
        let Role::Json(shape) = &layout.columns.get(column)?.role else { return None };
        let nodes = nodes(behaviors, shape);
        let leads = behaviors.link.is_some() || nodes.first().is_some_and(|root| !root.is_empty());
        leads.then(|| LinkColumn {
            column,
            path: field.field_path.clone(),
            numbers: field.path.0.to_vec(),
            container: behaviors.container,
            link: behaviors.link,
            nodes,
        })
    }

    fn visit(&self, value: &mut Json, visit: Visit<'_>) {
        self.values(self.container, (self.link, Some(0)), value, &self.path, visit);
    }

    fn values(
        &self,
        container: Container,
        (link, below): (Option<usize>, Option<usize>),
        value: &mut Json,
        path: &str,
        visit: Visit<'_>,
    ) {
        match (container, value) {
            (Container::List, Json::Array(elements)) => {
                let mut index = 0;
                elements.retain_mut(|element| {
                    let path = format!("{path}[{index}]");
                    index += 1;
                    self.value((link, below), element, path, visit)
                });
            }
            (Container::Map, Json::Object(entries)) => {
                for (key, value) in entries {
                    self.value((link, below), value, format!("{path}[{key:?}]"), visit);
                }
            }
            (Container::One, value) => {
                self.value((link, below), value, path.to_owned(), visit);
            }
            _ => {}
        }
    }

    /// Says whether the value stays.
    fn value(
        &self,
        (link, below): (Option<usize>, Option<usize>),
        value: &mut Json,
        path: String,
        visit: Visit<'_>,
    ) -> bool {
        if let (Some(link), Json::String(name)) = (link, &*value) {
            return visit(Linked { link, path, name: name.clone() });
        }
        if let (Some(below), Json::Object(message)) = (below, value) {
            for field in self.nodes.get(below).into_iter().flatten() {
                let Some(inner) = message.get_mut(&field.key) else { continue };
                let path = format!("{path}.{}", field.name);
                let goes = match field.container {
                    Container::One => !self.value((field.link, field.below), inner, path, visit),
                    container => {
                        self.values(container, (field.link, field.below), inner, &path, visit);
                        // In a document an empty list is left out.
                        inner.as_array().is_some_and(Vec::is_empty)
                    }
                };
                if goes {
                    message.remove(&field.key);
                }
            }
        }
        true
    }
}

fn tree(row: &[Value], column: usize) -> Option<Json> {
    match row.get(column)? {
        Value::Json(text) => stored_json(text),
        _ => None,
    }
}

/// The fields of each message of a shape that lead to references.
fn nodes(behaviors: &JsonBehaviors, shape: &JsonShape) -> Vec<Vec<LinkField>> {
    let leading = leading(behaviors, shape);
    let messages = behaviors.messages.iter().zip(&shape.messages);
    messages
        .map(|(said, stored)| {
            let fields = said.iter().filter_map(|field| {
                let stored = stored.fields.iter().find(|stored| stored.number == field.number)?;
                let below = stored.message.filter(|message| leading[*message]);
                (field.link.is_some() || below.is_some()).then(|| LinkField {
                    number: field.number,
                    name: field.name.clone(),
                    key: stored.key.clone(),
                    container: field.container,
                    link: field.link,
                    below,
                })
            });
            fields.collect()
        })
        .collect()
}

/// Which messages of a shape hold references, in themselves or further in. Messages may contain themselves, so it is worked out
/// until nothing new is found.
fn leading(behaviors: &JsonBehaviors, shape: &JsonShape) -> Vec<bool> {
    let mut found: Vec<bool> =
        behaviors.messages.iter().map(|fields| fields.iter().any(|field| field.link.is_some())).collect();
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
