//! Who may do what with a resource, and where it is reached.

use std::sync::Arc;

use mainstay_contract::{Place, Resource};

use super::effect::Severity;
use super::options::{self, Verdict};
use super::planner::{Planner, Standing};
use super::reached::Reached;
use super::{Change, PlanError, Safety, Step};
use crate::bound::BoundRules;
use crate::terms::{Form, ResourceTerms, RuleTerms};

impl<'a> Planner<'a> {
    /// Compares the terms of the resource as a whole with what they were, and takes them on.
    pub(super) fn served(&mut self, known: &mut Standing<'a>) -> Result<(), PlanError> {
        let now = BoundRules::of(known.resource, &known.entry, &self.keys).terms(self.contract, known.resource);
        if let Some(was) = &known.was.terms {
            self.rules(known, was, &now);
            self.routes(known, was, &now);
            for (change, safety) in options::changes(None, &was.options, &now.options, &|_| Verdict::Unknown) {
                self.resource_step(known, change, safety, None);
            }
        }
        // A ledger without terms is of a time when no row was kept.
        let was = known.was.terms.as_ref().and_then(|was| was.kept.as_ref());
        self.kept(known, was, now.kept.as_ref())?;
        known.entry.terms = Some(now);
        Ok(())
    }

    fn rules(&mut self, known: &Standing<'a>, was: &ResourceTerms, now: &ResourceTerms) {
        let change = |verb: &str| rule_change(verb, was.access.get(verb), now.access.get(verb));
        let mut changes: Vec<Change> = ["create", "update", "delete"].into_iter().filter_map(change).collect();
        // What `write` is short for is one change.
        if let [.., create, update, delete] = &changes[..]
            && let (Some(create), Some(update), Some(delete)) = (as_write(create), as_write(update), as_write(delete))
            && create == update
            && update == delete
        {
            changes.truncate(changes.len() - 3);
            changes.push(create);
        }
        for change in change("read").into_iter().chain(naming_change(was, now)).chain(changes) {
            let safety = match change.effect().severity {
                Severity::Narrowed => Safety::Safe,
                Severity::Widened => reviewed_rule("it lets in who was kept out until now"),
                Severity::Changed => reviewed_rule("it may let in who was kept out until now"),
            };
            self.resource_step(known, change, safety, None);
        }
    }

    fn routes(&mut self, known: &Standing<'a>, was: &ResourceTerms, now: &ResourceTerms) {
        let reached = Reached::compare(was, now);
        let Reached { mut routes, more_routes, services, methods, lost, gained, requests, answers } = reached;
        // Each route is told once, by what moved it.
        for (from, to, methods) in services {
            let routes = std::mem::take(&mut routes);
            let remedy = "declare the service with its old name beside the resource, or accept when every client has the new one";
            let change = Change::MoveService { from, to, methods, routes };
            self.resource_step(known, change, unimplemented("the old service", remedy), None);
        }
        for (from, to) in methods {
            let safety = unimplemented("the old method", "accept when every client has the new one");
            self.resource_step(known, Change::MoveMethod { from, to }, safety, None);
        }
        self.pattern(known, was, now, &mut routes);
        if !routes.is_empty() {
            let why = "clients that call the old routes get 404 from now on".to_owned();
            let remedy = "keep the old route as one of additional_bindings, or accept".to_owned();
            let change = Change::ChangeRoutes { routes: [routes, more_routes].concat(), severity: Severity::Changed };
            self.resource_step(known, change, Safety::Reviewed { why, remedy }, None);
        } else if !more_routes.is_empty() {
            let change = Change::ChangeRoutes { routes: more_routes, severity: Severity::Widened };
            self.resource_step(known, change, Safety::Safe, None);
        }
        if let Some(severity) = requests.severity() {
            let safety = if severity == Severity::Widened { Safety::Safe } else { reviewed_requests() };
            self.resource_step(known, Change::ChangeRequests { fields: requests.lines, severity }, safety, None);
        }
        if let Some(severity) = answers.severity() {
            let safety = if severity == Severity::Widened { Safety::Safe } else { reviewed_answers() };
            self.resource_step(known, Change::ChangeAnswers { fields: answers.lines, severity }, safety, None);
        }
        for method in lost {
            let safety = unimplemented("it", "keep it in the service, or accept");
            self.resource_step(known, Change::RemoveMethod { method }, safety, None);
        }
        for method in gained {
            self.resource_step(known, Change::AddMethod { method }, Safety::Safe, None);
        }
    }

    /// Another pattern is another name of every row; one whose variables alone have other names is the same to everybody.
    fn pattern(&mut self, known: &Standing<'a>, was: &ResourceTerms, now: &ResourceTerms, routes: &mut Vec<String>) {
        if was.pattern == now.pattern {
            return;
        }
        let (from, to) = (was.pattern.clone(), now.pattern.clone());
        if literals(&from) == literals(&to) {
            let note = Some("no name and no URL is another one".to_owned());
            return self.resource_step(known, Change::RenameVariable { from, to }, Safety::Safe, note);
        }
        let names_it = |other: &&Arc<Resource>| other.links.iter().any(|link| link.target == known.resource.type_name);
        if let Some(other) = self.contract.resources.iter().find(names_it) {
            let safety = Safety::Refused {
                why: format!("rows of {} hold such names whole, inside their lists", other.type_name),
                remedy: "keep the pattern; changing one that lists refer to is not supported yet".to_owned(),
            };
            let change = Change::ChangePattern { from, to, routes: std::mem::take(routes) };
            return self.resource_step(known, change, safety, None);
        }
        let why = "every name and URL of the resource is another one; names that clients have kept are not found";
        let remedy = "keep the pattern, or accept when nobody keeps names".to_owned();
        let change = Change::ChangePattern { from, to, routes: std::mem::take(routes) };
        self.resource_step(known, change, Safety::Reviewed { why: why.to_owned(), remedy }, None);
    }

    /// A step about a resource as a whole, without schema changes.
    pub(super) fn resource_step(&mut self, known: &Standing<'a>, change: Change, safety: Safety, note: Option<String>) {
        let (resource, place) = (known.resource.type_name.clone(), place_of(known, &change));
        self.steps.push(Step { resource, change, safety, schema: Vec::new(), note, place: Some(place), path: None });
    }
}

/// A pattern without the names of its variables: `books/{}`.
fn literals(pattern: &str) -> Vec<&str> {
    pattern.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment }).collect()
}

fn reviewed_requests() -> Safety {
    Safety::Reviewed {
        why: "JSON that names the old fields is refused from now on, on paths that are the same, too; over gRPC a number means what \
              it meant".to_owned(),
        remedy: "keep the names that the fields come from, or accept when every client has the new ones".to_owned(),
    }
}

fn reviewed_answers() -> Safety {
    Safety::Reviewed {
        why: "clients that read the old fields in JSON do not find them any more".to_owned(),
        remedy: "keep the names that the fields come from, or accept when every client reads the new ones".to_owned(),
    }
}

fn unimplemented(what: &str, remedy: &str) -> Safety {
    let why = format!("clients that call {what} get UNIMPLEMENTED from now on");
    Safety::Reviewed { why, remedy: remedy.to_owned() }
}

/// How a rule changed; nothing where the same callers pass.
fn rule_change(verb: &str, was: Option<&RuleTerms>, now: Option<&RuleTerms>) -> Option<Change> {
    let form = |rule: Option<&RuleTerms>| rule.map_or(Form::Never, |rule| rule.form.clone());
    let severity = compared(&form(was), &form(now))?;
    let source = |rule: Option<&RuleTerms>| rule.map(|rule| rule.source.clone());
    Some(Change::ChangeRule { verb: verb.to_owned(), from: source(was), to: source(now), severity })
}

/// Whether more pass than before, fewer, or others; nothing where the same do.
pub(super) fn compared(was: &Form, now: &Form) -> Option<Severity> {
    match (was.implies(now), now.implies(was)) {
        (true, true) => None,
        (true, false) => Some(Severity::Widened),
        (false, true) => Some(Severity::Narrowed),
        (false, false) => Some(Severity::Changed),
    }
}

/// How it changed who may name a row, where a contract says so: else it is who may read it.
fn naming_change(was: &ResourceTerms, now: &ResourceTerms) -> Option<Change> {
    const REFER: &str = "refer";
    let is_said = |terms: &ResourceTerms| terms.access.contains_key(REFER);
    let naming = |terms: &ResourceTerms| terms.access.get(REFER).or_else(|| terms.access.get("read")).cloned();
    let (said, old, new) = (is_said(was) || is_said(now), naming(was), naming(now));
    rule_change(REFER, old.as_ref(), new.as_ref()).filter(|_| said)
}

fn as_write(change: &Change) -> Option<Change> {
    match change {
        Change::ChangeRule { verb, from, to, severity } if verb != "read" => {
            let verb = "write".to_owned();
            Some(Change::ChangeRule { verb, from: from.clone(), to: to.clone(), severity: *severity })
        }
        _ => None,
    }
}

fn reviewed_rule(why: &str) -> Safety {
    Safety::Reviewed { why: why.to_owned(), remedy: "compare the two rules, then accept".to_owned() }
}

fn place_of(known: &Standing<'_>, change: &Change) -> Place {
    let access = &known.resource.access;
    let rule = match change {
        Change::ChangeRule { verb, .. } => match verb.as_str() {
            "read" => access.read.as_ref(),
            "refer" => access.naming(),
            "update" => access.update.first(),
            "delete" => access.delete.as_ref(),
            _ => access.create.as_ref(),
        },
        _ => None,
    };
    rule.map_or_else(|| known.resource.place.clone(), |rule| rule.place.clone())
}
