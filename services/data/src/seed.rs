//! Fills empty tables from a file: ProtoJSON records by message, created as the system through the same code as any other.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use mainstay_contract::{Resource, Role, Verb};
use mainstay_fault::Fault;
use mainstay_identity::Principal;
use mainstay_runtime::channel::Call;
use mainstay_wire::{Plans, frame};
use serde_json::Value as Json;

use crate::domain::ids::is_id;
use crate::plans::Snapshot;
use crate::service::Resources;

/// Why a seed was not taken. What stands before the record is stored; a second run goes on, table by table.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("the seed is not JSON of the form {{\"package.Message\": [{{…}}, …]}}")]
    Malformed(#[source] serde_json::Error),
    #[error("the contract has no resource {message}; the seed may name: {known}")]
    UnknownMessage { message: String, known: String },
    #[error("{message} number {index}: {problem}")]
    Record { message: String, index: usize, problem: String },
    #[error("the tables cannot be looked at")]
    Look(#[source] Fault),
}

/// Creates the records of each message whose table is empty: what others refer to or live under first, else in the order
/// of the file. A singleton, which is there when its parent is, is updated where its parent was seeded. Returns how many
/// records were made.
pub async fn seed(resources: &Arc<Resources>, text: &str) -> Result<usize, SeedError> {
    let file: Ordered = serde_json::from_str(text).map_err(SeedError::Malformed)?;
    let snapshot = resources.served.load();
    let plans = snapshot.json();
    let (mut made, mut filled) = (0, HashSet::new());
    for (message, records, methods) in in_order(&snapshot, file)? {
        let is_due = match &methods.list {
            Some(list) => is_empty(resources, &snapshot, methods.resource, list).await?,
            None => snapshot.contract.resources[methods.resource].parent.is_some_and(|it| filled.contains(&it)),
        };
        if !is_due {
            continue;
        }
        filled.insert(methods.resource);
        for (index, record) in records.iter().enumerate() {
            let problem = |problem: String| SeedError::Record { message: message.clone(), index: index + 1, problem };
            let is_tenant = snapshot.contract.resources[methods.resource].layout.is_tenant();
            let (principal, record) = whose(record, is_tenant).map_err(problem)?;
            let request = request(plans, &snapshot, &methods, &record).map_err(problem)?;
            let call = Call::new(methods.write.clone(), principal, request);
            resources.call(call).await.map_err(|fault| problem(words(&fault)))?;
            made += 1;
        }
    }
    Ok(made)
}

/// Where a record says which organisation it belongs to.
pub const ORGANISATION: &str = "$organisation";

/// On whose behalf a record is made, and what else it says.
fn whose(record: &Json, is_tenant: bool) -> Result<(Principal, Json), String> {
    let mut record = record.clone();
    let said = record.as_object_mut().and_then(|fields| fields.remove(ORGANISATION));
    match (said, is_tenant) {
        (None, false) => Ok((Principal::system(), record)),
        (Some(Json::String(organisation)), true) if is_id(&organisation) => {
            Ok((Principal::system().within(&organisation), record))
        }
        (_, true) => Err(format!("it belongs to an organisation: say which by its uid, \"{ORGANISATION}\": \"…\"")),
        (Some(_), false) => Err(format!("it belongs to no organisation: leave \"{ORGANISATION}\" out")),
    }
}

/// Puts the messages into an order in which each finds what it needs. Where they need each other, the file decides.
fn in_order(snapshot: &Snapshot, file: Ordered) -> Result<Vec<(String, Vec<Json>, Methods)>, SeedError> {
    let mut waiting = Vec::new();
    for (message, records) in file.0 {
        let methods = Methods::of(snapshot, &message)?;
        waiting.push((message, records, methods));
    }
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_ready = |methods: &Methods| {
            let resource = &snapshot.contract.resources[methods.resource];
            let references = resource.references.iter().map(|reference| reference.resource);
            let links = resource.links.iter().filter_map(|link| link.resource);
            let needed = references.chain(links).chain(resource.parent);
            needed
                .filter(|it| *it != methods.resource)
                .all(|it| waiting.iter().all(|(_, _, other)| other.resource != it))
        };
        let next = waiting.iter().position(|(_, _, methods)| is_ready(methods)).unwrap_or(0);
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}

struct Methods {
    resource: usize,
    /// Create, or Update of what is there with its parent.
    write: Arc<str>,
    input: String,
    /// Nothing where there is one below each parent.
    list: Option<Arc<str>>,
}

impl Methods {
    fn of(snapshot: &Snapshot, message: &str) -> Result<Methods, SeedError> {
        let contract = &snapshot.contract;
        let resource = contract.resources.iter().position(|resource| resource.message == message).ok_or_else(|| {
            let known: Vec<&str> = contract.resources.iter().map(|resource| resource.message.as_str()).collect();
            SeedError::UnknownMessage { message: message.to_owned(), known: known.join(", ") }
        })?;
        let method = |verb| contract.method(verb, resource);
        let singleton = contract.resources[resource].singleton;
        let write = method(if singleton { Verb::Update } else { Verb::Create });
        let list = method(Verb::List).map(|list| list.path.as_str().into());
        let Some(write) = write.filter(|_| singleton || list.is_some()) else {
            return Err(SeedError::UnknownMessage {
                message: message.to_owned(),
                known: "those with Create and List".into(),
            });
        };
        Ok(Methods { resource, write: write.path.as_str().into(), input: write.input.clone(), list })
    }
}

async fn is_empty(
    resources: &Resources,
    snapshot: &Snapshot,
    resource: usize,
    list: &Arc<str>,
) -> Result<bool, SeedError> {
    let (mut request, fields) = (Vec::new(), Verb::List.request());
    if let Some(parent) = &snapshot.resource(resource).parent {
        frame::put_bytes(fields.number(Role::Parent), parent.render(|_| "-").as_bytes(), &mut request);
    }
    frame::put_varint(fields.number(Role::PageSize), 1, &mut request);
    if snapshot.resource(resource).resource.soft_delete.is_some() {
        frame::put_varint(fields.number(Role::ShowDeleted), 1, &mut request);
    }
    let call = Call::new(Arc::clone(list), Principal::system(), Bytes::from(request));
    Ok(resources.call(call).await.map_err(SeedError::Look)?.is_empty())
}

/// Makes the request of a record.
fn request(plans: &Plans, snapshot: &Snapshot, methods: &Methods, record: &Json) -> Result<Bytes, String> {
    let resource = &snapshot.contract.resources[methods.resource];
    let request = match resource.singleton {
        true => serde_json::Map::from_iter([(resource.singular.clone(), record.clone())]),
        false => create_request(resource, record)?,
    };
    let id = plans.message(&methods.input).ok_or("the request type is unknown")?;
    let mut wire = Vec::new();
    let text = Json::Object(request).to_string();
    plans.from_json(id, text.as_bytes(), &mut wire, None).map_err(|error| error.to_string())?;
    Ok(wire.into())
}

/// The fields of a Create request for a record, whose `name` becomes the parent and the id.
///
/// # Errors
/// What is wrong with the name.
pub fn create_request(resource: &Resource, record: &Json) -> Result<serde_json::Map<String, Json>, String> {
    let mut body = record.clone();
    let name = body.as_object_mut().and_then(|fields| fields.remove("name"));
    let mut request = serde_json::Map::new();
    if let Some(Json::String(name)) = name {
        let parts = resource
            .template
            .parse(&name)
            .ok_or_else(|| format!("the name `{name}` does not have the form `{}`", resource.pattern))?;
        let (id, _) = parts.split_last().ok_or("the name has no id")?;
        request.insert(format!("{}_id", resource.singular), Json::String((*id).to_owned()));
        if let Some((parent, _)) = name.rsplit_once('/').and_then(|(rest, _)| rest.rsplit_once('/')) {
            request.insert("parent".into(), Json::String(parent.to_owned()));
        }
    }
    request.insert(resource.singular.clone(), body);
    Ok(request)
}

/// How the JSON of what is served is read and written.
pub fn plans(resources: &Resources) -> Arc<Plans> {
    Arc::clone(resources.served.load().json())
}

fn words(fault: &Fault) -> String {
    let violations = fault.violations().iter().map(|v| format!("{} {}", v.field, v.description));
    std::iter::once(fault.text().to_owned()).chain(violations).collect::<Vec<_>>().join("; ")
}

/// A JSON object whose keys keep the order in which they are written.
struct Ordered(Vec<(String, Vec<Json>)>);

impl<'de> serde::Deserialize<'de> for Ordered {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Ordered, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Ordered;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with a list of records for each message")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut entries: Vec<(String, Vec<Json>)> = Vec::new();
                let mut seen: BTreeMap<String, ()> = BTreeMap::new();
                while let Some((message, records)) = map.next_entry::<String, Vec<Json>>()? {
                    if seen.insert(message.clone(), ()).is_some() {
                        return Err(serde::de::Error::custom(format!("{message} stands twice")));
                    }
                    entries.push((message, records));
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
