//! Fields that the contract has: new, renamed, changed.

use std::rc::Rc;

use mainstay_contract::Resource;
use mainstay_sql::{Constant, Limit, SchemaStep};
use prost_reflect::MessageDescriptor;

use super::columns::Rename;
use super::now::FieldNow;
use super::options::{self, Verdict};
use super::planner::{Planner, Standing, name_rows};
use super::required::fill_of;
use super::served::compared;
use super::tables::add_column;
use super::{Change, PlanError, Safety, Step, promises};
use crate::bound::field_rule;
use crate::json::places::Spot;
use crate::json::same_names;
use crate::signature::Comparison;
use crate::{ColumnId, FieldEntry, FieldPath};

impl<'a> Planner<'a> {
    /// Compares every field of the contract with what its number was.
    pub(super) fn fields(&mut self, known: &mut Standing<'a>, renames: &mut Vec<Rename>) -> Result<(), PlanError> {
        let fields = Rc::clone(&known.fields);
        let mut settled: Vec<FieldPath> = Vec::new();
        for field in fields.iter() {
            let within = settled.iter().any(|outer| field.path.is_within(outer));
            match known.was.fields.get(&field.path) {
                _ if within => {
                    known.entry.fields.insert(field.path.clone(), field.entry());
                }
                None => {
                    settled.push(field.path.clone());
                    self.add_field(known, field)?;
                }
                Some(was) if was.hidden && is_purged(known, field) => {
                    settled.push(field.path.clone());
                    self.add_purged(known, field, was)?;
                }
                Some(was) if was.hidden => self.show_field(known, field, was)?,
                Some(was) => {
                    if self.change_field(known, field, was, renames)? {
                        settled.push(field.path.clone());
                        known.refused.push(field.path.clone());
                    }
                }
            }
        }
        Ok(())
    }

    fn add_field(&mut self, known: &mut Standing<'a>, field: &FieldNow<'a>) -> Result<(), PlanError> {
        let mut safety = Safety::Safe;
        let mut fill = None;
        if field.model.behaviors.required && self.rows(known)? > 0 {
            match fill_of(field.model.default.as_deref()) {
                Ok(literal) => fill = Some(literal),
                Err(why) => {
                    let remedy = "give the field a constant as (mainstay.v1.field).default (the rows get it), or leave REQUIRED \
                                  off until every row has a value"
                        .to_owned();
                    safety = Safety::Refused { why, remedy };
                }
            }
        }
        let mut schema = Vec::new();
        for index in columns_within(known.resource, &field.path) {
            let column = add_column(&mut known.entry, known.resource, index);
            if fill.is_some() {
                known.filled.push(ColumnId::of(&known.resource.layout.columns[index], index));
            }
            schema.push(SchemaStep::AddColumn {
                table: known.entry.table.clone(),
                column,
                fill: fill.clone(),
                references: None,
            });
        }
        let parent = field.path.parent();
        let mut before = known.was.fields.iter().filter(|(path, was)| was.hidden && path.parent() == parent);
        if let Some((path, _)) = before.find(|(path, was)| **path != field.path && was.name == field.model.name) {
            let number = path.number();
            self.name_reused(known, field, field.names.to_owned(), number);
        }
        known.entry.fields.insert(field.path.clone(), field.entry());
        // One inside a message is needed only where its message is.
        let required = field.model.behaviors.required && field.model.default.is_none() && field.path.0.len() == 1;
        let change = Change::AddField { field: field.names.to_owned(), required };
        self.field_step(known, field, change, safety, schema, None);
        Ok(())
    }

    /// A hidden field's number is in the contract again: the same field, or a number that was somebody else's.
    fn show_field(
        &mut self,
        known: &mut Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
    ) -> Result<(), PlanError> {
        let comparison = self.compare(known, field, was);
        let same = was.name == field.model.name
            && matches!(comparison, Comparison::Same | Comparison::TypeRenamed)
            && field.model.columns.iter().all(|i| column_is_same(known, *i));
        if !same {
            self.reused(known, field, was);
            return Ok(());
        }
        let mut entry = field.entry();
        entry.json.clone_from(&was.json);
        known.entry.fields.insert(field.path.clone(), entry);
        let change = Change::ShowField { field: field.names.to_owned() };
        let safety = self.shown_reference(known, field)?;
        let note = Some("the values that the rows had are back".to_owned());
        self.field_step(known, field, change, safety, Vec::new(), note);
        Ok(())
    }

    /// A field comes back whose values were purged: its number is still its own, and its columns are new.
    fn add_purged(
        &mut self,
        known: &mut Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
    ) -> Result<(), PlanError> {
        let comparison = self.compare(known, field, was);
        if was.name != field.model.name || !matches!(comparison, Comparison::Same | Comparison::TypeRenamed) {
            self.reused(known, field, was);
            return Ok(());
        }
        self.add_field(known, field)
    }

    fn compare(&self, known: &Standing<'a>, field: &FieldNow<'a>, was: &FieldEntry) -> Comparison {
        was.signature.compare(&field.signature, &self.moves, &|| same_inside(known, field, was))
    }

    /// Says whether the field's inner fields need no look of their own, because all of it is refused.
    fn change_field(
        &mut self,
        known: &mut Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
        renames: &mut Vec<Rename>,
    ) -> Result<bool, PlanError> {
        if self.change_type(known, field, was)? {
            return Ok(true);
        }
        self.rename_field(known, field, was, renames);
        self.require_field(known, field, was)?;
        self.tighten_field(known, field, was)?;
        let mut entry = field.entry();
        if let (Some(old), Some(now)) = (&was.values, &field.values) {
            self.values(known, field, (field.names, None), old, now)?;
            entry.values = Some(now.clone().after(old));
        }
        if let Some(old) = &was.terms {
            let promised = promises::changes(field.names, (&was.name, &field.model.name), old, &field.terms);
            let verdict = |option: &str| verdict(known, field, option);
            let stated = options::changes(Some(field.names), &old.options, &field.terms.options, &verdict);
            for (change, safety) in promised.into_iter().chain(stated) {
                self.field_step(known, field, change, safety, Vec::new(), None);
            }
        }
        if let (Some(old), Some(now)) = (&was.json, &field.json) {
            entry.json = Some(self.inner_fields(known, field, old, now)?);
        }
        known.entry.fields.insert(field.path.clone(), entry);
        self.check_columns(known, field);
        Ok(false)
    }

    /// Says whether the field's type changed into what it cannot.
    fn change_type(
        &mut self,
        known: &mut Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
    ) -> Result<bool, PlanError> {
        let comparison = self.compare(known, field, was);
        let name = field.names.to_owned();
        let (from, to) = (was.signature.describe(), field.signature.describe());
        match comparison {
            Comparison::Incompatible(_) if was.name != field.model.name => {
                self.reused(known, field, was);
                return Ok(true);
            }
            Comparison::Incompatible(why) => {
                let remedy = another_number(known, field, was);
                self.refuse(known, Change::ChangeField { field: name, from, to }, field, why, remedy);
                return Ok(true);
            }
            Comparison::NotYet(why) => {
                let remedy = format!(
                    "keep it as {from} (this change is not supported yet), or {}",
                    another_number(known, field, was)
                );
                self.refuse(known, Change::ChangeField { field: name, from, to }, field, why, remedy);
                return Ok(true);
            }
            Comparison::Widened => {
                let safety = promises::widened(&was.signature.ty, &field.signature.ty);
                let change = Change::WidenField { field: name, from, to };
                self.field_step(known, field, change, safety, Vec::new(), None);
            }
            Comparison::Narrowed { least, most } => {
                let types = (was.signature.ty.as_str(), field.signature.ty.as_str());
                let safety = self.narrowed(known, field, (&name, None), types, least, most)?;
                let change = Change::NarrowField { field: name, from, to };
                self.field_step(known, field, change, safety, Vec::new(), None);
            }
            Comparison::Converted(how) => self.convert_field(known, field, was, how)?,
            Comparison::Referring(how) => return self.refer_field(known, field, was, how),
            Comparison::TypeRenamed => {
                self.field_step(known, field, Change::RenameType { field: name }, Safety::Safe, Vec::new(), None);
            }
            Comparison::Same => {}
        }
        Ok(false)
    }

    /// Counts the rows that a narrower type cannot hold.
    pub(super) fn narrowed(
        &self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        (path, spot): (&str, Option<&Spot>),
        (from, to): (&str, &str),
        least: Option<i64>,
        most: Option<i64>,
    ) -> Result<Safety, PlanError> {
        let bound = |bound: i64| (Constant::Int(bound), false);
        let least = least.map(bound).map(|(bound, exclusive)| Limit::AtLeast { bound, exclusive });
        let most = most.map(bound).map(|(bound, exclusive)| Limit::AtMost { bound, exclusive });
        let answer = self.rows_with(known, field, spot, least.into_iter().chain(most).collect())?;
        if answer.count == 0 {
            return Ok(promises::widened(from, to));
        }
        Ok(Safety::Refused {
            why: format!(
                "{path} was {from} and {to} does not hold the value of {}",
                name_rows(known.resource, &answer)
            ),
            remedy: format!("change the values there first, or keep {from}"),
        })
    }

    fn rename_field(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
        renames: &mut Vec<Rename>,
    ) {
        if was.name == field.model.name {
            return;
        }
        let (mine, others) =
            std::mem::take(renames).into_iter().partition(|rename: &Rename| rename.is_within(&field.path));
        *renames = others;
        let mine: Vec<Rename> = mine;
        let schema = mine.into_iter().map(|rename| rename.step).collect();
        let safety = promises::renamed((&was.name, was.terms.as_ref()), (&field.model.name, &field.terms));
        let change = Change::RenameField { field: field.names.to_owned(), from: was.name.clone() };
        self.field_step(known, field, change, safety, schema, None);
    }

    /// What clients of before write under a name, or read, is another field from now on.
    pub(super) fn name_reused(&mut self, known: &Standing<'a>, field: &FieldNow<'a>, name: String, number: u32) {
        let short = name.rsplit('.').next().unwrap_or(&name);
        let safety = Safety::Reviewed {
            why: format!("{short} was the name of number {number}: clients that still write it mean that field"),
            remedy: format!("give the new field another name and keep: {}", reserve(number, short)),
        };
        self.field_step(known, field, Change::ReuseName { field: name, number }, safety, Vec::new(), None);
    }

    fn reused(&mut self, known: &Standing<'a>, field: &FieldNow<'a>, was: &FieldEntry) {
        let number = field.path.number();
        let why = format!(
            "number {number} was {} ({}) and would now be {} ({}): a number means one field for ever",
            was.name,
            was.signature.describe(),
            field.model.name,
            field.signature.describe()
        );
        let change = Change::ReuseNumber { field: field.names.to_owned(), number };
        self.refuse(known, change, field, why, another_number(known, field, was));
    }

    /// A column that is stored otherwise though its field is the same, or that its field did not have: not by a contract's
    /// change, but by another version of this program.
    fn check_columns(&mut self, known: &Standing<'a>, field: &FieldNow<'a>) {
        let mut own = field.model.columns.iter().copied();
        if own.all(|index| column_is_same(known, index) || is_converted(known, index)) {
            return;
        }
        let (from, to) = (field.signature.describe(), field.signature.describe());
        let change = Change::ChangeField { field: field.names.to_owned(), from, to };
        let why = format!("the columns of {} are of another form than this program stores", field.names);
        let remedy = "use the version of the program that applied the contract before".to_owned();
        self.refuse(known, change, field, why, remedy);
    }

    pub(super) fn field_step(
        &mut self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        change: Change,
        safety: Safety,
        schema: Vec<SchemaStep>,
        note: Option<String>,
    ) {
        let (resource, path) = (known.resource.type_name.clone(), Some(field.path.clone()));
        self.steps.push(Step { resource, change, safety, schema, note, place: Some(field.place().clone()), path });
    }
}

/// How a rule of a field, or of a transition of its states, changed.
fn verdict(known: &Standing<'_>, field: &FieldNow<'_>, option: &str) -> Verdict {
    let names = [option.to_owned(), field_rule(&field.path, option)];
    let forms = known
        .was
        .terms
        .iter()
        .flat_map(|was| names.iter().filter_map(|name| Some((was.rules.get(name)?, known.rules.get(name)?))));
    let mut verdicts = forms.map(|(was, now)| compared(was, now).map_or(Verdict::Same, Verdict::Changed));
    verdicts.next().unwrap_or(Verdict::Unknown)
}

/// The layout's columns of a field and of what is inside it.
pub(super) fn columns_within<'r>(resource: &'r Resource, path: &FieldPath) -> impl Iterator<Item = usize> + use<'r> {
    let path = path.clone();
    let columns = resource.layout.columns.iter().enumerate();
    columns.filter(move |(i, c)| ColumnId::of(c, *i).field().is_some_and(|p| p.is_within(&path))).map(|(i, _)| i)
}

/// Says whether the message or enum that a field holds is, by its fields or values, the one that it held.
fn same_inside(known: &Standing<'_>, field: &FieldNow<'_>, was: &FieldEntry) -> bool {
    if let (Some(was), Some(now)) = (&was.values, &field.values) {
        return was.agrees(now);
    }
    let Some(held) = &field.held else { return false };
    if let Some(root) = was.json.as_ref().and_then(|json| json.messages.first()) {
        return root.agrees(held);
    }
    let inner = known.was.fields.iter().filter(|(path, inner)| path.parent() == field.path && !inner.hidden);
    same_names(inner.map(|(path, inner)| (path.number(), inner.name.as_str())), held)
}

/// Says whether a hidden field's columns are gone.
fn is_purged(known: &Standing<'_>, field: &FieldNow<'_>) -> bool {
    let columns = field.model.columns.iter().filter_map(|i| Some((known.resource.layout.columns.get(*i)?, *i)));
    let mut ids = columns.map(|(column, i)| ColumnId::of(column, i)).peekable();
    ids.peek().is_some() && ids.all(|id| !known.was.columns.contains_key(&id))
}

fn is_converted(known: &Standing<'_>, index: usize) -> bool {
    let column = known.resource.layout.columns.get(index);
    column.is_some_and(|column| known.converted.contains(&ColumnId::of(column, index)))
}

fn column_is_same(known: &Standing<'_>, index: usize) -> bool {
    let Some(column) = known.resource.layout.columns.get(index) else { return false };
    let was = known.was.columns.get(&ColumnId::of(column, index));
    was.is_some_and(|was| was.ty == column.kind && was.nullable == column.nullable)
}

/// `give the new field number 12 and write: reserved 7; reserved "title";`
fn another_number(known: &Standing<'_>, field: &FieldNow<'_>, was: &FieldEntry) -> String {
    let parent = field.path.parent();
    let used = known.was.fields.keys().chain(known.paths()).filter(|path| path.parent() == parent);
    let mut next = used.map(FieldPath::number).max().unwrap_or_default() + 1;
    let message = known.message_of(&parent);
    let reserved: Vec<_> = message.iter().flat_map(MessageDescriptor::reserved_ranges).collect();
    // 19000 to 19999 belong to protobuf's own implementations.
    let taken = |number: u32| {
        let own = (19_000..20_000).contains(&number).then_some(20_000);
        own.or_else(|| reserved.iter().find(|range| range.contains(&number)).map(|range| range.end))
    };
    while let Some(end) = taken(next).filter(|end| *end > next) {
        next = end;
    }
    format!("give the new field number {next} and write: {}", reserve(field.path.number(), &was.name))
}

/// The line that reserves a number and a name.
pub(super) fn reserve(number: u32, name: &str) -> String {
    format!("reserved {number}; reserved \"{name}\";")
}
