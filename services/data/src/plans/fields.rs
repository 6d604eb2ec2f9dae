//! What a contract says of single fields, as lists that a write walks.

use mainstay_contract::{Behaviors, FieldModel, Resource};
use mainstay_expr::{Program, evaluate_value};
use mainstay_record::{Column, Kind, Layout, Value};

use super::inside::Inside;
use super::same::same_value;
use crate::rights::Caller;

/// The fields of a resource that a write treats in a special way.
#[derive(Debug, Default)]
pub struct Fields {
    /// Columns under OUTPUT_ONLY fields, ascending: what a client sends there is dropped (AIP-203).
    pub output_only: Vec<usize>,
    immutable: Vec<(String, Vec<usize>)>,
    /// What is said inside JSON columns that a client may write.
    inside: Vec<Inside>,
    defaults: Vec<FieldDefault>,
}

/// What a field becomes that a Create leaves unset.
#[derive(Debug)]
struct FieldDefault {
    column: usize,
    program: Program,
    /// The columns that tell whether another field of the same oneof is sent.
    others: Vec<usize>,
}

impl Fields {
    /// Collects the lists.
    pub fn new(resource: &Resource) -> Fields {
        let mut fields = Fields::default();
        for field in &resource.fields {
            fields.collect(field, &resource.layout, false);
        }
        fields.heed_oneofs(resource);
        fields.output_only.sort_unstable();
        fields.output_only.dedup();
        fields
    }

    /// The lists of fields that a client gives in their own right: what is OUTPUT_ONLY is so inside of them alone.
    pub fn given(given: &[&FieldModel], layout: &Layout) -> Fields {
        let mut fields = Fields::default();
        for field in given {
            let behaviors = Behaviors { output_only: false, ..field.behaviors };
            fields.collect(&FieldModel { behaviors, default: None, ..FieldModel::clone(field) }, layout, false);
        }
        fields.output_only.sort_unstable();
        fields.output_only.dedup();
        fields
    }

    fn collect(&mut self, field: &FieldModel, layout: &Layout, output_only: bool) {
        let output_only = output_only || field.behaviors.output_only;
        if output_only {
            self.output_only.extend(&field.columns);
        } else {
            self.inside.extend(Inside::new(field, layout));
        }
        if field.behaviors.immutable {
            self.immutable.push((field.field_path.clone(), field.all_columns()));
        }
        if let (Some(default), [column]) = (&field.default, field.columns.as_slice()) {
            self.defaults.push(FieldDefault { column: *column, program: Program::clone(default), others: Vec::new() });
        }
        for child in &field.children {
            self.collect(child, layout, output_only);
        }
    }

    /// The default of a oneof's field stands for all of them: it is for whoever sends none.
    fn heed_oneofs(&mut self, resource: &Resource) {
        for default in &mut self.defaults {
            let own = resource.fields.iter().find(|field| field.columns == [default.column]);
            let Some(oneof) = own.and_then(|own| own.oneof) else { continue };
            let members = resource.fields.iter().filter(|field| field.oneof == Some(oneof));
            let columns = members.filter_map(|field| field.columns.first().copied());
            default.others = columns.filter(|column| *column != default.column).collect();
        }
    }

    /// Says whether a client may write the column.
    pub fn is_writable(&self, index: usize) -> bool {
        self.output_only.binary_search(&index).is_err()
    }

    /// Takes away what a client may not set.
    pub fn clear_output_only(&self, layout: &Layout, values: &mut [Value]) {
        for index in &self.output_only {
            values[*index] = unset(&layout.columns[*index]);
        }
        self.inside.iter().for_each(|inside| inside.clear(values));
    }

    /// Leaves what a client may not set inside lists, maps and messages as it was.
    pub fn keep_output_only(&self, old: &[Value], new: &mut [Value]) {
        self.inside.iter().for_each(|inside| inside.keep_output_only(old, new));
    }

    /// Fills in the defaults of the fields that the request left unset (`present` lists the columns that it set).
    pub fn apply_defaults(&self, layout: &Layout, values: &mut [Value], present: &[usize], caller: &Caller) {
        let sent = |column: &usize| {
            let may = caller.is_system() || self.is_writable(*column);
            may && present.binary_search(column).is_ok()
        };
        for FieldDefault { column, program, others } in &self.defaults {
            if !sent(column) && !others.iter().any(sent) {
                let value = evaluate_value(&program.root, &caller.alone());
                values[*column] = if value.is_null() { unset(&layout.columns[*column]) } else { value };
            }
        }
    }

    /// Names the IMMUTABLE fields that would change; of what the caller writes without seeing it (`blind`, ascending) that is
    /// not to be found out, so that it counts as changed.
    pub fn changed_immutable(&self, old: &[Value], new: &[Value], blind: &[usize]) -> Vec<String> {
        let differs = |index: usize| blind.binary_search(&index).is_ok() || !same_value(&old[index], &new[index]);
        let changed = |columns: &Vec<usize>| columns.iter().any(|index| differs(*index));
        let flat = self.immutable.iter().filter(|(_, columns)| changed(columns)).map(|(field, _)| field.clone());
        flat.chain(self.inside.iter().flat_map(|inside| inside.changed_immutable(old, new))).collect()
    }
}

/// What a column holds where its field is unset.
pub fn unset(column: &Column) -> Value {
    if column.nullable { Value::Null } else { column.kind.zero() }
}

/// Says whether a column can hold the value; a check on values that come from outside (page tokens).
pub fn fits(kind: Kind, value: &Value) -> bool {
    value.is_null() || mainstay_expr::kind_of(value) == Some(kind)
}
