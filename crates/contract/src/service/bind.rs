//! Which methods serve which resource: those of written services by their shape, else those of the derived one.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use mainstay_expr::nearest;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor, MethodDescriptor};

use crate::capabilities;
use crate::file::Spot;
use crate::method::input::Input;
use crate::method::{Answer, Fields, Verb};
use crate::options::message_option;
use crate::report::Report;
use crate::resource::head::Head;
use crate::service::derive;
use crate::service::http::Routes;
use crate::service::own;
use crate::upstream::upstream_of;
use crate::{Method, Roles, Shape};

/// The methods of all resources, and those resources (by position) whose service is to be derived.
#[derive(Default)]
pub(crate) struct Bound {
    pub methods: Vec<BoundMethod>,
    pub derived: Vec<usize>,
    /// The services that upstreams answer, by their names.
    pub own: Vec<String>,
}

/// A method of a resource by its names. What it is stands in the descriptors, once all of them are linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BoundMethod {
    pub service: String,
    pub name: String,
    pub verb: Verb,
    pub resource: usize,
}

impl Bound {
    /// Enters the methods into the table.
    pub(crate) fn table(self, pool: &DescriptorPool) -> Vec<Method> {
        let methods = self.methods.into_iter().filter_map(|BoundMethod { service, name, verb, resource }| {
            let service = pool.get_service_by_name(&service)?;
            let method = service.methods().find(|method| method.name() == name)?;
            Some(Method::of(&method, Shape::Resource { verb, resource }))
        });
        let own = self.own.iter().filter_map(|service| pool.get_service_by_name(service));
        let own = own.flat_map(|service| service.methods().collect::<Vec<_>>());
        methods.chain(own.map(|method| Method::of(&method, Shape::Own))).collect()
    }
}

/// Binds written methods and says what is to be derived. Derived names that are taken are reported.
pub(crate) fn bind(report: &mut Report<'_>, pool: &DescriptorPool, heads: &[Head], roles: &Roles) -> Bound {
    let mut found: Vec<BoundMethod> = Vec::new();
    // Resources that a written method is about, even one of the wrong shape.
    let mut written: HashSet<usize> = HashSet::new();
    let standard = standard_methods(heads);
    let mut routes = Routes::default();
    let mut own = Vec::new();
    for service in pool.services().filter(|service| report.files.index(service.parent_file().name()).is_some()) {
        if let Some(upstream) = upstream_of(&service) {
            own::check(report, &service, &upstream, (&mut routes, roles));
            own.push(service.full_name().to_owned());
            continue;
        }
        for method in service.methods() {
            own::refuse_callers(report, &method);
            let Some((resource, bound)) = one(report, heads, &standard, &mut routes, &method) else { continue };
            written.insert(resource);
            let Some(bound) = bound else { continue };
            let same = |other: &&BoundMethod| (other.resource, other.verb) == (resource, bound.verb);
            match found.iter().find(same) {
                Some(other) => refuse_second(report, &method, other),
                None => found.push(bound),
            }
        }
    }
    let derived: Vec<usize> = (0..heads.len()).filter(|resource| !written.contains(resource)).collect();
    check_names(report, pool, heads, &derived);
    for resource in &derived {
        routes.derived(report, &heads[*resource]);
        found.extend(derived_methods(&heads[*resource], *resource));
    }
    routes.finish(report);
    found.sort_by_key(|method| method.resource);
    Bound { methods: found, derived, own }
}

fn refuse_second(report: &mut Report<'_>, method: &MethodDescriptor, first: &BoundMethod) {
    let spot = name_spot(report, method);
    let path = |service: &str, name: &str| format!("/{service}/{name}");
    let (this, first) = (path(method.parent_service().full_name(), method.name()), path(&first.service, &first.name));
    report
        .error(&spot, format!("{this} serves what {first} serves"))
        .because("a resource has one method of each kind")
        .help("remove one of the two");
}

fn derived_methods(head: &Head, resource: usize) -> impl Iterator<Item = BoundMethod> {
    let service = format!("{}.{}", head.package(), head.service_name());
    Verb::of(head).map(move |verb| BoundMethod {
        service: service.clone(),
        name: verb.method_name(head),
        verb,
        resource,
    })
}

/// The standard methods of all resources, by package and name.
fn standard_methods(heads: &[Head]) -> HashMap<String, (usize, Verb)> {
    let all = heads.iter().enumerate().flat_map(|(resource, head)| {
        Verb::of(head).map(move |verb| (format!("{}.{}", head.package(), verb.method_name(head)), (resource, verb)))
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
    standard: &HashMap<String, (usize, Verb)>,
    routes: &mut Routes,
    method: &MethodDescriptor,
) -> Option<(usize, Option<BoundMethod>)> {
    let spot = name_spot(report, method);
    if method.is_client_streaming() || method.is_server_streaming() {
        capabilities::refuse(report, &spot, "streaming methods", &format!("{}, which streams,", method.full_name()));
        return None;
    }
    let name = format!("{}.{}", method.parent_service().package_name(), method.name());
    let Some((resource, verb)) = standard.get(&name).copied() else {
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
    check_message(report, &method.input(), (verb.request(), &verb.inputs(head)), head, method.name());
    check_answer(report, method, verb, head);
    routes.written(report, method);
    let bound = (report.errors() == before).then(|| {
        warn_without_route(report, method, verb, head);
        let service = method.parent_service().full_name().to_owned();
        BoundMethod { service, name: method.name().to_owned(), verb, resource }
    });
    Some((resource, bound))
}

fn warn_without_route(report: &mut Report<'_>, method: &MethodDescriptor, verb: Verb, head: &Head) {
    if message_option(method.parent_pool(), &method.options(), "google.api.http").is_none() {
        let spot = name_spot(report, method);
        report
            .warning(&spot, format!("{} has no REST route", method.full_name()))
            .because("a written method has the routes that google.api.http gives it")
            .help(format!("add option (google.api.http) = {};", verb.route(head)));
    }
}

fn check_answer(report: &mut Report<'_>, method: &MethodDescriptor, verb: Verb, head: &Head) {
    let answer = method.output();
    if let Answer::Passages(_, element) = &verb.definition().answer
        && let Some(Kind::Message(message)) = answer.get_field_by_name("transitions").map(|field| field.kind())
    {
        check_message(report, &message, (element, &[]), head, method.name());
    }
    if let Answer::Own(fields) | Answer::Passages(fields, _) = &verb.definition().answer {
        return check_message(report, &answer, (fields, &[]), head, method.name());
    }
    let wanted = verb.output(head);
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
    (wanted, inputs): (&Fields, &[Input<'_>]),
    head: &Head,
    method: &str,
) {
    let file = message.parent_file();
    for field in message.fields() {
        let spot = report.name(file.name(), field.path());
        if let Some(input) = inputs.iter().find(|input| input.0.name() == field.name()) {
            if !input.fits(&field) {
                refuse_shape(report, &spot, (field.name(), method), &input.line());
            }
            continue;
        }
        let Some(standard) = wanted.list.iter().find(|standard| standard.role.name(head) == field.name()) else {
            let mut names: Vec<_> = wanted.list.iter().map(|field| field.role.name(head)).collect();
            names.extend(inputs.iter().map(|input| Cow::Borrowed(input.0.name())));
            report
                .error(&spot, format!("{method} has no field `{}`", field.name()))
                .because(format!("the fields of the standard method are {}", names.join(", ")))
                .help(match nearest(field.name(), names.iter().map(AsRef::as_ref)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "remove the field".to_owned(),
                });
            continue;
        };
        if field.number() != standard.number || !standard.role.ty().fits(&field, head) {
            refuse_shape(report, &spot, (field.name(), method), &standard.line(head));
        }
    }
    let needed = wanted.list.iter().filter(|standard| standard.needed);
    let needed = needed.map(|standard| (standard.role.name(head), standard.line(head)));
    let given = inputs.iter().filter(|input| input.is_required());
    for (name, line) in needed.chain(given.map(|input| (Cow::Borrowed(input.0.name()), input.line()))) {
        if message.get_field_by_name(&name).is_none() {
            let spot = report.name(file.name(), message.path());
            report
                .error(&spot, format!("{} has no field `{name}`", message.full_name()))
                .because(format!("{method} needs it"))
                .help(format!("add `{line}`"));
        }
    }
}

fn refuse_shape(report: &mut Report<'_>, spot: &Spot, (field, method): (&str, &str), line: &str) {
    report
        .error(spot, format!("`{field}` of {method} has not the standard shape"))
        .because("clients of every Mainstay find each standard field under the same number")
        .help(format!("write `{line}`"));
}

/// Names that a derived file would declare must be free.
fn check_names(report: &mut Report<'_>, pool: &DescriptorPool, heads: &[Head], derived: &[usize]) {
    let mut names: HashSet<String> = HashSet::new();
    for head in derived.iter().map(|resource| &heads[*resource]) {
        let mut declared = vec![head.service_name()];
        for verb in Verb::of(head) {
            declared.extend(verb.messages(head).into_iter().map(|message| message.name));
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

/// Says whether the written files declare something of a full name.
pub(super) fn is_declared(pool: &DescriptorPool, name: &str) -> bool {
    pool.get_message_by_name(name).is_some()
        || pool.get_enum_by_name(name).is_some()
        || pool.get_service_by_name(name).is_some()
        || pool.get_extension_by_name(name).is_some()
}
