//! What a contract says and probably does not mean. Warnings, over resources that are otherwise sound: each file knows one.
//!
//! They decide by what a rule comes to for callers that stand for all others (see [`callers`]), not by how it is written; where
//! that depends on rows, they are silent.

mod callers;
mod clock;
mod constant;
mod example;
mod fields;
mod hidden;
mod nobody;
mod organisations;
mod owner;
mod quantified;
mod roles;
mod unindexed;
mod unset;
mod wider;

pub(crate) use callers::Caller;
pub(crate) use nobody::without_uid;

use std::fmt;

use crate::annotations::{FIELD, OPTIONS};
use crate::file::Spot;
use crate::machine::STATES;
use crate::model::{Access, Rule};
use crate::report::Report;
use crate::resource::head::Head;
use crate::resource::options;
use crate::text::Step;
use crate::{FieldModel, Resource, Roles};

/// One resource, as lints see it.
struct Linted<'a> {
    head: &'a Head,
    resource: &'a Resource,
    /// All of them, by their numbers.
    resources: &'a [Resource],
    roles: &'a Roles,
}

/// Looks at every resource.
pub(crate) fn check(report: &mut Report<'_>, heads: &[Head], resources: &[Resource], roles: &Roles) {
    for (head, resource) in heads.iter().zip(resources) {
        let linted = Linted { head, resource, resources, roles };
        for lint in [
            clock::check,
            constant::check,
            hidden::check,
            wider::check,
            nobody::check,
            owner::check,
            roles::check,
            organisations::check,
            unindexed::check,
            quantified::check,
            fields::check,
            unset::check,
        ] {
            lint(report, &linted);
        }
    }
}

/// What a rule is of.
#[derive(Clone, Copy)]
enum Stands<'a> {
    Verb(&'static str),
    Transition { name: &'a str, part: &'static str },
    Field { field: &'a FieldModel, verb: &'static str },
}

impl Stands<'_> {
    /// What it lets somebody do.
    fn act(&self) -> &str {
        match self {
            Stands::Verb(verb) => verb,
            Stands::Transition { name, .. } => name,
            Stands::Field { verb, .. } => verb,
        }
    }
}

impl fmt::Display for Stands<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stands::Verb(verb) => write!(f, "the rule for {verb}"),
            Stands::Transition { name, part } => write!(f, "the {part} of `{name}`"),
            Stands::Field { field, verb } => write!(f, "the rule for {verb} of {}", field.name),
        }
    }
}

impl Linted<'_> {
    /// The rules that are written, each with the word before it. What `write` stands for is told once.
    fn rules(&self) -> Vec<(&'static str, &Rule)> {
        let Access { read, create, update, delete, refer, transitions: _ } = &self.resource.access;
        let wide = create.as_ref().filter(|create| update.len() == 2 && update[0].source == create.source);
        let read = read.iter().map(|rule| ("read", rule));
        let refer = refer.iter().map(|rule| ("refer", rule));
        match wide {
            Some(write) => read.chain([("write", write)]).chain(refer).collect(),
            None => read
                .chain(create.iter().map(|rule| ("create", rule)))
                .chain(update.iter().map(|rule| ("update", rule)))
                .chain(delete.iter().map(|rule| ("delete", rule)))
                .chain(refer)
                .collect(),
        }
    }

    /// The same, and those of transitions.
    fn all_rules(&self) -> Vec<(Stands<'_>, &Rule)> {
        let mut all: Vec<_> = self.rules().into_iter().map(|(verb, rule)| (Stands::Verb(verb), rule)).collect();
        for (own, rules) in self.resource.transitions.iter().zip(&self.resource.access.transitions) {
            let stands = |part| Stands::Transition { name: &own.name, part };
            all.extend(rules.access.iter().map(|rule| (stands("access"), rule)));
            all.extend(rules.guard.iter().map(|rule| (stands("guard"), rule)));
        }
        all
    }

    /// The rules of fields.
    fn field_rules(&self) -> impl Iterator<Item = (Stands<'_>, &Rule)> {
        self.resource.fields.iter().flat_map(|field| {
            let both = [("read", &field.read), ("write", &field.write)];
            both.into_iter().filter_map(move |(verb, rule)| Some((Stands::Field { field, verb }, rule.as_deref()?)))
        })
    }

    /// Where a rule stands.
    fn spot(&self, report: &Report<'_>, stands: Stands<'_>) -> Spot {
        let (name, part) = match stands {
            Stands::Verb(verb) => return self.rule_spot(report, verb),
            Stands::Transition { name, part } => (name, part),
            Stands::Field { field, verb } => {
                let declared = self.head.message.get_field(field.number);
                let at = |declared| options::spot(report, &declared, FIELD, &[Step::Field(verb)]);
                return declared.map_or_else(|| self.head.spot.clone(), at);
            }
        };
        match self.head.transitions.iter().find(|own| own.name == name) {
            Some(own) => {
                options::spot(report, &own.field, STATES, &[Step::Item("transition", own.position), Step::Field(part)])
            }
            None => self.head.spot.clone(),
        }
    }

    /// Where the rule for a verb stands.
    fn rule_spot(&self, report: &Report<'_>, verb: &str) -> Spot {
        self.head.option(report, OPTIONS, &[Step::Field("access"), Step::Field(verb)])
    }

    /// Where a field of the resource is declared.
    fn field_spot(&self, report: &Report<'_>, field: &FieldModel) -> Spot {
        match self.head.message.get_field(field.number) {
            Some(field) => report.name(field.parent_file().name(), field.path()),
            None => self.head.spot.clone(),
        }
    }
}
