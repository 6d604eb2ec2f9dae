//! Requests of every method of a contract, made of what its table of methods and its descriptors say: a method that comes
//! joins by itself, and a field that nobody has values for fails here.

use mainstay_contract::commit::Operation;
use mainstay_contract::{Method, Model, Resource, Shape};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};

/// Stands for the etag that the row has which the same message names.
pub const ETAG: &str = "{etag}";

/// What requests are made of beside what the contract says.
pub struct Words {
    /// Names of rows, there or not, by the resource's message; the first is a row that everybody who is asked for may read.
    pub names: &'static [(&'static str, &'static [&'static str])],
    /// Texts for fields of these names.
    pub texts: &'static [(&'static str, &'static [&'static str])],
    /// Ids for new rows.
    pub ids: &'static [&'static str],
}

/// A request of a method.
#[derive(Debug, Clone)]
pub struct Request {
    /// `shop.v1.ProductService/GetProduct`
    pub method: String,
    pub message: Json,
    /// Whether the message says `validate_only`, or does nothing anyway.
    pub is_dry: bool,
}

/// Derives the requests of all methods. Those that can be tried without doing anything are asked for with `dry`.
pub fn requests(contract: &Model, pool: &DescriptorPool, words: &Words, dry: bool) -> Vec<Request> {
    let derivation = Derivation { contract, pool, words };
    contract.methods.iter().flat_map(|method| derivation.of_method(method, dry)).collect()
}

struct Derivation<'d> {
    contract: &'d Model,
    pool: &'d DescriptorPool,
    words: &'d Words,
}

/// What a message is about.
#[derive(Clone, Copy)]
enum About<'d> {
    Resource(&'d Resource),
    Commit(usize),
}

impl<'d> Derivation<'d> {
    fn of_method(&self, method: &Method, dry: bool) -> Vec<Request> {
        let about = match method.shape {
            Shape::Resource { resource, .. } => About::Resource(&self.contract.resources[resource]),
            Shape::Commit { commit } => About::Commit(commit),
            Shape::Own => return Vec::new(),
        };
        let input = self.pool.get_message_by_name(&method.input).unwrap();
        let can_be_dry = input.get_field_by_name("validate_only").is_some();
        let mut messages = self.messages(&input, about, true);
        if dry && can_be_dry {
            messages.iter_mut().for_each(|message| message["validate_only"] = json!(true));
        }
        assert!(!messages.is_empty(), "no request of {}", method.path);
        let method = method.path.trim_start_matches('/').to_owned();
        let is_dry = |message: &Json| !can_be_dry || message.get("validate_only") == Some(&json!(true));
        let request = |message: Json| Request { method: method.clone(), is_dry: is_dry(&message), message };
        messages.into_iter().map(request).collect()
    }

    /// A message with what it needs, with each value of each of its fields, and, where it stands alone, with each value of what
    /// it is about beside each of the other fields.
    fn messages(&self, message: &MessageDescriptor, about: About<'d>, alone: bool) -> Vec<Json> {
        let fields: Vec<(FieldDescriptor, Vec<Json>)> =
            message.fields().map(|field| (field.clone(), self.values(&field, about))).collect();
        let is_needed = |field: &FieldDescriptor| {
            let is_body = matches!(about, About::Resource(resource) if field.name() == resource.singular);
            is_body || matches!(field.name(), "name" | "names" | "requests" | "writes" | "parent")
        };
        let mut base = Map::new();
        for (field, values) in fields.iter().filter(|(field, _)| is_needed(field)) {
            base.extend(values.first().map(|value| (field.name().to_owned(), value.clone())));
        }
        let with = |base: &Map<String, Json>, field: &FieldDescriptor, value: &Json| {
            let mut message = base.clone();
            message.insert(field.name().to_owned(), value.clone());
            message
        };
        let mut made = vec![base.clone()];
        for (field, values) in &fields {
            made.extend(values.iter().map(|value| with(&base, field, value)));
        }
        for (first, values) in fields.iter().filter(|(field, _)| alone && is_needed(field)) {
            for value in values.iter().skip(1) {
                let base = with(&base, first, value);
                let others = fields.iter().filter(|(field, _)| !is_needed(field) && !is_about_the_call(field));
                for (field, values) in others {
                    made.extend(values.first().map(|value| with(&base, field, value)));
                }
            }
        }
        made.into_iter().map(Json::Object).collect()
    }

    /// What a field of a request may hold, the best first.
    fn values(&self, field: &FieldDescriptor, about: About<'d>) -> Vec<Json> {
        let About::Resource(resource) = about else { return self.values_of_commit(field, about) };
        let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
        let names = self.names(resource);
        match field.name() {
            "name" => texts(names),
            "parent" => self.parents(resource),
            "names" => lists(&texts(names)),
            "etag" => texts(&[ETAG, "stale"]),
            "request_id" => texts(&["derived", "no id"]),
            "update_mask" => {
                let mut masks = texts(&["*", "nothing", "name"]);
                masks.extend(self.fields(resource).map(|field| json!(field.json_name())));
                masks
            }
            "allow_missing" | "force" | "validate_only" | "show_deleted" => vec![json!(true)],
            "page_size" => vec![json!(1), json!(-1), json!(1000)],
            "page_token" => texts(&["AAAA"]),
            "search" => texts(&["x"]),
            "filter" => self.filters(resource),
            "expand" => self.expansions(resource).iter().map(|path| json!(in_json(path))).collect(),
            "order_by" => self.fields(resource).map(|field| json!(format!("{} desc", field.name()))).collect(),
            "transforms" => self.transforms(resource),
            "requests" => lists(&self.messages(&message_of(field), about, false)),
            name if name == format!("{}_id", resource.singular) => texts(self.words.ids),
            name if name == resource.singular => self.bodies(field, resource),
            // What is given with a transition is a field of the resource.
            name if resource.transitions.iter().flat_map(|own| &own.inputs).any(|input| input.name == name) => {
                self.contents(resource, field, name)
            }
            _ => panic!("nobody says what {} may hold", field.full_name()),
        }
    }

    fn values_of_commit(&self, field: &FieldDescriptor, about: About<'d>) -> Vec<Json> {
        let About::Commit(commit) = about else { return Vec::new() };
        let commit = &self.contract.commits[commit];
        match field.name() {
            "writes" => {
                let write = message_of(field);
                let writes = commit.operations.iter().flat_map(|operation| self.writes(&write, operation));
                let mut values: Vec<Json> = writes.map(|write| json!([write])).collect();
                values.extend(self.labelled(&write, &commit.operations));
                values
            }
            "preconditions" => {
                let names = commit.resources().flat_map(|resource| self.names(&self.contract.resources[resource]));
                let conditions =
                    [json!({"exists": true}), json!({"exists": false}), json!({"etag": ETAG}), json!({"etag": "x"})];
                let each = names.flat_map(|name| {
                    conditions.iter().map(move |condition| {
                        let mut condition = condition.clone();
                        condition["name"] = json!(name);
                        json!([condition])
                    })
                });
                each.collect()
            }
            "request_id" => vec![json!("derived")],
            "validate_only" => vec![json!(true)],
            _ => panic!("nobody says what {} may hold", field.full_name()),
        }
    }

    /// The writes that are one operation.
    fn writes(&self, write: &MessageDescriptor, operation: &Operation) -> Vec<Json> {
        let field = write.get_field(operation.number).unwrap();
        let about = About::Resource(&self.contract.resources[operation.resource]);
        let inner = self.messages(&message_of(&field), about, false);
        inner.into_iter().map(|message| json!({field.name(): message})).collect()
    }

    /// Each operation, behind one that has a label, which it uses wherever a name may stand.
    fn labelled(&self, write: &MessageDescriptor, operations: &[Operation]) -> Vec<Json> {
        let mut made = Vec::new();
        for first in operations {
            let mut firsts = self.writes(write, first).into_iter();
            let Some(mut one) = firsts.next() else { continue };
            one["label"] = json!("it");
            for second in operations {
                let field = write.get_field(second.number).unwrap();
                let resource = &self.contract.resources[second.resource];
                if message_of(&field).get_field_by_name(&resource.singular).is_none() {
                    continue;
                }
                let own = self.names(resource)[0];
                let is_below = message_of(&field).get_field_by_name("parent").is_some();
                if is_below && resource.parent == Some(first.resource) {
                    made.push(json!([one, {field.name(): {"parent": "$it", resource.singular.as_str(): {}}}]));
                }
                for reference in resource.references.iter().filter(|reference| reference.resource == first.resource) {
                    let mut body = json!({"name": own});
                    let mut at = &mut body;
                    for part in reference.field.split('.') {
                        at = &mut at[part];
                    }
                    *at = json!("$it");
                    made.push(json!([one, {field.name(): {resource.singular.as_str(): body}}]));
                }
            }
        }
        made
    }

    fn names(&self, resource: &Resource) -> &'static [&'static str] {
        let is_it = |(message, _): &&(&str, &[&str])| resource.message.ends_with(&format!(".{message}"));
        self.words.names.iter().find(is_it).unwrap_or_else(|| panic!("no names for {}", resource.message)).1
    }

    fn parents(&self, resource: &Resource) -> Vec<Json> {
        match resource.parent {
            Some(parent) => {
                let names = self.names(&self.contract.resources[parent]);
                names.iter().map(|name| json!(name)).chain([json!("-")]).collect()
            }
            None => Vec::new(),
        }
    }

    /// The fields of the resource, without those that name it.
    fn fields(&self, resource: &Resource) -> impl Iterator<Item = FieldDescriptor> + use<> {
        let message = self.pool.get_message_by_name(&resource.message).unwrap();
        message.fields().filter(|field| !matches!(field.name(), "name" | "etag")).collect::<Vec<_>>().into_iter()
    }

    /// The resource as it is sent: where it is to be changed, under each name, and with each value of each field.
    fn bodies(&self, field: &FieldDescriptor, resource: &Resource) -> Vec<Json> {
        let is_new = field.parent_message().get_field_by_name("update_mask").is_none();
        let name = self.names(resource)[0];
        let mut bodies = vec![if is_new { json!({}) } else { json!({"name": name}) }];
        if !is_new {
            let others = self.names(resource).iter();
            bodies.extend(others.clone().skip(1).map(|name| json!({"name": name})));
            if resource.etag_field.is_some() {
                bodies.extend(others.map(|name| json!({"name": name, "etag": ETAG})));
            }
        }
        for field in self.fields(resource) {
            for value in self.contents(resource, &field, field.name()) {
                let mut body = bodies[0].clone();
                body[field.name()] = value;
                bodies.push(body);
            }
        }
        bodies
    }

    /// What a field of a resource may hold.
    fn contents(&self, resource: &Resource, field: &FieldDescriptor, path: &str) -> Vec<Json> {
        if let Some(reference) = resource.references.iter().find(|reference| reference.field == path) {
            let target = &self.contract.resources[reference.resource];
            return self.names(target).iter().map(|name| json!(name)).collect();
        }
        if let Some(target) = resource.links.iter().find(|link| link.field == path).and_then(|link| link.resource) {
            let names = self.names(&self.contract.resources[target]).iter();
            return names.map(|name| if field.is_list() { json!([name]) } else { json!(name) }).collect();
        }
        let texts = self.words.texts.iter().find(|(name, _)| *name == field.name());
        let one = match field.kind() {
            Kind::String => texts.map_or(vec![json!("x")], |(_, texts)| texts.iter().map(|text| json!(text)).collect()),
            Kind::Bool => vec![json!(true)],
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Timestamp" => {
                vec![json!("2030-01-01T00:00:00Z")]
            }
            Kind::Message(inner) => inner
                .fields()
                .flat_map(|below| {
                    let contents = self.contents(resource, &below, &format!("{path}.{}", below.name()));
                    contents.into_iter().map(move |value| json!({below.name(): value})).collect::<Vec<_>>()
                })
                .collect(),
            _ => vec![json!(2), json!(-1)],
        };
        if field.is_list() { vec![Json::Array(one)] } else { one }
    }

    /// Conditions on each field, and on each field behind a reference.
    fn filters(&self, resource: &Resource) -> Vec<Json> {
        let mut all = Vec::new();
        let mut conditions = |path: &str, field: &FieldDescriptor| {
            all.push(format!("{path}:*"));
            for (_, texts) in self.words.texts.iter().filter(|(name, _)| *name == field.name()) {
                all.extend(texts.iter().map(|text| format!("NOT {path} = \"{text}\"")));
            }
        };
        for field in self.fields(resource) {
            conditions(field.name(), &field);
        }
        let single = resource.references.iter().map(|reference| (&reference.field, reference.resource));
        let listed = resource.links.iter().filter_map(|link| Some((&link.field, link.resource?)));
        for (way, target) in single.chain(listed) {
            for field in self.fields(&self.contract.resources[target]) {
                conditions(&format!("{way}.{}", field.name()), &field);
            }
        }
        all.into_iter().map(|filter| json!(filter)).collect()
    }

    /// The ways through references, of one hop and of two, to everything behind them and to each field.
    fn expansions(&self, resource: &Resource) -> Vec<String> {
        let ways = |resource: &Resource| -> Vec<(String, usize)> {
            let single = resource.references.iter().map(|to| (to.field.clone(), to.resource));
            let listed = resource.links.iter().filter_map(|to| Some((to.field.clone(), to.resource?)));
            single.chain(listed).collect()
        };
        let mut all = vec!["nothing".to_owned()];
        for (way, target) in ways(resource) {
            let target = &self.contract.resources[target];
            all.push(way.clone());
            all.extend(self.fields(target).map(|field| format!("{way}.{}", field.name())));
            all.extend(ways(target).into_iter().map(|(next, _)| format!("{way}.{next}.*")));
        }
        all
    }

    /// Every operation on every field: most fit none.
    fn transforms(&self, resource: &Resource) -> Vec<Json> {
        let mut all = vec![json!([{"field": "nothing", "add": 1}])];
        for field in self.fields(resource) {
            let operand = |operation: &str| if operation.contains('_') { json!(["a"]) } else { json!(1) };
            for operation in ["add", "max", "append_missing"] {
                all.push(json!([{"field": field.name(), operation: operand(operation)}]));
            }
        }
        all
    }
}

/// A path as a mask in JSON has it.
fn in_json(path: &str) -> String {
    path.split('.').map(mainstay_record::names::json_name).collect::<Vec<_>>().join(".")
}

/// Whether a field says how a call is to be treated, and nothing of what is asked.
fn is_about_the_call(field: &FieldDescriptor) -> bool {
    matches!(field.name(), "request_id" | "validate_only")
}

fn message_of(field: &FieldDescriptor) -> MessageDescriptor {
    let Kind::Message(message) = field.kind() else { panic!("{} is no message", field.full_name()) };
    message
}

/// Each element alone, each behind the first, and the first twice.
fn lists(elements: &[Json]) -> Vec<Json> {
    let Some(first) = elements.first() else { return Vec::new() };
    let alone = elements.iter().map(|element| json!([element]));
    alone.chain(elements.iter().skip(1).map(|element| json!([first, element]))).chain([json!([first, first])]).collect()
}
