//! The methods that a caller may call by REST, as an OpenAPI 3.1 document: for people, for tools that make clients, and for those
//! that test.
//!
//! It is a view of the snapshot's bindings: what is not served is not in it. Types, constraints and comments are those of the
//! descriptors, linked anew each time a document is made, since requests never need their comments.
//!
//! ```text
//! Snapshot (bindings, files) --+--> Operations: path, parameters, body, answers, errors --> Schemas --> JSON
//! who may call what  ----------+
//! ```

mod comments;
mod errors;
mod json;
mod names;
mod operation;
mod parameters;
mod schema;
mod security;
mod status;

use std::collections::{HashMap, HashSet};

use http::Method as HttpMethod;
use mainstay_contract::{is_reserved_package, upstream_of};
use mainstay_fault::Fault;
use prost_reflect::{DescriptorPool, MethodDescriptor};

use self::comments::Comments;
use self::json::{Json, Object};
use self::names::{Path, Paths, Patterns, Services};
use self::operation::{Operations, Served};
use self::schema::{Examples, Schemas};
use crate::snapshot::{Binding, Body, Snapshot};

/// The version of OpenAPI that documents are written in.
const VERSION: &str = "3.1.0";

/// The methods that OpenAPI has a word for.
const METHODS: [(HttpMethod, &str); 7] = [
    (HttpMethod::GET, "get"),
    (HttpMethod::PUT, "put"),
    (HttpMethod::POST, "post"),
    (HttpMethod::DELETE, "delete"),
    (HttpMethod::OPTIONS, "options"),
    (HttpMethod::HEAD, "head"),
    (HttpMethod::PATCH, "patch"),
];

/// What a document is about.
pub struct Subject<'s> {
    pub snapshot: &'s Snapshot,
    /// What the application is called.
    pub title: &'s str,
    /// Which methods are in it, by path.
    pub shows: &'s dyn Fn(&str) -> bool,
    /// Which methods nobody has to sign in for.
    pub open: &'s dyn Fn(&str) -> bool,
}

/// Writes the document.
pub fn document(subject: &Subject<'_>) -> Result<Vec<u8>, Fault> {
    let pool = linked(subject.snapshot)?;
    let comments = Comments::of(&pool);
    let services = Services::of(&pool);
    let examples = Examples::of_pool(&pool);
    let upstream = |method: &MethodDescriptor| upstream_of(method.parent_service()).is_some();
    let mut schemas = Schemas::new(&pool, &comments, &upstream);
    let operations = Operations { comments: &comments, services: &services, examples: &examples, open: subject.open };
    let (served, stated) = served(subject, &pool);
    let mut paths = Object::new();
    for (binding, descriptor, path, which) in &served {
        let served = Served { binding, descriptor, path, which: *which };
        let operation = operations.operation(&served, &mut schemas);
        let is_stated = |method: &HttpMethod| stated.contains(&(path.text.clone(), method.clone()));
        put(paths.object_at(&path.text), binding, &is_stated, operation);
    }
    let (tags, groups) = tags(&served, &services, &comments);
    let mut components = Object::new();
    components.set("securitySchemes", security::schemes());
    if !paths.is_empty() {
        components.set("parameters", used_parameters(&served));
        components.set("responses", errors::shared());
        let mut all: Vec<(String, Json)> = schemas.finish(&examples).into_iter().collect();
        all.extend(status::schemas());
        components.set("schemas", all.into_iter().collect::<Object>());
    }
    let document = Object::new()
        .with("openapi", VERSION)
        .with("info", info(subject))
        .with("servers", vec![Object::new().with("url", "/").with("description", "This server")])
        .with("tags", tags)
        .with("x-tagGroups", groups)
        .with("paths", paths)
        .with("components", components);
    serde_json::to_vec(&document).map_err(Fault::internal)
}

/// The descriptors of all files, with their comments.
pub fn linked(snapshot: &Snapshot) -> Result<DescriptorPool, Fault> {
    let mut pool = DescriptorPool::new();
    for file in snapshot.files.iter() {
        pool.decode_file_descriptor_proto(file.clone()).map_err(Fault::internal)?;
    }
    Ok(pool)
}

fn info(subject: &Subject<'_>) -> Object {
    let about = "Errors are `google.rpc.Status` in JSON: their `ErrorInfo` has a reason that stays the same. A field that is unset, and \
                 one that is zero, is left out of answers; `$fields` asks for some fields only. Each method is also there over gRPC, \
                 gRPC-Web and Connect, under the name in `x-grpc-method`. What is shown is what the caller may call.";
    Object::new()
        .with("title", subject.title.to_owned())
        .with("version", subject.snapshot.revision.to_string())
        .with("description", about)
}

type Found<'s> = (&'s Binding, MethodDescriptor, Path, usize);
/// The HTTP methods that have a rule of their own at a path, whoever sees it.
type Stated = HashSet<(String, HttpMethod)>;

/// What is shown: the application's methods first, each rule with its path.
fn served<'s>(subject: &Subject<'s>, pool: &DescriptorPool) -> (Vec<Found<'s>>, Stated) {
    let patterns = Patterns::of(pool);
    let (mut paths, mut rules, mut stated) = (Paths::default(), HashMap::new(), Stated::new());
    let mut found: Vec<Found<'s>> = Vec::new();
    for binding in subject.snapshot.bindings() {
        // Names follow from all rules, so that everybody sees the same ones.
        let path = paths.of(&binding.template, &patterns);
        stated.extend(binding.http_method.clone().map(|method| (path.text.clone(), method)));
        let which = rules.entry(binding.method.path.clone()).and_modify(|count| *count += 1).or_insert(0_usize);
        // A stream of the client's messages has no REST form.
        if binding.method.client_streaming || !(subject.shows)(&binding.method.path) {
            continue;
        }
        if let Some(descriptor) = descriptor(pool, &binding.method.path) {
            found.push((binding, descriptor, path, *which));
        }
    }
    found.sort_by_key(|(_, descriptor, ..)| is_reserved_package(descriptor.parent_service().package_name()));
    (found, stated)
}

/// Finds a method by its path.
pub fn descriptor(pool: &DescriptorPool, path: &str) -> Option<MethodDescriptor> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    pool.get_service_by_name(service)?.methods().find(|known| known.name() == method)
}

/// Puts an operation into its path. What OpenAPI 3.1 has no word for goes where 3.2 has one; so does a rule of every HTTP method
/// where the one that stands for it has a rule of its own.
fn put(path: &mut Object, binding: &Binding, is_stated: &dyn Fn(&HttpMethod) -> bool, operation: Object) {
    let every = if matches!(binding.body, Body::None) { HttpMethod::GET } else { HttpMethod::POST };
    let method = binding.http_method.as_ref().or_else(|| Some(&every).filter(|every| !is_stated(every)));
    match METHODS.iter().find(|(known, _)| Some(known) == method) {
        Some((_, name)) => path.set(*name, operation),
        None => {
            let name = method.map_or("*", HttpMethod::as_str).to_owned();
            path.object_at("x-additionalOperations").set(name, operation);
        }
    }
}

/// A tag for each service, and a group of them for each package.
fn tags(served: &[Found<'_>], services: &Services, comments: &Comments) -> (Vec<Object>, Vec<Object>) {
    let mut tags: Vec<(String, Object)> = Vec::new();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for (_, descriptor, ..) in served {
        let service = descriptor.parent_service();
        let name = services.name(service);
        if tags.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let about = match comments.about(service) {
            "" => format!("The methods of `{}`.", service.full_name()),
            said => said.to_owned(),
        };
        tags.push((name.clone(), Object::new().with("name", name.clone()).with("description", about)));
        match groups.iter_mut().find(|(package, _)| package == service.package_name()) {
            Some((_, names)) => names.push(name),
            None => groups.push((service.package_name().to_owned(), vec![name])),
        }
    }
    let group = |(package, names): (String, Vec<String>)| Object::new().with("name", package).with("tags", names);
    (tags.into_iter().map(|(_, tag)| tag).collect(), groups.into_iter().map(group).collect())
}

/// The shared parameters that some operation has.
fn used_parameters(served: &[Found<'_>]) -> Object {
    let is_read = |binding: &Binding| binding.http_method == Some(HttpMethod::GET);
    let used = |name: &str| match name {
        "IfMatch" => served.iter().any(|(binding, ..)| !is_read(binding) && binding.etag.is_some()),
        "IfNoneMatch" => served.iter().any(|(binding, ..)| is_read(binding) && binding.method.etag.is_some()),
        _ => true,
    };
    parameters::SHARED
        .into_iter()
        .filter(|name| used(name))
        .map(|name| (name, parameters::shared_parameter(name)))
        .collect()
}
