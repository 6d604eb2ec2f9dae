//! One index as it is written.

use std::collections::HashSet;

use mainstay_expr::suggest;
use mainstay_record::Role;
use prost_reflect::{DynamicMessage, Value};

use super::{Declared, MAX_INDEX_COLUMNS, name};
use crate::annotations::OPTIONS;
use crate::file::Spot;
use crate::model::{FieldModel, Index, IndexRows};
use crate::options::{items, optional_text};
use crate::report::Report;
use crate::resource::telling;
use crate::text::Step;

/// A written `index` or `exclude`.
pub(super) struct Reader<'a, 'f> {
    pub report: &'a mut Report<'f>,
    pub declared: &'a Declared<'a>,
    /// Which of the two.
    pub option: &'static str,
    pub position: usize,
}

/// The fields of one.
pub(super) struct Columns {
    pub columns: Vec<(usize, bool)>,
    /// As written, without direction.
    pub fields: Vec<String>,
}

impl<'a> Reader<'a, '_> {
    /// Reads it, and adds it to those that there are.
    pub fn read(&mut self, message: &DynamicMessage, indexes: &mut Vec<Index>) {
        let fields: Vec<String> =
            items(message, "fields").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
        let index =
            if self.option == "exclude" { self.exclusion(message, &fields) } else { self.index(message, &fields) };
        let Some(index) = index else { return };
        // As lints do, it is silent where rules may be missing because they are wrong.
        if index.unique && self.report.errors() == 0 {
            let spot = self.spot(&[]);
            telling::warn(
                self.report,
                (self.declared.head, &self.declared.built.fields),
                &index,
                (self.declared.access, &self.declared.rules.vocabulary.roles),
                &spot,
            );
        }
        self.add(index, indexes);
    }

    /// Of a part of it.
    pub fn spot(&self, steps: &[Step<'_>]) -> Spot {
        let all: Vec<Step<'_>> =
            std::iter::once(Step::Item(self.option, self.position)).chain(steps.iter().copied()).collect();
        self.declared.head.option(self.report, OPTIONS, &all)
    }

    fn index(&mut self, message: &DynamicMessage, fields: &[String]) -> Option<Index> {
        let is = |name: &str| message.get_field_by_name(name).is_some_and(|value| *value == Value::Bool(true));
        let (unique, ignore_case, unset_conflicts) = (is("unique"), is("ignore_case"), is("unset_conflicts"));
        if fields.is_empty() {
            let spot = self.spot(&[]);
            self.report
                .error(&spot, "the index names no field")
                .help("for example index {fields: \"create_time desc\"}");
            return None;
        }
        let columns = self.fields(fields);
        let condition = self.condition(optional_text(message, "where"));
        let (Columns { columns, fields }, condition) = columns.zip(condition)?;
        if unique && let Some((column, _)) = columns.iter().find(|(column, _)| self.is_unset(*column)) {
            self.refuse_unset(*column);
        }
        let marks = [(ignore_case, "folded"), (unset_conflicts, "unset"), (condition.is_some(), "where")];
        let marks: Vec<&str> = marks.into_iter().filter_map(|(is, mark)| is.then_some(mark)).collect();
        let Declared { head, built, .. } = self.declared;
        let index = Index {
            name: name(head, built, &columns, &marks, if unique { "_key" } else { "_idx" }),
            rows: self.rows(&columns, unique),
            columns,
            unique,
            condition,
            ignore_case,
            unset_conflicts,
            span: None,
            fields,
            place: self.report.files.place(&self.spot(&[])),
        };
        self.check_comparison(&index).then_some(index)
    }

    /// What says how rows are compared has a meaning only where rows are, and where there is something to compare so.
    fn check_comparison(&mut self, index: &Index) -> bool {
        let before = self.report.errors();
        let layout = &self.declared.built.layout;
        for (is, option) in [(index.ignore_case, "ignore_case"), (index.unset_conflicts, "unset_conflicts")] {
            if is && !index.unique {
                let spot = self.spot(&[Step::Field(option)]);
                self.report
                    .error(&spot, format!("{option} has no meaning without unique"))
                    .because("it says when two rows have the same values, and only a unique index asks that")
                    .help("add unique: true, or leave it out");
            }
        }
        if index.ignore_case && !index.columns.iter().any(|(column, _)| index.is_folded(layout, *column)) {
            let spot = self.spot(&[Step::Field("ignore_case")]);
            self.report
                .error(&spot, "ignore_case, and the index has no text")
                .because("ids and references have no upper case, and what is no text has no case")
                .help("leave it out");
        }
        let nullable = index.columns.iter().filter(|(column, _)| layout.columns[*column].nullable).count();
        let columns = index.columns.len() + if index.unset_conflicts { nullable } else { 0 };
        if columns > MAX_INDEX_COLUMNS {
            let spot = self.spot(&[]);
            let draft = self.report.error(&spot, format!("the index has more than {MAX_INDEX_COLUMNS} columns"));
            if index.unset_conflicts {
                draft.because("with unset_conflicts a field that can be unset counts twice").help("name fewer fields");
            } else {
                draft.help("name fewer fields");
            }
        }
        self.report.errors() == before
    }

    /// The columns of all that is named.
    pub fn fields(&mut self, fields: &[String]) -> Option<Columns> {
        // Rows of one organisation are beside one another, and in the way of none of another.
        let own = self.declared.built.layout.is_tenant().then_some((0, false));
        let mut all = Columns { columns: own.into_iter().collect(), fields: Vec::new() };
        let mut seen = HashSet::new();
        let mut sound = true;
        for (i, written) in fields.iter().enumerate() {
            let Some((path, found)) = self.field(i, written) else {
                sound = false;
                continue;
            };
            if !seen.insert(path.clone()) {
                let spot = self.spot(&[Step::Item("fields", i)]);
                self.report.error(&spot, format!("the index names {path} twice")).help("remove one of the two");
                sound = false;
            }
            all.columns.extend(found);
            all.fields.push(path);
        }
        sound.then_some(all)
    }

    /// What a deleted row had is free again, and lists do not step over it. An index by what deleted rows alone have is meant
    /// for those.
    pub fn rows(&self, columns: &[(usize, bool)], unique: bool) -> IndexRows {
        let of_deleted = !unique && columns.iter().any(|(column, _)| self.is_unset(*column));
        if self.declared.head.soft_delete && !of_deleted { IndexRows::Live } else { IndexRows::All }
    }

    /// Says whether the column is unset in every row that is not deleted.
    fn is_unset(&self, column: usize) -> bool {
        self.declared.soft_delete.is_some_and(|kept| kept.delete_time == column || kept.expire_time == Some(column))
    }

    fn refuse_unset(&mut self, column: usize) {
        let field = self.declared.built.layout.columns.get(column).map_or("", |column| &column.name);
        let spot = self.spot(&[]);
        self.report
            .tightened(&spot, format!("the index is unique by {field}, and nothing would ever conflict"))
            .because(format!(
                "it has the rows that are not deleted: {field} is unset there, and what is unset is never taken"
            ))
            .help(format!("leave {field} out; what a deleted row had is free anyway"));
    }

    fn add(&mut self, index: Index, indexes: &mut Vec<Index>) {
        let condition = |index: &Index| index.condition.as_ref().map(|rule| rule.program.clone());
        let same = |other: &Index| {
            (&other.columns, other.unique, other.span, condition(other))
                == (&index.columns, index.unique, index.span, condition(&index))
        };
        if indexes.iter().any(same) {
            let spot = self.spot(&[]);
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
                let spot = self.spot(&[Step::Item("fields", position)]);
                self.report
                    .error(&spot, format!("`{written}` is not a field with a direction"))
                    .help("write `create_time`, `create_time asc` or `create_time desc`");
                return None;
            }
        };
        let spot = self.spot(&[Step::Item("fields", position)]);
        let columns = self.columns(&spot, path)?;
        Some((path.to_owned(), columns.into_iter().map(|column| (column, descending)).collect()))
    }

    fn columns(&mut self, spot: &Spot, path: &str) -> Option<Vec<usize>> {
        let Declared { head, built, .. } = self.declared;
        if path == "name" {
            return Some((built.layout.unnamed_keys()..built.layout.keys()).collect());
        }
        if let Some(variable) = head.pattern.variables.iter().position(|variable| variable == path)
            && find(&built.fields, path).is_none()
        {
            return Some(vec![built.layout.unnamed_keys() + variable]);
        }
        let field = self.known(spot, path)?;
        let role =
            field.columns.first().and_then(|column| built.layout.columns.get(*column)).map(|column| &column.role);
        let (cause, help) = match role {
            Some(Role::Field | Role::Reference { .. }) => return Some(field.columns.clone()),
            Some(Role::Presence) => {
                ("it is a message", format!("name a field inside it, for example {path}.{}", inner(field)))
            }
            Some(Role::Json(_)) => ("it is stored as JSON", "name a scalar field".to_owned()),
            _ => ("it has no column of its own", "name another field".to_owned()),
        };
        self.report.error(spot, format!("{path} cannot be indexed")).because(cause).help(help);
        None
    }

    /// Finds a field, or says that there is none.
    pub fn known(&mut self, spot: &Spot, path: &str) -> Option<&'a FieldModel> {
        let Declared { head, built, .. } = self.declared;
        let found = find(&built.fields, path);
        let first = path.split('.').next().unwrap_or(path);
        if found.is_none() && !built.failed.contains(first) {
            let mut known = Vec::new();
            paths(&built.fields, &mut known);
            let own = if head.pattern.singleton { 0 } else { 1 };
            let parents = head.pattern.variables.len() - own;
            known.extend(head.pattern.variables[..parents].iter().map(String::as_str));
            let draft = self.report.error(spot, format!("{} has no field `{path}`", head.message.full_name()));
            if let Some(help) = suggest(path, known, "its fields are") {
                draft.help(help);
            }
        }
        found
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
