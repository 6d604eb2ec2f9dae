//! Effects: what else happens in the transaction of a write.

mod circles;
mod made;
mod parts;
mod path;

use std::sync::Arc;

use mainstay_expr::{Element, Program, RuleScope, Wanted, compile_value, suggest};
use prost_reflect::{DescriptorPool, DynamicMessage};

use crate::annotations::OPTIONS;
use crate::capabilities;
use crate::effect::{Effect, Trigger};
use crate::file::Spot;
use crate::options::{items, message_option, optional_text};
use crate::report::Report;
use crate::resource::access::Rules;
use crate::text::Step;
use crate::{Resource, Rule};

/// How many effects a resource has at most.
pub const MAX_EFFECTS: usize = 100;

/// Reads the effects of all resources, in their order: each may change rows of any of them.
pub(super) fn build<'a>(
    report: &mut Report<'_>,
    pool: &DescriptorPool,
    rules: impl Fn(usize) -> Rules<'a>,
    resources: &mut [Resource],
) {
    let mut all = Vec::with_capacity(resources.len());
    for resource in 0..resources.len() {
        let rules = rules(resource);
        let option = message_option(pool, &rules.head.message.options(), OPTIONS);
        let written = option.map(|option| items(&option, "effect")).unwrap_or_default();
        if written.len() > MAX_EFFECTS {
            let spot = rules.head.option(report, OPTIONS, &[Step::Item("effect", MAX_EFFECTS)]);
            let draft = report.error(&spot, format!("more than {MAX_EFFECTS} effects"));
            draft.help("write fewer, with conditions in their values");
        }
        let read = written.iter().take(MAX_EFFECTS).enumerate().filter_map(|(position, value)| {
            let reader = Reader { rules: &rules, resources, resource, position };
            let effect = reader.effect(report, value.as_message()?)?;
            Some((effect, reader.spot(report, &[])))
        });
        all.push(read.collect::<Vec<_>>());
    }
    circles::refuse(report, resources, &all);
    for (resource, effects) in resources.iter_mut().zip(all) {
        resource.effects = effects.into_iter().map(|(effect, _)| effect).collect();
    }
}

/// What brings back what was deleted and kept.
const UNDELETE: &str = "undelete";

/// One effect, on the way.
struct Reader<'r, 'a> {
    rules: &'r Rules<'a>,
    resources: &'r [Resource],
    resource: usize,
    position: usize,
}

impl Reader<'_, '_> {
    fn spot(&self, report: &Report<'_>, steps: &[Step<'_>]) -> Spot {
        let all: Vec<Step<'_>> =
            std::iter::once(Step::Item("effect", self.position)).chain(steps.iter().copied()).collect();
        self.rules.head.option(report, OPTIONS, &all)
    }

    fn own(&self) -> &Resource {
        &self.resources[self.resource]
    }

    fn effect(&self, report: &mut Report<'_>, written: &DynamicMessage) -> Option<Effect> {
        let on = self.triggers(report, written);
        let condition = optional_text(written, "if").map(|source| self.condition(report, &source));
        let what = self.what(report, written, &on);
        let place = report.files.place(&self.spot(report, &[]));
        // A condition that has problems is not one that is left out.
        let condition = match condition {
            None => None,
            Some(condition) => Some(condition?),
        };
        Some(Effect { on, condition, what: what?, place })
    }

    fn condition(&self, report: &mut Report<'_>, source: &str) -> Option<Rule> {
        let spot = self.spot(report, &[Step::Field("if")]);
        let rule = self.rules.rule_at(report, "the condition of an effect", source, &self.scope(None), &spot)?;
        self.sound(report, &rule.program, &spot).then_some(rule)
    }

    /// What a value or a condition may name.
    fn scope(&self, element: Option<Element>) -> RuleScope {
        let vocabulary = self.rules.vocabulary;
        RuleScope { old: Some(Arc::clone(&self.rules.record)), element, ..vocabulary.of_row(&self.rules.record) }
    }

    /// Compiles a value.
    fn value(
        &self,
        report: &mut Report<'_>,
        (what, source, spot): (&str, &str, &Spot),
        wanted: Wanted<'_>,
        element: Option<Element>,
    ) -> Option<Program> {
        if source.trim().is_empty() {
            report.error(spot, format!("{what} is empty")).help("write an expression, for example \"now\" or \"1\"");
            return None;
        }
        match compile_value(source, wanted, &self.scope(element)) {
            Ok(program) => self.sound(report, &program, spot).then_some(program),
            Err(problems) => {
                self.rules.report(report, what, source, spot, problems);
                None
            }
        }
    }

    /// Refuses what asks the store for any number of rows: an effect knows those that relations lead to, and holds them.
    fn sound(&self, report: &mut Report<'_>, program: &Program, spot: &Spot) -> bool {
        if program.asks().is_empty() {
            return true;
        }
        let what = "an effect that asks rows by exists() or all()";
        capabilities::refuse(report, spot, "effects that quantify over rows", what);
        false
    }

    fn triggers(&self, report: &mut Report<'_>, written: &DynamicMessage) -> Vec<Trigger> {
        let mut triggers = Vec::new();
        let names: Vec<String> =
            items(written, "on").iter().filter_map(|value| value.as_str().map(str::to_owned)).collect();
        if names.is_empty() {
            let spot = self.spot(report, &[]);
            report
                .error(&spot, "the effect never happens")
                .because("an effect is of creates, updates, deletions or transitions")
                .help("add on: \"create\", \"update\", \"delete\" or the name of a transition");
        }
        for (i, name) in names.iter().enumerate() {
            let spot = self.spot(report, &[Step::Item("on", i)]);
            let Some(trigger) = self.trigger(name) else {
                // One with problems of its own is told there.
                if !self.rules.head.transitions.iter().any(|own| own.name == *name) {
                    self.unknown_trigger(report, name, &spot);
                }
                continue;
            };
            if triggers.contains(&trigger) {
                report.error(&spot, format!("`{name}` is named twice")).help("remove one of the two");
            }
            triggers.push(trigger);
        }
        triggers
    }

    fn trigger(&self, name: &str) -> Option<Trigger> {
        match name {
            "create" => Some(Trigger::Create),
            "update" => Some(Trigger::Update),
            "delete" => Some(Trigger::Delete),
            // There is none where rows go when they are deleted.
            UNDELETE => self.own().soft_delete.map(|_| Trigger::Undelete),
            _ => transition(self.own(), name).map(Trigger::Transition),
        }
    }

    fn unknown_trigger(&self, report: &mut Report<'_>, name: &str, spot: &Spot) {
        if name == UNDELETE {
            report
                .error(spot, format!("{} has no Undelete", self.own().message))
                .because("its rows go when they are deleted")
                .help("leave it out, or say soft_delete: true");
            return;
        }
        let known = self.own().transitions.iter().map(|own| own.name.as_str());
        let back = self.own().soft_delete.map(|_| UNDELETE);
        let help = suggest(name, known.chain(["create", "update", "delete"]).chain(back), "there are");
        report
            .error(spot, format!("`{name}` is no transition of {}", self.own().message))
            .because("an effect is of creates, updates, deletions or transitions")
            .help(help.unwrap_or_else(|| "write create, update, delete or the name of a transition".to_owned()));
    }
}

/// The place of a transition, by its name.
fn transition(resource: &Resource, name: &str) -> Option<u16> {
    let place = resource.transitions.iter().position(|own| own.name == name)?;
    u16::try_from(place).ok()
}
