//! What a contract says and probably does not mean. Warnings, over resources that are otherwise sound: each file knows one.
//!
//! They decide by what a rule comes to for callers that stand for all others (see [`callers`]), not by how it is written; where
//! that depends on rows, they are silent.

mod callers;
mod constant;
mod fields;
mod hidden;
mod nobody;
mod owner;
mod quantified;
mod roles;
mod unindexed;

pub(crate) use callers::Caller;

use crate::annotations::OPTIONS;
use crate::file::Spot;
use crate::model::{Access, Rule};
use crate::report::Report;
use crate::resource::head::Head;
use crate::text::Step;
use crate::{FieldModel, Resource};

/// One resource, as lints see it.
struct Linted<'a> {
    head: &'a Head,
    resource: &'a Resource,
    /// All of them, by their numbers.
    resources: &'a [Resource],
}

/// Looks at every resource.
pub(crate) fn check(report: &mut Report<'_>, heads: &[Head], resources: &[Resource]) {
    for (head, resource) in heads.iter().zip(resources) {
        let linted = Linted { head, resource, resources };
        for lint in [
            constant::check,
            hidden::check,
            nobody::check,
            owner::check,
            roles::check,
            unindexed::check,
            quantified::check,
            fields::check,
        ] {
            lint(report, &linted);
        }
    }
}

impl Linted<'_> {
    /// The rules that are written, each with the word before it. What `write` stands for is told once.
    fn rules(&self) -> Vec<(&'static str, &Rule)> {
        // Those of transitions are told where they stand.
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
