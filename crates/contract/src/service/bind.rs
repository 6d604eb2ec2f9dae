//! Which methods serve which resource: those of written services by their shape, else those of the derived one.

use std::collections::{HashMap, HashSet};

use mainstay_expr::nearest;
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor, ServiceDescriptor};

use crate::capabilities;
use crate::file::Spot;
use crate::options::message_option;
use crate::report::Report;
use crate::resource::head::Head;
use crate::service::derive;
use crate::service::http::Routes;
use crate::service::shape::{self, StandardField};
use crate::{Method, Service, Standard};

/// The services of all resources, and those resources (by position) whose service is to be derived.
#[derive(Default)]
pub(crate) struct Bound {
    pub services: Vec<Service>,
    pub derived: Vec<usize>,
}

/// Binds written methods and says what is to be derived. Derived names that are taken are reported.
pub(crate) fn bind(report: &mut Report<'_>, pool: &DescriptorPool, heads: &[Head]) -> Bound {
    let mut found: Vec<Vec<Service>> = vec![Vec::new(); heads.len()];
    let mut taken: HashMap<(usize, Standard), String> = HashMap::new();
    // Resources that a written method is about, even one of the wrong shape.
    let mut written: HashSet<usize> = HashSet::new();
    let standard = standard_methods(heads);
    let mut routes = Routes::default();
    for service in pool.services().filter(|service| report.files.index(service.parent_file().name()).is_some()) {
        for method in service.methods() {
            let Some((resource, bound)) = one(report, heads, &standard, &mut routes, &method) else { continue };
            written.insert(resource);
            let Some(bound) = bound else { continue };
            if let Some(other) = taken.insert((resource, bound.kind), bound.path.clone()) {
                let spot = name_spot(report, &method);
                report
                    .error(&spot, format!("{} serves what {other} serves", bound.path))
                    .because("a resource has one method of each kind")
                    .help("remove one of the two");
                continue;
            }
            add(&mut found[resource], &service, resource, bound);
        }
    }
    let derived: Vec<usize> = (0..heads.len()).filter(|resource| !written.contains(resource)).collect();
    check_names(report, pool, heads, &derived);
    for resource in &derived {
        routes.derived(report, &heads[*resource]);
        found[*resource].push(derived_service(heads, *resource));
    }
    routes.finish(report);
    Bound { services: found.into_iter().flatten().collect(), derived }
}

fn add(services: &mut Vec<Service>, descriptor: &ServiceDescriptor, resource: usize, method: Method) {
    match services.iter_mut().find(|service| service.full_name == descriptor.full_name()) {
        Some(service) => service.methods.push(method),
        None => services.push(Service {
            full_name: descriptor.full_name().to_owned(),
            resource,
            methods: vec![method],
            written: true,
        }),
    }
}

fn derived_service(heads: &[Head], resource: usize) -> Service {
    let head = &heads[resource];
    let package = head.package();
    let full_name = format!("{package}.{}", shape::service_name(head));
    let methods = shape::ALL.into_iter().map(|kind| {
        let name = shape::method_name(kind, head);
        let output = match kind {
            Standard::List => format!("{package}.{name}Response"),
            _ => shape::answer(kind, head).to_owned(),
        };
        Method { path: format!("/{full_name}/{name}"), kind, input: format!("{package}.{name}Request"), output, name }
    });
    Service { methods: methods.collect(), full_name: full_name.clone(), resource, written: false }
}

/// The standard methods of all resources, by package and name.
fn standard_methods(heads: &[Head]) -> HashMap<String, (usize, Standard)> {
    let all = heads.iter().enumerate().flat_map(|(resource, head)| {
        shape::ALL.map(|kind| (format!("{}.{}", head.package(), shape::method_name(kind, head)), (resource, kind)))
    });
    all.collect()
}

fn name_spot(report: &Report<'_>, method: &MethodDescriptor) -> Spot {
    report.name(method.parent_service().parent_file().name(), method.path())
}

/// Binds one written method: the resource that it is about, and the method if its shape is right.
fn one(
    report: &mut Report<'_>,
    heads: &[Head],
    standard: &HashMap<String, (usize, Standard)>,
    routes: &mut Routes,
    method: &MethodDescriptor,
) -> Option<(usize, Option<Method>)> {
    let spot = name_spot(report, method);
    if method.is_client_streaming() || method.is_server_streaming() {
        capabilities::refuse(report, &spot, "streaming methods", &format!("{}, which streams,", method.full_name()));
        return None;
    }
    let name = format!("{}.{}", method.parent_service().package_name(), method.name());
    let Some((resource, kind)) = standard.get(&name).copied() else {
        let what = format!("{}, which is no standard method of a resource of its package,", method.full_name());
        let package = format!("{}.", method.parent_service().package_name());
        let known = standard.keys().filter_map(|name| name.strip_prefix(&package)).filter(|name| !name.contains('.'));
        match nearest(method.name(), known) {
            Some(near) => {
                report.unsupported(&spot, what).help(format!("did you mean `{near}`?"));
            }
            None => {
                capabilities::refuse(report, &spot, "methods of other shapes", &what);
            }
        }
        return None;
    };
    let head = &heads[resource];
    let before = report.errors();
    check_request(report, method, kind, head);
    check_answer(report, method, kind, head);
    routes.written(report, method);
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let bound = (report.errors() == before).then(|| {
        warn_without_route(report, method, kind, head);
        let (input, output) = (method.input().full_name().to_owned(), method.output().full_name().to_owned());
        Method { name: method.name().to_owned(), path, kind, input, output }
    });
    Some((resource, bound))
}

fn warn_without_route(report: &mut Report<'_>, method: &MethodDescriptor, kind: Standard, head: &Head) {
    if message_option(method.parent_pool(), &method.options(), "google.api.http").is_none() {
        let spot = name_spot(report, method);
        report
            .warning(&spot, format!("{} has no REST route", method.full_name()))
            .because("a written method has the routes that google.api.http gives it")
            .help(format!("add option (google.api.http) = {};", derive::route(head, kind)));
    }
}

fn check_request(report: &mut Report<'_>, method: &MethodDescriptor, kind: Standard, head: &Head) {
    check_message(report, &method.input(), &shape::request(kind, head), head, method.name());
}

fn check_answer(report: &mut Report<'_>, method: &MethodDescriptor, kind: Standard, head: &Head) {
    let answer = method.output();
    if kind == Standard::List {
        return check_message(report, &answer, &shape::list_answer(head), head, method.name());
    }
    let wanted = shape::answer(kind, head);
    if answer.full_name() != wanted {
        let file = method.parent_service().parent_file();
        let path = crate::file::join(method.path(), &[METHOD_OUTPUT]);
        let spot = report.element(file.name(), &path);
        report
            .error(&spot, format!("{} answers {}", method.name(), answer.full_name()))
            .because(format!("the standard method answers {wanted}"))
            .help(format!("write returns ({wanted})"));
    }
}

/// Number of `output_type` in `MethodDescriptorProto`.
const METHOD_OUTPUT: i32 = 3;

/// A written request or answer has the standard's fields under the standard's numbers; those that are not needed may be
/// left out, others may not be there.
fn check_message(
    report: &mut Report<'_>,
    message: &MessageDescriptor,
    wanted: &[StandardField],
    head: &Head,
    method: &str,
) {
    let file = message.parent_file();
    for field in message.fields() {
        let spot = report.name(file.name(), field.path());
        let Some(standard) = wanted.iter().find(|standard| standard.name == field.name()) else {
            let names: Vec<&str> = wanted.iter().map(|field| field.name.as_str()).collect();
            report
                .error(&spot, format!("{method} has no field `{}`", field.name()))
                .because(format!("the fields of the standard method are {}", names.join(", ")))
                .help(match nearest(field.name(), names.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "remove the field".to_owned(),
                });
            continue;
        };
        if field.number() != standard.number || !shape::fits(&field, standard, head) {
            let line = format!("{} {} = {};", shape::written_type(standard.ty, head), standard.name, standard.number);
            report
                .error(&spot, format!("`{}` of {method} has not the standard shape", field.name()))
                .because("clients of every Mainstay find each standard field under the same number")
                .help(format!("write `{line}`"));
        }
    }
    for standard in wanted.iter().filter(|standard| standard.needed) {
        if message.get_field_by_name(&standard.name).is_none() {
            let line = format!("{} {} = {};", shape::written_type(standard.ty, head), standard.name, standard.number);
            let spot = report.name(file.name(), message.path());
            report
                .error(&spot, format!("{} has no field `{}`", message.full_name(), standard.name))
                .because(format!("{method} needs it"))
                .help(format!("add `{line}`"));
        }
    }
}

/// Names that a derived file would declare must be free.
fn check_names(report: &mut Report<'_>, pool: &DescriptorPool, heads: &[Head], derived: &[usize]) {
    let mut names: HashSet<String> = HashSet::new();
    for head in derived.iter().map(|resource| &heads[*resource]) {
        let mut declared = vec![shape::service_name(head)];
        for kind in shape::ALL {
            let method = shape::method_name(kind, head);
            declared.push(format!("{method}Request"));
            declared.extend((kind == Standard::List).then(|| format!("{method}Response")));
        }
        for name in declared.into_iter().map(|name| format!("{}.{name}", head.package())) {
            let written = is_declared(pool, &name);
            if written || !names.insert(name.clone()) {
                let who = if written { "your files declare" } else { "another resource gives rise to" };
                report
                    .error(&head.spot, format!("{} gives rise to {name}, which is taken", head.message.full_name()))
                    .because(format!("{who} something of that name"))
                    .help("rename one of the two, or declare the whole service with the standard shape");
            }
        }
        let path = derive::path(head);
        if report.files.index(&path).is_some() {
            report
                .error(&head.spot, format!("the derived service's file would be {path}, which is taken"))
                .because("a file of the contract has that path")
                .help("rename the file");
        }
    }
}

fn is_declared(pool: &DescriptorPool, name: &str) -> bool {
    pool.get_message_by_name(name).is_some()
        || pool.get_enum_by_name(name).is_some()
        || pool.get_service_by_name(name).is_some()
        || pool.get_extension_by_name(name).is_some()
}
