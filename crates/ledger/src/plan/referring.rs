//! Single references: a text that begins to name a row, a name that is a text from now on or the only one of a list, and
//! what follows from that for the table.

use mainstay_expr::account_template;
use mainstay_record::{Kind, Template, TemplatePart};
use mainstay_sql::{ColumnSpec, Conversion, ForeignKey, MadeColumn, MadeFrom, NamesIn, PrimaryKey, Probe, SchemaStep};

use super::convert::{converted, written_anew};
use super::now::FieldNow;
use super::planner::{Planner, Standing, name_rows};
use super::tables::add_column;
use super::{Change, PlanError, Safety, Step};
use crate::signature::Referring;
use crate::{ColumnId, FieldEntry, FieldPath, Part, ResourceEntry};

impl<'a> Planner<'a> {
    /// Makes the field's columns from those that it had. Says whether that is refused.
    pub(super) fn refer_field(
        &mut self,
        known: &mut Standing<'a>,
        field: &FieldNow<'a>,
        was: &FieldEntry,
        how: Referring,
    ) -> Result<bool, PlanError> {
        let name = field.names.to_owned();
        let target =
            was.signature.reference.as_ref().or(field.signature.reference.as_ref()).cloned().unwrap_or_default();
        let (from, to) = (was.signature.describe(), field.signature.describe());
        let change = match how {
            Referring::Gained => Change::LinkField { field: name, to: target.clone() },
            Referring::Lost => Change::UnlinkField { field: name, from: target.clone() },
            Referring::Listed => Change::ConvertField { field: name, from, to },
        };
        let rows = self.rows(known)?;
        if self.contract.resource(&target).is_some_and(|target| target.layout.is_tenant()) {
            let why = format!(
                "rows of {target} belong to organisations, and what stands there does not say of which they are"
            );
            let remedy = "reserve the field, and add another one in its place".to_owned();
            self.refuse(known, change, field, why, remedy);
            return Ok(true);
        }
        let Some(words) = self.words(&target) else {
            let why = format!("the ledger does not say what the names of {target} were like");
            let remedy = format!("keep {target} in the contract until this is applied");
            self.refuse(known, change, field, why, remedy);
            return Ok(true);
        };
        let safety = match how {
            Referring::Gained => self.gained_by_text(known, field, &target, &words, rows)?,
            Referring::Lost => Safety::Reviewed {
                why: format!(
                    "what it names may be deleted from now on, and nobody follows it any more: not in filters, not by \
                     expansion{}",
                    written_anew(rows)
                ),
                remedy: "accept when no client follows it; it can refer again later, if all that it names is there"
                    .to_owned(),
            },
            Referring::Listed => converted(Conversion::ToList, rows),
        };
        if let Safety::Refused { why, remedy } = safety {
            self.refuse(known, change, field, why, remedy);
            return Ok(true);
        }
        let schema = replaced(known, field, &words, how);
        self.field_step(known, field, change, safety, schema, None);
        Ok(false)
    }

    /// Looks through the texts for those that name nothing.
    fn gained_by_text(
        &self,
        known: &Standing<'a>,
        field: &FieldNow<'a>,
        target: &str,
        words: &[String],
        rows: u64,
    ) -> Result<Safety, PlanError> {
        let (table, keys) = (known.was.table.clone(), known.key_names());
        let text = ColumnId::Field(field.path.clone(), Part::Value);
        let column = known.was.columns.get(&text).map(|column| column.name.clone()).unwrap_or_default();
        let is_account = self.contract.resource(target).is_none();
        let probe = match self.before.resource(target) {
            _ if is_account => Probe::NoAccount { table, keys, column },
            Some(there) => {
                let (target, target_keys) = (there.table.clone(), keys_of(there));
                let (place, words) = (Vec::new(), words.to_vec());
                Probe::Nowhere { names: NamesIn { table, keys, column, place, target, target_keys, words } }
            }
            // What is new has no rows yet.
            None => Probe::Longer { table, keys, columns: vec![column], bytes: 0 },
        };
        let answer = self.ask(&probe)?;
        if answer.count > 0 {
            return Ok(Safety::Refused {
                why: format!(
                    "{} would refer to {target}, and names what is none in {}",
                    field.names,
                    name_rows(known.resource, &answer)
                ),
                remedy: "correct the names there first, or leave the reference out".to_owned(),
            });
        }
        let kept = if is_account { "" } else { ", and what it names cannot be deleted meanwhile" };
        Ok(Safety::Reviewed {
            why: format!("what names no {target} is refused from now on{kept}{}", written_anew(rows)),
            remedy: "accept when no client writes anything else there".to_owned(),
        })
    }

    /// What stands between the variables of a resource's names, as clients know them last.
    fn words(&self, target: &str) -> Option<Vec<String>> {
        if let Some(resource) = self.contract.resource(target) {
            return Some(words_of(&resource.template));
        }
        match self.before.resource(target) {
            None => Some(words_of(&account_template())),
            Some(was) => {
                let pattern = &was.terms.as_ref()?.pattern;
                Some(pattern.split('}').filter_map(|part| part.split('{').next()).map(str::to_owned).collect())
            }
        }
    }

    /// A reference comes back that was hidden: nobody kept what it names from being deleted meanwhile.
    pub(super) fn shown_reference(&self, known: &Standing<'a>, field: &FieldNow<'a>) -> Result<Safety, PlanError> {
        let target = field.signature.reference.as_deref().and_then(|target| self.before.resource(target));
        let Some(target) = target else { return Ok(Safety::Safe) };
        if target.is_tenant() {
            return Ok(Safety::Refused {
                why: "what it names belongs to organisations, and nobody kept it from being deleted meanwhile"
                    .to_owned(),
                remedy: "reserve the field, and add another one in its place".to_owned(),
            });
        }
        let columns = columns_at(known.was, &field.path);
        let (table, keys) = (known.was.table.clone(), known.key_names());
        let (target, target_keys) = (target.table.clone(), keys_of(target));
        let answer = self.ask(&Probe::Dangling { table, keys, columns, target, target_keys })?;
        if answer.count == 0 {
            return Ok(Safety::Safe);
        }
        let named = field.signature.reference.as_deref().unwrap_or_default();
        Ok(Safety::Refused {
            why: format!(
                "{} names rows of {named} that are gone since it was hidden, in {}",
                field.names,
                name_rows(known.resource, &answer)
            ),
            remedy: format!("make those rows of {named} again first, or leave the field hidden"),
        })
    }

    /// Has the tables made anew on SQLite whose references come or go.
    pub(super) fn remake_tables(&mut self, standing: &[Standing<'a>]) {
        for known in standing {
            let type_name = &known.resource.type_name;
            let last = self.steps.iter().rposition(|step| step.resource == *type_name && changes_references(step));
            let Some(step) = last else { continue };
            if let Some(remade) = self.remade(type_name, known.was) {
                self.steps[step].schema.push(remade);
            }
        }
    }

    fn remade(&self, type_name: &str, was: &ResourceEntry) -> Option<SchemaStep> {
        let entry = self.ledger.resources.get(type_name)?;
        let columns = entry.columns.values().map(|column| ColumnSpec {
            name: column.name.clone(),
            ty: column.ty,
            nullable: column.nullable,
        });
        let foreign_keys = entry.references.iter().filter_map(|(path, reference)| {
            let target = self.ledger.resources.get(&reference.target)?;
            Some(ForeignKey {
                name: reference.name.clone(),
                columns: entry.referring(path, target),
                target: target.table.clone(),
                target_columns: keys_of(target),
            })
        });
        let standing = was.indexes.iter().filter(|index| entry.indexes.contains(index));
        Some(SchemaStep::RemakeTable {
            table: entry.table.clone(),
            columns: columns.collect(),
            primary_key: PrimaryKey { name: entry.primary_key.clone(), columns: keys_of(entry) },
            foreign_keys: foreign_keys.collect(),
            indexes: standing.filter_map(|index| index.create(entry, false)).collect(),
        })
    }
}

/// Takes the foreign keys of all references at a path and below it away.
pub(super) fn unreferred(entry: &mut ResourceEntry, path: &FieldPath) -> Vec<SchemaStep> {
    let within: Vec<FieldPath> = entry.references.keys().filter(|own| own.is_within(path)).cloned().collect();
    let gone = within.iter().filter_map(|own| entry.references.remove(own));
    let table = &entry.table;
    gone.map(|reference| SchemaStep::DropForeignKey { table: table.clone(), name: reference.name }).collect()
}

/// The schema steps that make the field's columns from those that it had; the ledger knows them from then on.
fn replaced(known: &mut Standing<'_>, field: &FieldNow<'_>, words: &[String], how: Referring) -> Vec<SchemaStep> {
    let mut schema = unreferred(&mut known.entry, &field.path);
    let gone: Vec<ColumnId> =
        known.entry.columns.keys().filter(|id| id.field() == Some(&field.path)).cloned().collect();
    let names: Vec<String> =
        gone.iter().filter_map(|id| known.entry.columns.remove(id)).map(|column| column.name).collect();
    let layout = &known.resource.layout;
    let new: Vec<usize> = field.model.columns.clone();
    if let Some(first) = new.first() {
        // The field may keep its columns' names: they were nobody else's.
        let (was, heir) =
            (gone.iter().map(ColumnId::to_string), ColumnId::of(&layout.columns[*first], *first).to_string());
        let was: Vec<String> = was.collect();
        known
            .entry
            .column_names
            .values_mut()
            .filter(|owner| was.contains(owner))
            .for_each(|owner| owner.clone_from(&heir));
    }
    let mut made = Vec::new();
    for (position, index) in new.iter().enumerate() {
        let column = add_column(&mut known.entry, known.resource, *index);
        let from = match how {
            Referring::Gained => MadeFrom::Variable { column: names.first().cloned().unwrap_or_default(), position },
            Referring::Lost | Referring::Listed => {
                MadeFrom::Key { columns: names.clone(), words: words.to_vec(), listed: how == Referring::Listed }
            }
        };
        made.push(MadeColumn { column, from });
    }
    known.converted.extend(gone);
    known.converted.extend(new.iter().map(|index| ColumnId::of(&layout.columns[*index], *index)));
    schema.push(SchemaStep::ReplaceColumns { table: known.entry.table.clone(), gone: names, made });
    schema
}

/// Says whether a step leaves a table with other references than SQLite made it with.
fn changes_references(step: &Step) -> bool {
    let has = |is: fn(&SchemaStep) -> bool| step.schema.iter().any(is);
    let with_its_column = |made: &SchemaStep| {
        matches!(made, SchemaStep::CreateTable { .. } | SchemaStep::AddColumn { references: Some(_), .. })
    };
    has(|made| matches!(made, SchemaStep::DropForeignKey { .. } | SchemaStep::ReplaceColumns { .. }))
        || (has(|made| matches!(made, SchemaStep::AddForeignKey { .. })) && !has(with_its_column))
}

/// The columns of exactly this field, in the order of their positions.
fn columns_at(entry: &ResourceEntry, path: &FieldPath) -> Vec<String> {
    let own = entry.columns.iter().filter(|(id, _)| id.field() == Some(path));
    own.map(|(_, column)| column.name.clone()).collect()
}

/// The key columns of a table, in their order.
pub(super) fn keys_of(entry: &ResourceEntry) -> Vec<String> {
    let own = entry.columns.iter().filter(|(id, _)| matches!(id, ColumnId::Key(_)));
    own.map(|(_, column)| column.name.clone()).collect()
}

/// What stands before, between and behind the variables of names.
pub(super) fn words_of(template: &Template) -> Vec<String> {
    let word = |part: &TemplatePart| if let TemplatePart::Literal(text) = part { Some(text.clone()) } else { None };
    template.parts.iter().filter_map(word).collect()
}

/// The column by which a table as it stands tells whether a field is set, whose columns are made anew, and its type.
pub(super) fn former_column(known: &Standing<'_>, path: &FieldPath) -> Option<(String, Kind, bool)> {
    let (_, column) = known.was.columns.iter().find(|(id, _)| id.field() == Some(path))?;
    Some((column.name.clone(), column.ty, column.nullable))
}
