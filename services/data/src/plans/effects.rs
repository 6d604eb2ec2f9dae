//! What else happens when a row is written, ready to be done.

use std::collections::BTreeSet;

use mainstay_contract::{Effect, Resource, Trigger, What};
use mainstay_expr::{Program, Row};

/// The effects of a resource, in their order.
#[derive(Debug, Default)]
pub struct Effects {
    all: Vec<EffectPlan>,
    /// The resources whose rows they change.
    changes: BTreeSet<usize>,
    /// The same with all that the effects of those change in turn.
    leads: BTreeSet<usize>,
}

/// One of them, and what it looks at.
#[derive(Debug)]
pub struct EffectPlan {
    pub effect: Effect,
    /// The rows that its condition looks at, each after those on the way to it.
    pub asked: Vec<Row>,
    /// The rows from the record in hand that its values look at, and that it changes.
    pub looks: Vec<Row>,
    /// The same from the element that is `this`.
    pub of_element: Vec<Row>,
}

impl Effects {
    /// Those of a resource.
    pub(super) fn of(resource: &Resource) -> Effects {
        let all: Vec<EffectPlan> = resource.effects.iter().cloned().map(EffectPlan::new).collect();
        let changed = all.iter().flat_map(|own| own.effect.what.causes());
        let changes = changed.map(|(resource, _)| resource).collect();
        Effects { all, changes, leads: BTreeSet::new() }
    }

    /// Those that something sets off, in their order.
    pub fn on(&self, trigger: Trigger) -> impl Iterator<Item = &EffectPlan> {
        self.all.iter().filter(move |own| own.effect.on.contains(&trigger))
    }

    /// Whether something is set in the row itself.
    pub fn settle(&self, trigger: Trigger) -> bool {
        self.on(trigger).any(EffectPlan::is_own)
    }

    /// Whether it takes a look at other rows to know what is set in the row itself.
    pub fn settle_around(&self, trigger: Trigger) -> bool {
        self.on(trigger).any(|own| own.is_own() && own.looks_around())
    }

    /// Whether other rows change.
    pub fn reach_others(&self, trigger: Trigger) -> bool {
        self.on(trigger).any(|own| !own.is_own())
    }

    /// What they do.
    pub fn whats(&self) -> impl Iterator<Item = &What> {
        self.all.iter().map(|own| &own.effect.what)
    }

    /// The resources whose rows may change.
    pub fn changed(&self) -> impl Iterator<Item = usize> {
        self.changes.iter().copied()
    }

    /// The resources whose rows may change in the end, by effects of effects.
    pub fn leads(&self) -> &BTreeSet<usize> {
        &self.leads
    }

    /// Takes note of them.
    pub(super) fn lead_to(&mut self, leads: BTreeSet<usize>) {
        self.leads = leads;
    }
}

impl EffectPlan {
    fn new(effect: Effect) -> EffectPlan {
        let mut looks = BTreeSet::new();
        let mut of_element = BTreeSet::new();
        let mut values: Vec<&Program> = Vec::new();
        match &effect.what {
            What::Set { goal, value } | What::Adjust { goal, by: value } => {
                values.push(value);
                let ways = if goal.aim.list.is_some() { &mut of_element } else { &mut looks };
                ways.extend(goal.aim.row.way());
            }
            What::Put(put) => {
                values.extend(put.id.iter().chain(&put.parent).chain(put.set.iter().map(|(_, _, value)| value)));
                looks.extend(put.each.iter().flat_map(|each| each.row.way()));
            }
            What::Move { to, .. } => {
                let ways = if to.list.is_some() { &mut of_element } else { &mut looks };
                ways.extend(to.row.way());
            }
        }
        for value in values {
            looks.extend(value.looks());
            of_element.extend(value.root.looks_from_element());
        }
        let asked = effect.condition.iter().flat_map(|rule| rule.program.looks()).collect();
        EffectPlan { asked, looks: looks.into_iter().collect(), of_element: of_element.into_iter().collect(), effect }
    }

    /// Whether it sets something in the row itself, which is part of the write.
    pub fn is_own(&self) -> bool {
        matches!(&self.effect.what, What::Set { goal, .. } if goal.aim.is_itself())
    }

    /// Whether it takes a look at other rows to know what it does.
    pub fn looks_around(&self) -> bool {
        !(self.asked.is_empty() && self.looks.is_empty() && self.of_element.is_empty())
    }
}
