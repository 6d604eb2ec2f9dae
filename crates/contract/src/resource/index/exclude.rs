//! Rows that may not overlap in time.

use mainstay_expr::{Storage, Type};
use mainstay_record::{Kind, Role};
use prost_reflect::DynamicMessage;

use super::reader::{Columns, Reader};
use super::{Declared, name};
use crate::model::{Index, Span};
use crate::options::{optional_text, text};
use crate::text::Step;

impl Reader<'_, '_> {
    /// Reads an `exclude`.
    pub fn exclusion(&mut self, message: &DynamicMessage, fields: &[String]) -> Option<Index> {
        let times = ["from", "to"].map(|end| self.time(end, &text(message, end)));
        let columns = self.fields(fields).filter(|columns| self.are_compared_exactly(columns));
        let condition = self.condition(optional_text(message, "where"));
        let [from, to] = times;
        let (((Columns { columns, fields }, condition), (from, kind)), (to, other)) =
            columns.zip(condition).zip(from).zip(to)?;
        if kind != other || from == to {
            let spot = self.spot(&[Step::Field("to")]);
            let what = if from == to { "the same field" } else { "of different types" };
            self.report
                .error(&spot, format!("`from` and `to` are {what}"))
                .because("the time of a row is what lies between them")
                .help("name two timestamps, or two dates");
            return None;
        }
        let Declared { head, built, .. } = self.declared;
        let mut marked = columns.clone();
        marked.push((from, false));
        let marks: &[&str] = if condition.is_some() { &["where"] } else { &[] };
        Some(Index {
            name: name(head, built, &marked, marks, "_excl"),
            rows: self.rows(&columns, true),
            columns,
            unique: true,
            condition,
            ignore_case: false,
            unset_conflicts: false,
            span: Some(Span { from, to }),
            fields,
            place: self.report.files.place(&self.spot(&[])),
        })
    }

    /// The column of `from` or `to`, and of which type it is.
    fn time(&mut self, end: &'static str, path: &str) -> Option<(usize, Type)> {
        let spot = self.spot(&[Step::Field(end)]);
        let example = "for example exclude {fields: \"room\" from: \"start_time\" to: \"end_time\"}";
        if path.is_empty() {
            let spot = self.spot(&[]);
            self.report.error(&spot, format!("the exclusion has no `{end}`")).help(example);
            return None;
        }
        let columns = self.known(&spot, path)?.columns.clone();
        let record = &self.declared.rules.record;
        let ty = columns.first().and_then(|column| type_of(&record.fields, *column));
        match (columns.as_slice(), ty) {
            ([column], Some(ty @ (Type::Timestamp | Type::Date))) => Some((*column, ty)),
            _ => {
                self.report
                    .error(&spot, format!("{path} is no time"))
                    .because("rows overlap in time: `from` and `to` are timestamps or dates")
                    .help("name a google.protobuf.Timestamp or a google.type.Date");
                None
            }
        }
    }

    /// What says which rows are in each other's way is the same or not; there is no nearly.
    fn are_compared_exactly(&mut self, columns: &Columns) -> bool {
        let layout = &self.declared.built.layout;
        let exact = |column: usize| {
            layout.columns.get(column).is_some_and(|column| match column.role {
                Role::Organisation | Role::Key { .. } | Role::Reference { .. } => true,
                _ => matches!(column.kind, Kind::Text | Kind::Int | Kind::Bool),
            })
        };
        if columns.columns.iter().all(|(column, _)| exact(*column)) {
            return true;
        }
        let spot = self.spot(&[]);
        self.report
            .error(&spot, "a number with a fraction, bytes or a time among the fields of an exclusion")
            .because(
                "they say which rows are in each other's way: texts, whole numbers, enums, bools and references do",
            )
            .help("leave it out of `fields`");
        false
    }
}

fn type_of(fields: &[mainstay_expr::Field], column: usize) -> Option<Type> {
    fields.iter().find_map(|field| match (&field.storage, &field.ty) {
        (Storage::Message { .. }, Type::Message(inner)) => type_of(&inner.fields, column),
        (Storage::Column { index, .. }, ty) if *index == column => Some(ty.clone()),
        _ => None,
    })
}
