//! Layouts and rules with the names that the database has.

use std::sync::Arc;

use mainstay_contract::{Access, Aim, Check, Constraint, Contract, Effect, FieldModel, Resource, Rule, Slot, What};
use mainstay_expr::{Program, Root, Row};
use mainstay_record::{Layout, Role};

use crate::rekey::{Births, Keys};
use crate::terms::ResourceTerms;
use crate::{ColumnId, FieldPath, Label, Ledger, ResourceEntry};

/// The rules of a resource with the ledger's names, of which a rule has only the keys inside JSON columns.
pub(crate) struct BoundRules {
    pub access: Access,
    /// Who sees and sets fields: by the field and the option, `12:field.read`.
    fields: Vec<(String, Rule)>,
}

impl BoundRules {
    /// `all` are the keys of all resources.
    pub fn of(resource: &Resource, entry: &ResourceEntry, all: &[Vec<Keys>]) -> BoundRules {
        let own = bind_layout(&mut Layout::clone(&resource.layout), entry);
        let keys = Births { own: &own, all };
        let mut access = resource.access.clone();
        rewrite(keys, &mut access);
        let mut fields = Vec::new();
        for field in &resource.fields {
            for (option, rule) in [("read", &field.read), ("write", &field.write)] {
                let Some(rule) = rule else { continue };
                let mut rule = Rule::clone(rule);
                rule.program.root = keys.rewrite(rule.program.root);
                fields.push((field_rule(&FieldPath::from(&field.path), &format!("field.{option}")), rule));
            }
        }
        BoundRules { access, fields }
    }

    /// The terms of the resource, of which these rules are a part.
    pub fn terms(&self, contract: &Contract, resource: &Resource) -> ResourceTerms {
        ResourceTerms::of(contract, resource, &self.access, self.others(resource))
    }

    /// The rules that are not the resource's own: of its transitions, and of its fields.
    fn others<'b>(&'b self, resource: &'b Resource) -> impl Iterator<Item = (String, &'b Rule)> {
        let transitions = resource.transitions.iter().zip(&self.access.transitions).flat_map(|(transition, rules)| {
            let name = |what: &str| format!("states.transition.{}.{what}", transition.name);
            let access = rules.access.as_ref().map(|rule| (name("access"), rule));
            access.into_iter().chain(rules.guard.as_ref().map(|rule| (name("guard"), rule)))
        });
        transitions.chain(self.fields.iter().map(|(name, rule)| (name.clone(), rule)))
    }
}

/// How a rule of a field is called among those of its resource.
pub(crate) fn field_rule(path: &FieldPath, option: &str) -> String {
    format!("{path}:{option}")
}

/// The keys of all resources of a contract that are not today's names.
pub(crate) fn keys_of_all(contract: &Contract, ledger: &Ledger) -> Vec<Vec<Keys>> {
    let keys = |resource: &Arc<Resource>| {
        let entry = ledger.resource(&resource.type_name);
        entry.map_or_else(Vec::new, |entry| bind_layout(&mut Layout::clone(&resource.layout), entry))
    };
    contract.resources.iter().map(keys).collect()
}

/// Replaces the keys in all rules of a resource.
pub(crate) fn rewrite(keys: Births<'_>, access: &mut Access) {
    if keys.is_empty() {
        return;
    }
    for rule in access.rules_mut() {
        rule.program.root = keys.rewrite(rule.program.root.clone());
    }
}

/// The same in what must hold of a resource's rows, and in who sees and sets their fields.
pub(crate) fn rewrite_fields(keys: Births<'_>, resource: &mut Resource) {
    fn all<'r>(fields: &'r mut [FieldModel], found: &mut Vec<&'r mut Constraint>) {
        for field in fields {
            found.extend(&mut field.constraints);
            all(&mut field.children, found);
        }
    }
    let mut constraints: Vec<&mut Constraint> = resource.constraints.iter_mut().collect();
    all(&mut resource.fields, &mut constraints);
    for constraint in constraints {
        constraint.rule.program.root = keys.rewrite(constraint.rule.program.root.clone());
    }
    // Rules stand on fields of the resource itself alone.
    for rule in resource.fields.iter_mut().flat_map(|field| field.read.iter_mut().chain(&mut field.write)) {
        rule.program.root = keys.rewrite(rule.program.root.clone());
    }
    if let Some(subject) = &mut resource.subject {
        subject.rule.program.root = keys.rewrite(subject.rule.program.root.clone());
    }
    resource.fields.iter_mut().for_each(|field| rewrite_values(keys, field));
}

/// The same in what must hold of a value, of what is in a document and of the document itself.
fn rewrite_values(keys: Births<'_>, field: &mut FieldModel) {
    field.children.iter_mut().for_each(|child| rewrite_values(keys, child));
    let [column] = field.columns[..] else { return };
    let Some(known) = keys.own.iter().find(|known| known.column() == column) else { return };
    rewrite_checks(&known.within(known.label(), 0), &mut field.checks);
    let Some(checks) = &mut field.json_checks else { return };
    rewrite_checks(&known.within(Label::Optional, 0), &mut checks.items.checks);
    for (entry, wholes) in checks.wholes.iter_mut().enumerate() {
        rewrite_checks(&known.within(Label::Optional, entry), wholes);
    }
    for (entry, fields) in checks.messages.iter_mut().enumerate() {
        for field in fields {
            let Some((label, inner)) = known.field(entry, field.number) else { continue };
            rewrite_checks(&known.within(label, inner), &mut field.checks);
            rewrite_checks(&known.within(Label::Optional, inner), &mut field.items.checks);
        }
    }
}

fn rewrite_checks(keys: &Keys, checks: &mut [Check]) {
    let own = std::slice::from_ref(keys);
    let births = Births { own, all: &[] };
    for check in checks {
        if let Check::Rule(rule) = check {
            let rule = Arc::make_mut(rule);
            rule.program.root = births.rewrite(rule.program.root.clone());
        }
    }
}

/// The same in what else happens when a row is written.
pub(crate) fn rewrite_effects(keys: Births<'_>, effects: &mut [Effect]) {
    let own = Row::of(Root::Resource);
    for effect in effects {
        if let Some(rule) = &mut effect.condition {
            rule.program.root = keys.rewrite(rule.program.root.clone());
        }
        match &mut effect.what {
            What::Set { goal, value } | What::Adjust { goal, by: value } => {
                let list = goal.aim.list.map(|column| (&own, column));
                rewrite_value(keys, list, value);
                rewrite_aim(keys, &mut goal.aim);
                if let Slot::Element { keys: inside, others, .. } = &mut goal.slot {
                    std::iter::once(inside).chain(others).for_each(|inside| keys.rekeyed(list, inside));
                }
            }
            What::Put(put) => {
                let list = put.each.as_ref().map(|each| (&each.row, each.column));
                let values = put.id.iter_mut().chain(&mut put.parent);
                for value in values.chain(put.set.iter_mut().map(|(_, _, value)| value)) {
                    rewrite_value(keys, list, value);
                }
            }
            What::Move { to, .. } => rewrite_aim(keys, to),
        }
    }
}

fn rewrite_value(keys: Births<'_>, list: Option<(&Row, usize)>, value: &mut Program) {
    value.root = keys.rewrite_of_elements(list, value.root.clone());
}

fn rewrite_aim(keys: Births<'_>, aim: &mut Aim) {
    let own = Row::of(Root::Resource);
    aim.row = keys.relinked(aim.list.map(|column| (&own, column)), aim.row.clone());
}

/// Names the columns; tells the JSON columns whose keys are not today's names.
pub(crate) fn bind_layout(layout: &mut Layout, entry: &ResourceEntry) -> Vec<Keys> {
    let mut changed = Vec::new();
    for (index, column) in layout.columns.iter_mut().enumerate() {
        let id = ColumnId::of(column, index);
        if let Some(known) = entry.columns.get(&id) {
            column.name.clone_from(&known.name);
        }
        let field = id.field().and_then(|path| entry.fields.get(path));
        if let (Role::Json(shape), Some(field)) = (&mut column.role, field)
            && let Some(json) = &field.json
        {
            let keys = Keys::bind(index, field.signature.label, json, shape);
            changed.extend(keys.filter(Keys::differ));
        }
    }
    changed
}
