//! Whose the rows of a resource are: who is exported and erased with them.
//!
//! Each resource has one way to an account at most, so that every row is one person's and counted once: a field that says so
//! (`subject`), else the one field whose default is `auth.uid`, else what the row lies below. The way is compiled as a rule, in
//! which the account in question is the caller: so it is looked up as any rule is, and shown by `mainstay contract explain`.

use std::collections::BTreeSet;

use mainstay_expr::{AuthName, Expr};
use mainstay_record::Kind;
use prost_reflect::FieldDescriptor;

use crate::Resource;
use crate::annotations::{self, FIELD, FieldOptions, holds_classed, holds_erased};
use crate::file::Spot;
use crate::model::{FieldModel, Subject};
use crate::report::Report;
use crate::resource::access::Rules;
use crate::resource::head::Head;
use crate::resource::options;
use crate::text::Step;

const SUBJECT: &str = "subject";

/// What leads from a row to whose it is.
#[derive(Debug, Clone)]
enum Way {
    /// A field that holds an account's uid. The contract may not say that it is the person's whose the row is, and only that it
    /// is the caller's by default.
    Account { field: String, is_said: bool },
    /// A reference to a row of another resource, which is the same person's.
    Row { field: String, resource: usize },
    /// What the row lies below.
    Parent { resource: usize },
}

/// Finds out whose the rows of all resources are.
pub(super) fn build<'a>(
    report: &mut Report<'_>,
    heads: &[Head],
    rules: &impl Fn(usize) -> Rules<'a>,
    resources: &mut [Resource],
) {
    let ways: Vec<Option<(Way, Spot)>> =
        heads.iter().zip(&*resources).map(|(head, resource)| way(report, head, resource)).collect();
    let mut found = Vec::with_capacity(resources.len());
    for (index, way) in ways.iter().enumerate() {
        found.push(way.as_ref().and_then(|(way, spot)| {
            let path = path(index, &ways, resources);
            if path.is_none() {
                refuse_way(report, &heads[index], way, spot);
            }
            let rules = rules(index);
            let rule = rules.rule_at(report, "whose a row is", &source(way, &path?), &rules.row(), spot)?;
            let field = if let Way::Account { field, .. } | Way::Row { field, .. } = way {
                field.clone()
            } else {
                String::new()
            };
            Some(Subject { rule, field })
        }));
    }
    for (resource, subject) in resources.iter_mut().zip(found) {
        resource.subject = subject;
    }
    warn_of_what_is_not_said(report, heads, &ways, resources);
}

/// Warns of rows that stay with everything personal in them, and of what is erased though only a default hints at whose it is.
fn warn_of_what_is_not_said(
    report: &mut Report<'_>,
    heads: &[Head],
    ways: &[Option<(Way, Spot)>],
    resources: &[Resource],
) {
    let mut guessed = BTreeSet::new();
    for (index, head) in heads.iter().enumerate().filter(|(_, head)| holds_erased(&head.message)) {
        if resources[index].subject.is_some() {
            guessed.extend(end(index, ways).filter(|end| is_guessed(ways, *end)));
        } else if !head.message.fields().any(|field| is_answered(&field)) {
            report
                .warning(&head.spot, format!("the rows of {} are nobody's", head.short_name()))
                .because("they have fields with a class, and nothing leads from them to an account: they are erased and exported with nobody")
                .help("add subject: true to the field that says whose a row is, or subject: false to one that does not say it");
        }
    }
    for index in guessed {
        if let Some((Way::Account { field, .. }, spot)) = &ways[index] {
            report
                .warning(spot, format!("{field} is taken to say whose a {} is", heads[index].short_name()))
                .because("it is the caller by default, and fields with a class are erased with that account")
                .help("add subject: true where that is so, and subject: false where it is not");
        }
    }
}

/// Whether the contract says something of a field as whose a row is; where it does not, it may have been forgotten.
fn is_answered(field: &FieldDescriptor) -> bool {
    let options = annotations::read(field);
    // Two who are the caller by default are warned about on their own.
    options.subject.is_some() || options.default.is_some_and(|default| default.trim() == "auth.uid")
}

/// The resource whose field holds the account, from one on.
fn end(mut index: usize, ways: &[Option<(Way, Spot)>]) -> Option<usize> {
    for _ in 0..=ways.len() {
        match &ways.get(index)?.as_ref()?.0 {
            Way::Account { .. } => return Some(index),
            Way::Row { resource, .. } | Way::Parent { resource } => index = *resource,
        }
    }
    None
}

fn is_guessed(ways: &[Option<(Way, Spot)>], index: usize) -> bool {
    ways.get(index).is_some_and(|way| matches!(way, Some((Way::Account { is_said: false, .. }, _))))
}

/// The way of one resource, and where the contract says it.
fn way(report: &mut Report<'_>, head: &Head, resource: &Resource) -> Option<(Way, Spot)> {
    let fields: Vec<(&FieldModel, FieldDescriptor, FieldOptions)> = resource
        .fields
        .iter()
        .filter_map(|field| {
            let descriptor = head.message.get_field(field.number)?;
            let options = annotations::read(&descriptor);
            Some((field, descriptor, options))
        })
        .collect();
    let mut said = fields.iter().filter(|(_, _, options)| options.subject == Some(true));
    if let Some((field, descriptor, _)) = said.next() {
        let spot = options::spot(report, descriptor, FIELD, &[Step::Field(SUBJECT)]);
        if let Some((_, another, _)) = said.next() {
            let spot = options::spot(report, another, FIELD, &[Step::Field(SUBJECT)]);
            report
                .error(&spot, format!("two fields say whose a {} is", head.short_name()))
                .because("a row is erased and exported with one person")
                .help("leave one of them out");
        }
        return of_field(report, head, resource, (field, &spot)).map(|way| (way, spot));
    }
    let is_caller =
        |field: &FieldModel| field.default.as_ref().is_some_and(|own| own.root == Expr::Auth(AuthName::Uid));
    let mut made_by = fields
        .iter()
        .filter(|(field, _, options)| options.subject.is_none() && is_caller(field) && is_text(resource, field));
    if let Some((field, descriptor, _)) = made_by.next() {
        let spot = options::spot(report, descriptor, FIELD, &[Step::Field("default")]);
        if made_by.next().is_none() {
            return Some((Way::Account { field: field.name.clone(), is_said: false }, spot));
        }
        if holds_classed(&head.message) {
            report
                .warning(&spot, format!("whose a {} is, is not said", head.short_name()))
                .because("two of its fields are the caller by default, and its fields with a class are erased with one person")
                .help("add subject: true to the one that says whose the row is");
        }
    }
    resource.parent.map(|resource| (Way::Parent { resource }, head.spot.clone()))
}

/// What a field that is said to say it leads to.
fn of_field(
    report: &mut Report<'_>,
    head: &Head,
    resource: &Resource,
    (field, spot): (&FieldModel, &Spot),
) -> Option<Way> {
    let name = field.name.clone();
    if let Some(reference) = resource.references.iter().find(|reference| reference.field == field.field_path) {
        return Some(Way::Row { field: name, resource: reference.resource });
    }
    if is_text(resource, field) {
        return Some(Way::Account { field: name, is_said: true });
    }
    report
        .error(spot, format!("{name} cannot say whose a {} is", head.short_name()))
        .because("that is a single text with an account's uid, a reference to an account, or one to a resource of the contract")
        .help("leave subject out, or put it on such a field");
    None
}

fn is_text(resource: &Resource, field: &FieldModel) -> bool {
    let [column] = field.columns[..] else { return false };
    field.children.is_empty() && resource.layout.columns.get(column).is_some_and(|column| column.kind == Kind::Text)
}

/// The names that lead from a row to the account; nothing where they lead to none.
fn path(index: usize, ways: &[Option<(Way, Spot)>], resources: &[Resource]) -> Option<Vec<String>> {
    let (mut at, mut names) = (index, Vec::new());
    // More steps than there are resources come back to one of them.
    for _ in 0..=resources.len() {
        match &ways.get(at)?.as_ref()?.0 {
            Way::Account { field, .. } => {
                names.push(field.clone());
                return Some(names);
            }
            Way::Row { field, resource } => {
                names.push(field.clone());
                at = *resource;
            }
            Way::Parent { resource } => {
                names.push(resources.get(*resource)?.variables.last()?.clone());
                at = *resource;
            }
        }
    }
    None
}

/// The rule that a row is the caller's.
fn source(way: &Way, path: &[String]) -> String {
    let row = if matches!(way, Way::Parent { .. }) { "" } else { "resource." };
    format!("{row}{} == auth.uid", path.join("."))
}

/// What lies below rows that are nobody's is nobody's. Who says that a row is somebody's means it.
fn refuse_way(report: &mut Report<'_>, head: &Head, way: &Way, spot: &Spot) {
    if let Way::Row { field, .. } = way {
        report
            .error(spot, format!("{field} does not say whose a {} is", head.short_name()))
            .because("it leads to rows that are nobody's, or back to where it began")
            .help("say of what it refers to whose that is: subject: true on the field with the account");
    }
}
