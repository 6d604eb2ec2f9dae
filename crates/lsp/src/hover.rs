//! What the thing under the pointer means.

use std::fmt::Write as _;
use std::ops::Range;

use mainstay_contract::editor::{Description, describe, literal};
use mainstay_contract::{Contract, FieldModel, Place, Resource, Rule};
use mainstay_ledger::{rule_sql, tables};

use crate::position::Lines;

/// Tells about what stands at `offset` of a file, as Markdown, and which stretch of the text that is.
pub fn hover(contract: Option<&Contract>, file: &str, text: &str, offset: usize) -> Option<(Range<usize>, String)> {
    if let Some(found) = describe(text, offset) {
        return Some((found.range.clone(), option(&found)));
    }
    let contract = contract?;
    let lines = Lines::of(text);
    if let Some(range) = literal(text, offset) {
        let place = lines.place(file, range.start + 1);
        return Some((range, rule(contract, &place)?));
    }
    let range = word(text, offset)?;
    let place = lines.place(file, range.start);
    let said = contract.resources.iter().find_map(|resource| declared(contract, resource, &place))?;
    Some((range, said))
}

fn option(found: &Description) -> String {
    let Description { name, ty, doc, note, .. } = found;
    let mut said = format!("```proto\n{name}: {ty}\n```\n");
    for part in [doc, note].into_iter().filter(|part| !part.is_empty()) {
        let _ = write!(said, "\n{part}\n");
    }
    said
}

/// The word that a place is in or at the end of.
fn word(text: &str, offset: usize) -> Option<Range<usize>> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = text.get(..offset)?;
    let start = before.rfind(|c| !part(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let end = text[offset..].find(|c| !part(c)).map_or(text.len(), |at| offset + at);
    (start < end).then_some(start..end)
}

/// The rule that begins at a place, on both engines.
fn rule(contract: &Contract, place: &Place) -> Option<String> {
    let (resource, rule) = contract.resources.iter().find_map(|resource| {
        rules(resource).into_iter().find(|rule| rule.place == *place).map(|rule| (resource, rule))
    })?;
    let sql = rule_sql(resource, rule, &tables(contract));
    let mut said = String::new();
    for part in &sql.of_caller {
        let _ = write!(said, "Decided by the caller alone, before SQL:\n```sql\n{part}\n```\n");
    }
    for (dialect, text) in &sql.whole {
        let _ = write!(said, "{}\n```sql\n{text}\n```\n", dialect.title());
    }
    Some(said)
}

/// All rules of a resource, those of its fields and constraints included.
fn rules(resource: &Resource) -> Vec<&Rule> {
    let mut found: Vec<&Rule> = resource.rules().collect();
    found.extend(resource.constraints.iter().map(|constraint| &constraint.rule));
    found.extend(resource.indexes.iter().filter_map(|index| index.condition.as_ref()));
    let mut fields: Vec<&FieldModel> = resource.fields.iter().collect();
    while let Some(field) = fields.pop() {
        found.extend(field.constraints.iter().map(|constraint| &constraint.rule));
        fields.extend(&field.children);
    }
    found
}

/// The resource or field that is declared at a place.
fn declared(contract: &Contract, resource: &Resource, place: &Place) -> Option<String> {
    if resource.place == *place {
        let own = |of: usize| contract.resources.get(of).is_some_and(|own| own.type_name == resource.type_name);
        let methods = contract.methods.iter().filter(|method| method.shape.resource().is_some_and(own));
        let names: Vec<String> = methods.map(|method| format!("`{}`", method.name)).collect();
        return Some(format!(
            "`{}`, at `{}`\n\nTable `{}`\n\n{}\n",
            resource.type_name,
            resource.pattern,
            resource.table,
            names.join(", ")
        ));
    }
    let mut fields: Vec<&FieldModel> = resource.fields.iter().collect();
    while let Some(field) = fields.pop() {
        if field.place == *place {
            let named = field.columns.iter().filter_map(|column| resource.layout.columns.get(*column));
            let columns: Vec<String> = named.map(|column| format!("`{}`", column.name)).collect();
            return Some(format!("Field {} of table `{}`: {}\n", field.number, resource.table, columns.join(", ")));
        }
        fields.extend(&field.children);
    }
    None
}
