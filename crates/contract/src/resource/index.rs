//! Indexes: those that are written, and one for each reference.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use mainstay_expr::suggest;
use mainstay_record::Role;
use prost_reflect::{DescriptorPool, Value};

use crate::annotations::OPTIONS;
use crate::model::{Access, FieldModel, Index, IndexRows, Reference, SoftDelete};
use crate::naming::MAX_IDENTIFIER_BYTES;
use crate::options::{items, message_option};
use crate::report::Report;
use crate::resource::built::Built;
use crate::resource::head::Head;
use crate::resource::telling;
use crate::text::Step;

/// How many indexes a resource has at most.
pub const MAX_INDEXES: usize = 32;
/// How many columns an index has at most; PostgreSQL's own limit.
pub const MAX_INDEX_COLUMNS: usize = 32;

/// Reads the indexes of a resource and adds those that references need.
pub(crate) fn build(
    report: &mut Report<'_>,
    pool: &DescriptorPool,
    head: &Head,
    built: &Built,
    access: &Access,
    soft_delete: Option<&SoftDelete>,
) -> Vec<Index> {
    let mut indexes = Vec::new();
    let option = message_option(pool, &head.message.options(), OPTIONS);
    let written = option.map(|option| items(&option, "index")).unwrap_or_default();
    if written.len() > MAX_INDEXES {
        let spot = head.option(report, OPTIONS, &[Step::Item("index", MAX_INDEXES)]);
        report.error(&spot, format!("more than {MAX_INDEXES} indexes")).help("remove those that no List needs");
    }
    for (i, value) in written.iter().take(MAX_INDEXES).enumerate() {
        let Some(message) = value.as_message() else { continue };
        let fields: Vec<String> =
            items(message, "fields").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
        let unique = message.get_field_by_name("unique").is_some_and(|value| *value == Value::Bool(true));
        let mut reader = Reader { report, head, built, soft_delete, position: i };
        if let Some(index) = reader.index(&fields, unique) {
            if unique {
                let spot = reader.spot(None);
                telling::warn(reader.report, head, &index, access, &spot);
            }
            reader.add(index, &mut indexes);
        }
    }
    for reference in &built.references {
        let covered = indexes.iter().any(|index| covers(index, reference));
        if !covered {
            indexes.push(implied(head, built, reference));
        }
    }
    if let Some(SoftDelete { delete_time, purge_after_us: Some(_), .. }) = soft_delete {
        let begins = |index: &Index| index.columns.first().is_some_and(|(column, _)| column == delete_time);
        if !indexes.iter().any(|index| begins(index) && index.rows != IndexRows::Live) {
            indexes.push(of_deleted(head, built, *delete_time));
        }
    }
    indexes
}

/// Whoever purges looks for rows by the time of their deletion.
fn of_deleted(head: &Head, built: &Built, delete_time: usize) -> Index {
    let columns = vec![(delete_time, false)];
    let field = built.fields.iter().find(|field| field.columns == [delete_time]);
    Index {
        name: name(head, built, &columns, false),
        columns,
        unique: false,
        rows: IndexRows::Deleted,
        fields: field.iter().map(|field| field.field_path.clone()).collect(),
        place: field.map(|field| field.place.clone()).unwrap_or_default(),
    }
}

fn covers(index: &Index, reference: &Reference) -> bool {
    let begins = index.columns.iter().map(|(column, _)| column).take(reference.columns.len()).eq(&reference.columns);
    // A deleted row refers to its target as long as it is kept.
    begins && index.rows == IndexRows::All
}

/// A deletion of the target asks for rows that refer to it.
fn implied(head: &Head, built: &Built, reference: &Reference) -> Index {
    let columns: Vec<(usize, bool)> = reference.columns.iter().map(|column| (*column, false)).collect();
    Index {
        name: name(head, built, &columns, false),
        columns,
        unique: false,
        rows: IndexRows::All,
        fields: vec![reference.field.clone()],
        place: reference.place.clone(),
    }
}

/// `shop_v1_product__category__create_time_desc_idx`; unique ones end in `_key`. What is too long keeps its beginning
/// and gets a digest of the whole.
fn name(head: &Head, built: &Built, columns: &[(usize, bool)], unique: bool) -> String {
    let mut name = head.table.clone();
    for (column, descending) in columns {
        name.push_str("__");
        name.push_str(built.layout.columns.get(*column).map_or("", |column| &column.name));
        name.push_str(if *descending { "_desc" } else { "" });
    }
    let suffix = if unique { "_key" } else { "_idx" };
    if name.len() + suffix.len() <= MAX_IDENTIFIER_BYTES {
        return name + suffix;
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let digest = HEXLOWER.encode(&digest.as_ref()[..4]);
    name.truncate(MAX_IDENTIFIER_BYTES - suffix.len() - digest.len() - 1);
    format!("{name}_{digest}{suffix}")
}

struct Reader<'a, 'f> {
    report: &'a mut Report<'f>,
    head: &'a Head,
    built: &'a Built,
    soft_delete: Option<&'a SoftDelete>,
    position: usize,
}

impl Reader<'_, '_> {
    fn spot(&self, field: Option<usize>) -> crate::file::Spot {
        let index = Step::Item("index", self.position);
        match field {
            Some(field) => self.head.option(self.report, OPTIONS, &[index, Step::Item("fields", field)]),
            None => self.head.option(self.report, OPTIONS, &[index]),
        }
    }

    fn index(&mut self, fields: &[String], unique: bool) -> Option<Index> {
        let place = self.report.files.place(&self.spot(None));
        if fields.is_empty() {
            let spot = self.spot(None);
            self.report
                .error(&spot, "the index names no field")
                .help("for example index {fields: \"create_time desc\"}");
            return None;
        }
        let mut columns = Vec::new();
        let mut names = Vec::new();
        let mut seen = HashSet::new();
        let mut sound = true;
        for (i, written) in fields.iter().enumerate() {
            let Some((path, found)) = self.field(i, written) else {
                sound = false;
                continue;
            };
            if !seen.insert(path.clone()) {
                let spot = self.spot(Some(i));
                self.report.error(&spot, format!("the index names {path} twice")).help("remove one of the two");
                sound = false;
            }
            columns.extend(found);
            names.push(path);
        }
        if columns.len() > MAX_INDEX_COLUMNS {
            let spot = self.spot(None);
            self.report
                .error(&spot, format!("the index has more than {MAX_INDEX_COLUMNS} columns"))
                .help("name fewer fields");
            sound = false;
        }
        if unique && let Some((column, _)) = columns.iter().find(|(column, _)| self.is_unset(*column)) {
            self.refuse_unset(*column);
        }
        let name = name(self.head, self.built, &columns, unique);
        let rows = self.rows(&columns, unique);
        sound.then_some(Index { name, columns, unique, rows, fields: names, place })
    }

    /// What a deleted row had is free again, and lists do not step over it. An index by what deleted rows alone have is meant
    /// for those.
    fn rows(&self, columns: &[(usize, bool)], unique: bool) -> IndexRows {
        let of_deleted = !unique && columns.iter().any(|(column, _)| self.is_unset(*column));
        if self.head.soft_delete && !of_deleted { IndexRows::Live } else { IndexRows::All }
    }

    /// Says whether the column is unset in every row that is not deleted.
    fn is_unset(&self, column: usize) -> bool {
        self.soft_delete.is_some_and(|kept| kept.delete_time == column || kept.expire_time == Some(column))
    }

    fn refuse_unset(&mut self, column: usize) {
        let field = self.built.layout.columns.get(column).map_or("", |column| &column.name);
        let spot = self.spot(None);
        self.report
            .tightened(&spot, format!("the index is unique by {field}, and nothing would ever conflict"))
            .because(format!(
                "it has the rows that are not deleted: {field} is unset there, and what is unset is never taken"
            ))
            .help(format!("leave {field} out; what a deleted row had is free anyway"));
    }

    fn add(&mut self, index: Index, indexes: &mut Vec<Index>) {
        if indexes.iter().any(|other| other.columns == index.columns && other.unique == index.unique) {
            let spot = self.spot(None);
            self.report.error(&spot, "the index stands there twice").help("remove one of the two");
        } else {
            indexes.push(index);
        }
    }

    /// One `path [asc|desc]`.
    fn field(&mut self, position: usize, written: &str) -> Option<(String, Vec<(usize, bool)>)> {
        let mut words = written.split_ascii_whitespace();
        let (path, direction, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
        let descending = match (direction, rest) {
            (None | Some("asc"), None) => false,
            (Some("desc"), None) => true,
            _ => {
                let spot = self.spot(Some(position));
                self.report
                    .error(&spot, format!("`{written}` is not a field with a direction"))
                    .help("write `create_time`, `create_time asc` or `create_time desc`");
                return None;
            }
        };
        let columns = self.columns(position, path)?;
        Some((path.to_owned(), columns.into_iter().map(|column| (column, descending)).collect()))
    }

    fn columns(&mut self, position: usize, path: &str) -> Option<Vec<usize>> {
        if path == "name" {
            return Some((0..self.built.layout.keys()).collect());
        }
        let Some(field) = find(&self.built.fields, path) else {
            let first = path.split('.').next().unwrap_or(path);
            if !self.built.failed.contains(first) {
                self.unknown(position, path);
            }
            return None;
        };
        let role =
            field.columns.first().and_then(|column| self.built.layout.columns.get(*column)).map(|column| &column.role);
        let (cause, help) = match role {
            Some(Role::Field | Role::Reference { .. }) => return Some(field.columns.clone()),
            Some(Role::Presence) => {
                ("it is a message", format!("name a field inside it, for example {path}.{}", inner(field)))
            }
            Some(Role::Json(_)) => ("it is stored as JSON", "name a scalar field".to_owned()),
            _ => ("it has no column of its own", "name another field".to_owned()),
        };
        let spot = self.spot(Some(position));
        self.report.error(&spot, format!("{path} cannot be indexed")).because(cause).help(help);
        None
    }

    fn unknown(&mut self, position: usize, path: &str) {
        let mut known = Vec::new();
        paths(&self.built.fields, &mut known);
        let spot = self.spot(Some(position));
        let message = format!("{} has no field `{path}`", self.head.message.full_name());
        let draft = self.report.error(&spot, message);
        if let Some(help) = suggest(path, known, "its fields are") {
            draft.help(help);
        }
    }
}

fn inner(field: &FieldModel) -> &str {
    field.children.first().map_or("…", |child| &child.name)
}

fn find<'m>(fields: &'m [FieldModel], path: &str) -> Option<&'m FieldModel> {
    fields.iter().find_map(|field| if field.field_path == path { Some(field) } else { find(&field.children, path) })
}

fn paths<'m>(fields: &'m [FieldModel], into: &mut Vec<&'m str>) {
    for field in fields {
        into.push(&field.field_path);
        paths(&field.children, into);
    }
}
