//! Update masks (AIP-134, AIP-161) over a record.

use mainstay_record::Value;
use mainstay_record::names::json_name;

use crate::{
    Decoded, MaskError, RecordPlan,
    fail::shown,
    record::{Member, Node, RecordField, Storage},
    table::Shape,
};

/// What an update touches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaskSelection {
    /// The columns to take from the request, ascending; never a key column or the revision.
    pub columns: Vec<usize>,
    /// The numbers of the top-level fields that the mask names, ascending; `name` and `etag` included.
    pub fields: Vec<u32>,
    /// Says whether the mask was `*`.
    pub full: bool,
    /// Presence columns of the messages that a nested path goes through: set where the request has them set, else kept.
    parents: Vec<usize>,
}

impl RecordPlan {
    /// Resolves the paths of an update mask. `*` selects every field; each part of a path is any of its field's names.
    ///
    /// Fails on an unknown name, on a path into a repeated field, a map or anything else that is stored as one value, and
    /// on `*` beside other paths.
    pub fn resolve(&self, paths: &[&str]) -> Result<MaskSelection, MaskError> {
        if paths == ["*"] {
            return Ok(self.everything());
        }
        let mut selection = MaskSelection::default();
        for path in paths {
            self.resolve_path(path, &mut selection).map_err(|message| MaskError { path: shown(path), message })?;
        }
        selection.tidy();
        Ok(selection)
    }

    fn everything(&self) -> MaskSelection {
        let columns = self.columns.iter().enumerate().filter(|(_, column)| column.is_field);
        MaskSelection {
            columns: columns.map(|(index, _)| index).collect(),
            fields: self.root.fields.iter().map(|field| field.number).collect(),
            full: true,
            parents: Vec::new(),
        }
    }

    fn resolve_path(&self, path: &str, selection: &mut MaskSelection) -> Result<(), String> {
        if path == "*" {
            return Err("stands for all fields, so it must stand alone".to_owned());
        }
        let mut node = &self.root;
        let mut names = path.split('.').peekable();
        let mut top = true;
        while let Some(name) = names.next() {
            let field = node.named(name).or_else(|| by_snake_case(node, name)).ok_or_else(|| unknown(path, name))?;
            if std::mem::take(&mut top) {
                selection.fields.push(field.number);
            }
            if names.peek().is_none() {
                selection.columns.extend(&field.columns);
                return Ok(());
            }
            let Storage::Message { presence, node: inner, .. } = &field.storage else {
                return Err(self.no_way_into(field));
            };
            selection.parents.push(*presence);
            node = inner;
        }
        Ok(())
    }

    /// Why a path cannot lead into a field.
    fn no_way_into(&self, field: &RecordField) -> String {
        let name = &field.name;
        let json = match field.storage {
            Storage::Slot(slot) => self.json_field(slot),
            _ => None,
        };
        match json.map(|json| &json.shape) {
            Some(Shape::Map(_)) => format!("map keys in masks are not supported yet; name the whole map \"{name}\""),
            Some(Shape::Repeated { .. }) => {
                format!("\"{name}\" is repeated, and a mask cannot lead into a list; name the whole list (AIP-161)")
            }
            Some(_) => format!("\"{name}\" is stored as a whole; name it without the fields inside it"),
            None => format!("\"{name}\" is a single value, without fields"),
        }
    }

    /// The mask that stands for an omitted one: the populated fields (AIP-134). Inside a message: its populated fields.
    pub fn populated(&self, decoded: &Decoded) -> MaskSelection {
        let is_present = |column: &usize| decoded.present.binary_search(column).is_ok();
        let populated = |field: &&RecordField| match field.storage {
            Storage::Name(_) => decoded.name.is_some(),
            Storage::Etag => decoded.etag.is_some(),
            _ => field.columns.iter().any(is_present),
        };
        MaskSelection {
            columns: decoded.present.clone(),
            fields: self.root.fields.iter().filter(populated).map(|field| field.number).collect(),
            full: false,
            parents: Vec::new(),
        }
    }

    /// The columns of the members of a oneof that are unset because a column among `touched` sets another one of it in `row`.
    pub fn unset_with(&self, touched: &[usize], row: &[Value]) -> Vec<usize> {
        let mut unset = Vec::new();
        for members in &self.oneofs {
            let is_meant = |member: &Member| member.columns.iter().any(|column| touched.contains(column));
            if let Some(meant) = members.iter().position(|member| is_meant(member) && is_set(member, row)) {
                let others = members.iter().enumerate().filter(|(position, _)| *position != meant);
                unset.extend(others.flat_map(|(_, other)| &other.columns));
            }
        }
        unset
    }

    /// The presence columns of the messages in which these columns lie together, from the outermost on: they are set by
    /// whoever sets one of the columns.
    pub fn around(&self, touched: &[usize]) -> Vec<usize> {
        let holds = |field: &&RecordField| touched.iter().all(|column| field.columns.binary_search(column).is_ok());
        let (mut around, mut node) = (Vec::new(), &self.root);
        while let Some(RecordField { storage: Storage::Message { presence, node: inner, .. }, .. }) =
            node.fields.iter().find(holds)
            && !touched.contains(presence)
        {
            around.push(*presence);
            node = inner;
        }
        around
    }

    /// Carries the selected values of a request over to a stored row.
    ///
    /// A path into a message that the row does not have sets the message, if the request has it. A message that becomes
    /// unset takes along what is in it, also what the selection does not name. A member of a oneof that becomes set
    /// unsets the others.
    pub fn merge(&self, selection: &MaskSelection, stored: &mut [Value], incoming: &[Value]) {
        let value = |column: usize| incoming.get(column).cloned().unwrap_or_default();
        for column in &selection.parents {
            if value(*column) == Value::Bool(true) {
                put(stored, *column, Value::Bool(true));
            }
        }
        for column in &selection.columns {
            put(stored, *column, value(*column));
        }
        clear_below_unset(&self.root, selection, stored, &|column| self.blank(column));
        for members in &self.oneofs {
            let touched =
                |column: &usize| selection.columns.binary_search(column).is_ok() || selection.parents.contains(column);
            let set = members.iter().position(|member| touched(&member.marker) && is_set(member, stored));
            let Some(set) = set else { continue };
            for (_, other) in members.iter().enumerate().filter(|(position, _)| *position != set) {
                for column in &other.columns {
                    put(stored, *column, self.blank(*column));
                }
            }
        }
    }
}

impl MaskSelection {
    /// Takes columns out again, for fields that a client may not write (OUTPUT_ONLY, IDENTIFIER).
    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        self.columns.retain(|column| keep(*column));
        self.parents.retain(|column| keep(*column));
    }

    /// Says whether the mask selects the column.
    pub fn has(&self, column: usize) -> bool {
        self.columns.contains(&column)
    }

    fn tidy(&mut self) {
        for columns in [&mut self.columns, &mut self.parents] {
            columns.sort_unstable();
            columns.dedup();
        }
        self.fields.sort_unstable();
        self.fields.dedup();
    }
}

/// Finds the field that a client's library meant which turned JSON's `addressLine1` into snake case without knowing the
/// message: `address_line1`, for `address_line_1`.
fn by_snake_case<'n>(node: &'n Node, name: &str) -> Option<&'n RecordField> {
    let is_snake = !name.bytes().any(|byte| byte.is_ascii_uppercase());
    is_snake.then(|| node.named(&json_name(name))).flatten()
}

fn unknown(path: &str, name: &str) -> String {
    if path.contains(',') {
        return "a path holds a comma; send the paths one by one".to_owned();
    }
    format!("there is no field \"{}\"", shown(name))
}

/// Leaves nothing in the columns of the messages that were unset.
fn clear_below_unset(node: &Node, selection: &MaskSelection, stored: &mut [Value], blank: &dyn Fn(usize) -> Value) {
    for field in &node.fields {
        let Storage::Message { presence, node, .. } = &field.storage else { continue };
        let named = selection.columns.binary_search(presence).is_ok();
        if named && stored.get(*presence) != Some(&Value::Bool(true)) {
            for column in &field.columns {
                put(stored, *column, blank(*column));
            }
        } else {
            clear_below_unset(node, selection, stored, blank);
        }
    }
}

fn put(row: &mut [Value], column: usize, value: Value) {
    if let Some(slot) = row.get_mut(column) {
        *slot = value;
    }
}

fn is_set(member: &Member, row: &[Value]) -> bool {
    match row.get(member.marker) {
        Some(Value::Bool(set)) if member.is_message => *set,
        marker => marker.is_some_and(|value| !value.is_null()),
    }
}
