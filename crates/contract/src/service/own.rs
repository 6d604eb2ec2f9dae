//! The application's own services: which upstream answers them, and who may call them.

use mainstay_expr::suggest;
use mainstay_record::role::is_role;
use prost_reflect::{DynamicMessage, MethodDescriptor, ServiceDescriptor, Value};

use super::http::Routes;
use crate::Roles;
use crate::callers::AUTH;
use crate::file::{Spot, tag};
use crate::options::{items, message_option};
use crate::report::Report;
use crate::text::Step;
use crate::upstream::{MAX_UPSTREAM_NAME_BYTES, UPSTREAM, is_upstream_name};

/// What the names of platform roles begin with, which nobody declares.
const OF_PLATFORM: &str = "mainstay.";

/// The parts of `(mainstay.v1.auth)`, one of which says who may call.
const PARTS: [&str; 4] = ["public", "authenticated", "roles", "rule"];

/// Checks a service that an upstream answers. Its methods may have any shape.
pub(super) fn check(
    report: &mut Report<'_>,
    service: &ServiceDescriptor,
    upstream: &str,
    (routes, roles): (&mut Routes, &Roles),
) {
    if !is_upstream_name(upstream) {
        let spot = report.option(service.parent_file().name(), service.path(), tag::SERVICE_OPTIONS, UPSTREAM, &[]);
        report
            .error(&spot, format!("`{upstream}` is no name for an upstream"))
            .because(format!(
                "it has lower-case letters, digits, and single `-` or `_` between them, begins with a letter, and has at most {MAX_UPSTREAM_NAME_BYTES} bytes"
            ))
            .help("for example option (mainstay.v1.upstream) = \"pricing\";");
    }
    for method in service.methods() {
        callers(report, &method, roles);
        routes.written(report, &method);
    }
}

/// Refuses what says who may call a method of a resource: its rules do.
pub(super) fn refuse_callers(report: &mut Report<'_>, method: &MethodDescriptor) {
    if stated(method).is_some() {
        let spot = spot(report, method, &[]);
        report
            .error(&spot, format!("({AUTH}) does not say who may call {}", method.full_name()))
            .because("the access rules of its resource do, row by row")
            .help("write the rule into (mainstay.v1.resource).access, and leave the option out");
    }
}

fn stated(method: &MethodDescriptor) -> Option<DynamicMessage> {
    message_option(method.parent_pool(), &method.options(), AUTH)
}

fn spot(report: &Report<'_>, method: &MethodDescriptor, steps: &[Step<'_>]) -> Spot {
    report.option(method.parent_service().parent_file().name(), method.path(), tag::METHOD_OPTIONS, AUTH, steps)
}

/// Checks that a method says who may call it, in one way.
fn callers(report: &mut Report<'_>, method: &MethodDescriptor, roles: &Roles) {
    let option = stated(method);
    let says = |part: &&str| option.as_ref().is_some_and(|option| is_said(option, part));
    let said: Vec<&str> = PARTS.into_iter().filter(says).collect();
    match (said.as_slice(), &option) {
        ([], _) => {
            let file = method.parent_service().parent_file();
            let spot = report.name(file.name(), method.path());
            report
                .warning(&spot, format!("nobody may call {}", method.full_name()))
                .because("it does not say who may, and what says nothing is refused")
                .help(format!("add option ({AUTH}) = {{authenticated: true}}; or public: true, or roles: \"…\""));
        }
        ([one], Some(option)) => {
            if *one == "roles" {
                known_roles(report, method, option, roles);
            }
        }
        (several, _) => {
            let spot = spot(report, method, &[]);
            report
                .error(&spot, format!("({AUTH}) says {} of {}", several.join(" and "), method.full_name()))
                .because("one of them says who may call it")
                .help("keep one; `roles` takes several, of which a caller needs one");
        }
    }
}

fn is_said(option: &DynamicMessage, part: &str) -> bool {
    match option.get_field_by_name(part).as_deref() {
        Some(Value::Bool(said)) => *said,
        Some(Value::String(said)) => !said.is_empty(),
        Some(Value::List(said)) => !said.is_empty(),
        _ => false,
    }
}

/// A role that nobody can have, or that the contract does not declare among others, lets nobody in.
fn known_roles(report: &mut Report<'_>, method: &MethodDescriptor, option: &DynamicMessage, declared: &Roles) {
    for (position, value) in items(option, "roles").iter().enumerate() {
        let Some(role) = value.as_str() else { continue };
        let spot = spot(report, method, &[Step::Item("roles", position)]);
        if !is_role(role) {
            report
                .error(&spot, format!("nobody can have the role '{role}'"))
                .because("the name of a role has lower-case letters, digits, `-`, `_` and single dots between them, 64 at most")
                .help("write the role that is meant");
        } else if !declared.is_empty() && declared.get(role).is_none() && !role.starts_with(OF_PLATFORM) {
            let known = declared.iter().map(|(name, _)| name);
            let help = suggest(role, known, "those that are declared are");
            report
                .warning(&spot, format!("the role '{role}' is not declared"))
                .because("the contract declares its roles with (mainstay.v1.roles), and has none of this name")
                .help(help.unwrap_or_else(|| "declare it".to_owned()));
        }
    }
}
