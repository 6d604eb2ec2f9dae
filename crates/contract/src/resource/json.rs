//! What lies inside a JSON column: its storage keys, its checks, and what expressions may name in it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use mainstay_expr::{Field, LinkTo, RecordType, Storage, Type};
use mainstay_record::{JsonField, JsonMessage, JsonShape, Kind};
use prost_reflect::{FieldDescriptor, Kind as ProtoKind, MessageDescriptor};

use crate::annotations::{self, FIELD, FieldOptions, REFERENCE, RESOURCE};
use crate::capabilities;
use crate::compound::Compound;
use crate::model::Link;
use crate::options::message_option;
use crate::report::Report;
use crate::resource::constraints::{self, Constraints};
use crate::resource::head::Head;
use crate::resource::links::Declared;
use crate::resource::oneofs;
use crate::resource::options;
use crate::resource::refused;
use crate::resource::types::{Stored, Types, map_type};
use crate::resource::{types::Refused, whole};
use crate::text::Step;
use crate::{Behaviors, Container, JsonBehaviors, JsonChecks, JsonFieldBehavior, JsonFieldChecks, JsonOneof, Keys};

/// How deep different messages may lie in one another inside a JSON column.
pub const MAX_JSON_DEPTH: usize = 32;

/// A JSON column's inside.
pub(crate) struct BuiltJson {
    pub shape: JsonShape,
    pub checks: Option<JsonChecks>,
    pub behaviors: Option<JsonBehaviors>,
    /// The references inside, whose places are not known yet.
    pub links: Vec<Link>,
    /// Where the elements lead, of a list of references.
    pub element: Option<LinkTo>,
    pub ty: Type,
}

/// A field that lies in a column of its own as JSON.
#[derive(Clone, Copy)]
pub(super) struct JsonColumn<'c> {
    pub field: &'c FieldDescriptor,
    pub options: &'c FieldOptions,
    /// What it and its elements must satisfy.
    pub constraints: &'c Constraints,
    /// From the resource.
    pub path: &'c str,
}

/// Builds the shape of one column.
pub(crate) struct JsonBuilder<'a, 'f> {
    report: &'a mut Report<'f>,
    /// Whose column it is.
    head: &'a Head,
    /// Where references lead.
    heads: &'a [Head],
    types: &'a mut Types,
    read: &'a mut HashSet<String>,
    shape: JsonShape,
    checks: Vec<Vec<JsonFieldChecks>>,
    behaviors: Vec<Vec<JsonFieldBehavior>>,
    /// The oneofs of which one must be set.
    oneofs: Vec<Vec<JsonOneof>>,
    /// There are conditions written out in there: see `whole`.
    conditional: bool,
    links: Vec<Link>,
    /// The index of the first of them among those of the resource.
    first_link: usize,
    /// How many messages are being entered, one inside the other.
    depth: usize,
    /// Entry in the shape, by the message's full name.
    entries: HashMap<String, usize>,
    /// By the message's full name, and whether a recursion is cut short in it.
    records: HashMap<(String, bool), Arc<RecordType>>,
}

impl<'a, 'f> JsonBuilder<'a, 'f> {
    pub(crate) fn new(
        report: &'a mut Report<'f>,
        (head, heads): (&'a Head, &'a [Head]),
        types: &'a mut Types,
        read: &'a mut HashSet<String>,
        first_link: usize,
    ) -> Self {
        JsonBuilder {
            report,
            head,
            heads,
            types,
            read,
            shape: JsonShape::default(),
            checks: Vec::new(),
            behaviors: Vec::new(),
            oneofs: Vec::new(),
            conditional: false,
            links: Vec::new(),
            first_link,
            depth: 0,
            entries: HashMap::new(),
            records: HashMap::new(),
        }
    }

    pub(super) fn build(&mut self, column: &JsonColumn<'_>, stored: &Stored, container: Container) -> BuiltJson {
        let JsonColumn { field, options, constraints, path } = *column;
        self.conditional = constraints.conditional;
        let item_kind = match stored {
            Stored::Scalar { kind, .. } => Some(*kind),
            _ => None,
        };
        let link = self.link(field, options, path);
        let element = link.map(|link| self.leads(link));
        if let Stored::Message(message) = stored {
            self.message(message);
        }
        self.depth = 0;
        let ty = self.ty(field, stored, false);
        let checks = JsonChecks {
            container,
            items: constraints.items.clone(),
            keys: constraints.keys.clone(),
            item_kind,
            wholes: vec![Vec::new(); self.checks.len()],
            messages: std::mem::take(&mut self.checks),
            oneofs: std::mem::take(&mut self.oneofs),
            compounds: self.compounds(),
        };
        let behaviors = JsonBehaviors { container, link, messages: std::mem::take(&mut self.behaviors) };
        BuiltJson {
            shape: std::mem::take(&mut self.shape),
            checks: (self.conditional || constrains(&checks)).then_some(checks),
            behaviors: behaviors.restrict().then_some(behaviors),
            links: std::mem::take(&mut self.links),
            element,
            ty,
        }
    }

    fn compounds(&self) -> Vec<(usize, Compound)> {
        let mut found: Vec<(usize, Compound)> =
            self.entries.iter().filter_map(|(name, entry)| Some((*entry, Compound::of(name)?))).collect();
        found.sort_by_key(|(entry, _)| *entry);
        found
    }

    /// Takes in a reference; returns its index among those of the resource.
    fn link(&mut self, field: &FieldDescriptor, options: &FieldOptions, path: &str) -> Option<usize> {
        options.reference.as_ref()?;
        let declared = Declared { head: self.head, heads: self.heads, field, options, path };
        self.links.push(declared.inside_json(self.report)?);
        Some(self.first_link + self.links.len() - 1)
    }

    fn leads(&self, link: usize) -> LinkTo {
        let Link { template, resource, .. } = &self.links[link - self.first_link];
        LinkTo { template: template.clone(), target: *resource }
    }

    /// Enters a message and all below it into the shape, once.
    fn message(&mut self, message: &MessageDescriptor) -> usize {
        if let Some(entry) = self.entries.get(message.full_name()) {
            return *entry;
        }
        let entry = self.shape.messages.len();
        self.entries.insert(message.full_name().to_owned(), entry);
        self.shape.messages.push(JsonMessage::default());
        self.checks.push(Vec::new());
        self.behaviors.push(Vec::new());
        self.oneofs.push(json_oneofs(message));
        options::check_aliases(self.report, message);
        oneofs::check(self.report, message);
        self.read.insert(message.full_name().to_owned());
        self.conditional |= whole::is_on(message);
        let mut fields: Vec<FieldDescriptor> = message.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        for field in fields {
            if let Some(entered) = self.field(&field) {
                self.shape.messages[entry].fields.push(entered.stored);
                self.checks[entry].push(entered.checks);
                self.behaviors[entry].push(entered.behavior);
            }
        }
        entry
    }

    fn field(&mut self, field: &FieldDescriptor) -> Option<Entered> {
        self.read.insert(field.full_name().to_owned());
        if self.report.undefined.contains(field.full_name()) {
            return None;
        }
        self.report.anchor = Some(self.report.name(field.parent_file().name(), field.path()));
        let options = annotations::read(field);
        let constraints = constraints::read(self.report, field);
        self.conditional |= constraints.conditional;
        if refused::field(self.report, field) {
            return None;
        }
        self.refuse_what_belongs_to_resources(field, &options);
        let link = self.reference(field, &options);
        let written = options.behaviors;
        let behaviors = Behaviors { required: written.required || constraints.required, ..written };
        let stored = match self.types.stored(field) {
            Ok(stored) => stored,
            Err(Refused(name)) => {
                let spot = self.report.field_type(field.parent_file().name(), field.path());
                capabilities::refuse(self.report, &spot, &name, &format!("a field of type {name}"));
                return None;
            }
        };
        let message = self.inner(field, &stored).ok()?;
        let (kind, wrapped) = match stored {
            Stored::Scalar { kind, wrapped, .. } => (kind, wrapped),
            _ => (Kind::Json, true),
        };
        let container = match (field.is_map(), field.is_list()) {
            (true, _) => Container::Map,
            (_, true) => Container::List,
            _ => Container::One,
        };
        let checks = JsonFieldChecks {
            number: field.number(),
            name: field.name().to_owned(),
            kind,
            presence: container == Container::One && (wrapped || field.supports_presence()),
            container,
            // Where only the server may write, nobody can be told to.
            required: behaviors.required && !behaviors.output_only,
            ignore_zero: constraints.ignore_zero,
            checks: constraints.checks,
            items: constraints.items,
            keys: constraints.keys,
        };
        let (number, name) = (field.number(), field.name().to_owned());
        Some(Entered {
            stored: JsonField { number, key: name.clone(), message },
            checks,
            behavior: JsonFieldBehavior { number, name, container, behaviors, link },
        })
    }

    /// Takes in a reference of a message.
    fn reference(&mut self, field: &FieldDescriptor, options: &FieldOptions) -> Option<usize> {
        options.reference.as_ref()?;
        if field.is_map() || !matches!(field.kind(), ProtoKind::String) {
            let spot = options::spot(self.report, field, REFERENCE, &[Step::Field("type")]);
            self.report
                .error(&spot, format!("{} cannot be a reference", field.full_name()))
                .because("a reference is a string that holds a resource name (AIP-122)")
                .help("make the field a string, or remove the annotation");
            return None;
        }
        self.link(field, options, field.full_name())
    }

    /// Options that are good on a field of a resource only.
    fn refuse_what_belongs_to_resources(&mut self, field: &FieldDescriptor, options: &FieldOptions) {
        if options.default.is_some() {
            let spot = options::spot(self.report, field, FIELD, &[Step::Field("default")]);
            capabilities::refuse(
                self.report,
                &spot,
                "defaults inside messages",
                "a default on a field inside a message",
            );
        }
        options::refuse_rules(self.report, field, options);
        // A resource that is stored inside another keeps the name that identifies it elsewhere.
        if options.behaviors.identifier && !is_name_of_resource(field) {
            let spot = self.report.name(field.parent_file().name(), field.path());
            options::refuse_identifier(self.report, &spot, field.full_name());
        }
    }

    /// The entry of the message that a field holds, if it holds one.
    fn inner(&mut self, field: &FieldDescriptor, stored: &Stored) -> Result<Option<usize>, TooDeep> {
        let Stored::Message(message) = stored else { return Ok(None) };
        if self.depth >= MAX_JSON_DEPTH {
            let spot = self.report.name(field.parent_file().name(), field.path());
            self.report
                .error(&spot, format!("messages lie more than {MAX_JSON_DEPTH} deep in one another"))
                .help("make one of them a resource of its own");
            return Err(TooDeep);
        }
        self.depth += 1;
        let entry = self.message(message);
        self.depth -= 1;
        Ok(Some(entry))
    }

    fn ty(&mut self, field: &FieldDescriptor, stored: &Stored, inside_recursion: bool) -> Type {
        let element = match stored {
            Stored::Scalar { ty, .. } => ty.clone(),
            Stored::Document(ty) => ty.clone(),
            Stored::Message(message) => Type::Message(self.record(message, inside_recursion)),
        };
        match (field.is_map(), field.is_list()) {
            (true, _) => map_type(field, element),
            (_, true) => Type::List(Box::new(element)),
            _ => element,
        }
    }

    /// A recursive message has its fields once; further in it has none.
    fn record(&mut self, message: &MessageDescriptor, inside_recursion: bool) -> Arc<RecordType> {
        let recursive = self.types.is_recursive(message);
        let name = message.full_name().to_owned();
        if (recursive && inside_recursion) || self.depth > MAX_JSON_DEPTH {
            return Arc::new(RecordType { name, ..RecordType::default() });
        }
        let key = (name.clone(), inside_recursion);
        if let Some(known) = self.records.get(&key) {
            return Arc::clone(known);
        }
        let mut fields = Vec::new();
        self.depth += 1;
        for field in message.fields() {
            if self.report.undefined.contains(field.full_name()) {
                continue;
            }
            let Ok(stored) = self.types.stored(&field) else { continue };
            let ty = self.ty(&field, &stored, inside_recursion || recursive);
            let options = annotations::read(&field);
            let declared =
                Declared { head: self.head, heads: self.heads, field: &field, options: &options, path: field.name() };
            let is_text = matches!(&ty, Type::Text) || matches!(&ty, Type::List(of) if **of == Type::Text);
            let storage = match declared.known().filter(|_| is_text) {
                Some(to) => Storage::LinkInJson(to.link(self.heads)),
                None => Storage::InJson,
            };
            let aliases = options.aliases;
            fields.push(Field {
                name: field.name().to_owned(),
                json_name: field.json_name().to_owned(),
                aliases,
                number: field.number(),
                ty,
                storage,
                acyclic: false,
            });
        }
        self.depth -= 1;
        let record = Arc::new(RecordType { name, fields, ..RecordType::default() });
        self.records.insert(key, Arc::clone(&record));
        record
    }
}

/// The oneofs of a message of which one must be set.
fn json_oneofs(message: &MessageDescriptor) -> Vec<JsonOneof> {
    let named = oneofs::of(message).into_iter().enumerate().filter(|(_, oneof)| oneof.required);
    let members = |place| {
        let own = message.fields().filter(move |field| oneofs::position(field) == Some(place));
        own.map(|field| field.number()).collect()
    };
    named.map(|(place, oneof)| JsonOneof { name: oneof.name, members: members(place) }).collect()
}

fn is_name_of_resource(field: &FieldDescriptor) -> bool {
    let message = field.parent_message();
    let resource = message_option(message.parent_pool(), &message.options(), RESOURCE);
    field.name() == "name" && resource.is_some()
}

/// What one field comes to.
struct Entered {
    stored: JsonField,
    checks: JsonFieldChecks,
    behavior: JsonFieldBehavior,
}

/// Told already.
struct TooDeep;

fn constrains(checks: &JsonChecks) -> bool {
    let mut fields = checks.messages.iter().flatten();
    let keyed = |keys: &Keys| !keys.checks.is_empty();
    !checks.items.checks.is_empty()
        || keyed(&checks.keys)
        || !checks.compounds.is_empty()
        || checks.oneofs.iter().any(|oneofs| !oneofs.is_empty())
        || fields.any(|field| {
            field.required || !field.checks.is_empty() || !field.items.checks.is_empty() || keyed(&field.keys)
        })
}
