//! From a message to the columns of its table, and to what expressions may name.

use std::collections::HashSet;
use std::sync::Arc;

use mainstay_expr::{Field, RecordType, Storage, Type};
use mainstay_record::{Column, Kind, NumberPath, Role};
use prost_reflect::{FieldDescriptor, MessageDescriptor};

use crate::annotations::{self, FIELD, FieldOptions};
use crate::capabilities;
use crate::compound::Compound;
use crate::file::Spot;
use crate::model::FieldModel;
use crate::report::Report;
use crate::resource::built::Built;
use crate::resource::constraints::{self, Constraints};
use crate::resource::head::Head;
use crate::resource::json::{JsonBuilder, JsonColumn};
use crate::resource::links;
use crate::resource::oneofs;
use crate::resource::options;
use crate::resource::parents;
use crate::resource::refused;
use crate::resource::standard;
use crate::resource::types::{Stored, Types};
use crate::text::Step;
use crate::{Behaviors, Container, Numeric};

/// How many columns a table has at most.
pub const MAX_COLUMNS: usize = 500;
/// The column of the organisation that a row belongs to.
pub const ORGANISATION_COLUMN: &str = "_organisation";
/// How deep messages may lie in one another's columns.
pub const MAX_MESSAGE_DEPTH: usize = 12;

/// Lays out one resource.
pub(crate) fn build(
    report: &mut Report<'_>,
    heads: &[Head],
    head: &Head,
    types: &mut Types,
    read: &mut HashSet<String>,
) -> Built {
    let built = Built { failed: report.undefined_words.clone(), ..Built::default() };
    let mut builder = Builder { report, heads, head, types, read, built, full: false };
    builder.key_columns();
    let level = Level {
        message: head.message.clone(),
        column: String::new(),
        field: String::new(),
        path: NumberPath::default(),
        depth: 0,
    };
    let (fields, record) = builder.message(&level);
    builder.built.fields = fields;
    builder.built.record = RecordType {
        ancestors: parents::ancestors(heads, head),
        children: parents::children(heads, head),
        tenant: head.tenant,
        ..record
    };
    standard::check(builder.report, head, &mut builder.built);
    builder.check_columns();
    builder.built
}

/// A message on its way into columns.
pub(super) struct Level {
    pub(super) message: MessageDescriptor,
    /// Prefix of column names: `address__`.
    pub(super) column: String,
    /// Prefix of field paths: `address.`.
    pub(super) field: String,
    pub(super) path: NumberPath,
    pub(super) depth: usize,
}

pub(super) struct Builder<'a, 'f> {
    pub(super) report: &'a mut Report<'f>,
    pub(super) heads: &'a [Head],
    pub(super) head: &'a Head,
    pub(super) types: &'a mut Types,
    /// Full names of the fields whose options are enforced.
    pub(super) read: &'a mut HashSet<String>,
    pub(super) built: Built,
    /// No more columns; said once.
    pub(super) full: bool,
}

/// A field, on the way.
pub(super) struct Item {
    pub(super) descriptor: FieldDescriptor,
    pub(super) options: FieldOptions,
    pub(super) constraints: Constraints,
    pub(super) spot: Spot,
    pub(super) path: NumberPath,
    pub(super) field_path: String,
    pub(super) column: String,
}

impl Builder<'_, '_> {
    fn key_columns(&mut self) {
        if self.head.tenant {
            let (name, path) = (ORGANISATION_COLUMN.to_owned(), NumberPath::default());
            self.push(name, String::new(), path, Role::Organisation, Kind::Text, false);
        }
        let variables = &self.head.pattern.variables;
        for (i, variable) in variables.iter().enumerate() {
            let is_own = i + 1 == variables.len() && !self.head.pattern.singleton;
            let name = if is_own { "_id".to_owned() } else { format!("_{variable}_id") };
            self.push(
                name,
                String::new(),
                NumberPath::default(),
                Role::Key { variable: variable.clone() },
                Kind::Text,
                false,
            );
        }
        self.push("_revision".into(), String::new(), NumberPath::default(), Role::Revision, Kind::Int, false);
    }

    pub(super) fn push(
        &mut self,
        name: String,
        field: String,
        path: NumberPath,
        role: Role,
        kind: Kind,
        nullable: bool,
    ) -> usize {
        self.built.layout.columns.push(Column { name, field, path, role, kind, nullable });
        self.full = self.built.layout.columns.len() > MAX_COLUMNS;
        self.built.layout.columns.len() - 1
    }

    fn message(&mut self, level: &Level) -> (Vec<FieldModel>, RecordType) {
        let mut descriptors: Vec<FieldDescriptor> = level.message.fields().collect();
        descriptors.sort_by_key(FieldDescriptor::number);
        let mut models = Vec::with_capacity(descriptors.len());
        let name = level.message.full_name().to_owned();
        let mut record = RecordType { name, fields: Vec::with_capacity(descriptors.len()), ..RecordType::default() };
        refused::extensions(self.report, &level.message);
        self.read.insert(level.message.full_name().to_owned());
        options::check_aliases(self.report, &level.message);
        oneofs::check(self.report, &level.message);
        for descriptor in descriptors {
            if self.full {
                break;
            }
            let name = descriptor.name().to_owned();
            let before = self.report.errors();
            match self.field(level, descriptor) {
                Some((model, field)) => {
                    models.push(model);
                    record.fields.push(field);
                }
                None => {
                    self.built.failed.insert(name.clone());
                }
            }
            if self.report.errors() > before {
                self.built.failed.insert(name);
            }
        }
        (models, record)
    }

    fn field(&mut self, level: &Level, descriptor: FieldDescriptor) -> Option<(FieldModel, Field)> {
        self.read.insert(descriptor.full_name().to_owned());
        if self.report.undefined.contains(descriptor.full_name()) {
            return None;
        }
        let spot = self.report.name(descriptor.parent_file().name(), descriptor.path());
        self.report.anchor = Some(spot.clone());
        let options = annotations::read(&descriptor);
        let constraints = constraints::read(self.report, &descriptor);
        let item = Item {
            path: level.path.child(descriptor.number()),
            field_path: format!("{}{}", level.field, descriptor.name()),
            column: format!("{}{}", level.column, descriptor.name()),
            descriptor,
            options,
            constraints,
            spot,
        };
        if refused::field(self.report, &item.descriptor) {
            return None;
        }
        if item.descriptor.name().starts_with('_') {
            self.report
                .error(&item.spot, format!("the field's name `{}` begins with an underscore", item.descriptor.name()))
                .because("columns with such names are Mainstay's own")
                .help("choose another name");
            return None;
        }
        self.check_place_of_options(level, &item);
        if level.depth == 0
            && let Some(found) = standard::virtual_field(self.report, self.head, &self.built.layout, &item.standard())
        {
            return found
                .map(|(storage, identifier)| item.done(Type::Text, storage, Vec::new(), identifier, self.report));
        }
        if item.options.reference.is_some() {
            self.check_standard(level, &item, None);
            return self.reference(item);
        }
        let stored = match self.types.stored(&item.descriptor) {
            Ok(stored) => stored,
            Err(refused) => {
                let file = item.descriptor.parent_file();
                let spot = self.report.field_type(file.name(), item.descriptor.path());
                capabilities::refuse(self.report, &spot, &refused.0, &format!("a field of type {}", refused.0));
                return None;
            }
        };
        if item.descriptor.is_list() || item.descriptor.is_map() {
            self.check_standard(level, &item, None);
            return Some(self.json(item, &stored));
        }
        self.check_standard(level, &item, if let Stored::Scalar { ty, .. } = &stored { Some(ty) } else { None });
        match stored {
            Stored::Scalar { kind, ty, wrapped } => Some(self.scalar(item, kind, ty, wrapped)),
            Stored::Message(message) if !self.types.is_recursive(&message) => self.flattened(level, item, message),
            stored => Some(self.json(item, &stored)),
        }
    }

    /// Options that are good on a field of the resource itself only.
    fn check_place_of_options(&mut self, level: &Level, item: &Item) {
        if item.options.behaviors.identifier && !(level.depth == 0 && item.descriptor.name() == "name") {
            options::refuse_identifier(self.report, &item.spot, &item.field_path);
        }
        if item.options.default.is_some() && level.depth > 0 {
            let spot = options::spot(self.report, &item.descriptor, FIELD, &[Step::Field("default")]);
            capabilities::refuse(
                self.report,
                &spot,
                "defaults inside messages",
                "a default on a field inside a message",
            );
        }
        if level.depth > 0 {
            options::refuse_rules(self.report, &item.descriptor, &item.options);
        }
    }

    /// Fields of the resource itself may have a meaning of their own, whatever they are stored as.
    fn check_standard(&mut self, level: &Level, item: &Item, ty: Option<&Type>) {
        if level.depth == 0 {
            standard::check_type(self.report, self.head, &item.standard(), ty);
        }
    }

    fn scalar(&mut self, item: Item, kind: Kind, ty: Type, wrapped: bool) -> (FieldModel, Field) {
        let nullable = wrapped || item.descriptor.supports_presence();
        let index =
            self.push(item.column.clone(), item.field_path.clone(), item.path.clone(), Role::Field, kind, nullable);
        let numeric = Numeric::of(&item.descriptor);
        let (model, field) = item.done(ty, Storage::Column { index, nullable }, vec![index], false, self.report);
        (FieldModel { numeric, ..model }, field)
    }

    fn flattened(&mut self, level: &Level, item: Item, message: MessageDescriptor) -> Option<(FieldModel, Field)> {
        if level.depth + 1 > MAX_MESSAGE_DEPTH {
            self.report
                .error(&item.spot, format!("messages lie more than {MAX_MESSAGE_DEPTH} deep in one another"))
                .help("make one of them repeated, or a resource of its own");
            return None;
        }
        let name = format!("_has_{}", item.column);
        let presence = self.push(name, item.field_path.clone(), item.path.clone(), Role::Presence, Kind::Bool, false);
        let compound = Compound::of(message.full_name());
        let oneofs = oneofs::of(&message);
        let inner = Level {
            message,
            column: format!("{}__", item.column),
            field: format!("{}.", item.field_path),
            path: item.path.clone(),
            depth: level.depth + 1,
        };
        let (children, record) = self.message(&inner);
        self.refuse_default(&item);
        let ty = Type::Message(Arc::new(record));
        let storage = Storage::Message { presence: Some(presence) };
        let (model, field) = item.done(ty, storage, vec![presence], false, self.report);
        Some((FieldModel { children, oneofs, compound, ..model }, field))
    }

    pub(super) fn json(&mut self, item: Item, stored: &Stored) -> (FieldModel, Field) {
        self.refuse_default(&item);
        let container = match (item.descriptor.is_map(), item.descriptor.is_list()) {
            (true, _) => Container::Map,
            (_, true) => Container::List,
            _ => Container::One,
        };
        let first = self.built.links.len();
        let mut json = JsonBuilder::new(self.report, (self.head, self.heads), self.types, self.read, first);
        let (field, constraints) = (&item.descriptor, &item.constraints);
        let column = JsonColumn { field, options: &item.options, constraints, path: &item.field_path };
        let mut built = json.build(&column, stored, container);
        let column = self.built.layout.columns.len();
        self.built.links.append(&mut built.links);
        if let Some(behaviors) = &built.behaviors {
            let place = (column, item.field_path.as_str(), &item.path);
            links::place(&mut self.built.links, behaviors, &built.shape, place);
        }
        let role = Role::Json(built.shape.clone());
        self.push(item.column.clone(), item.field_path.clone(), item.path.clone(), role, Kind::Json, true);
        let storage = match built.element {
            Some(to) => Storage::Links { column, to },
            None => Storage::Json { column, shape: built.shape },
        };
        let (model, field) = item.done(built.ty, storage, vec![column], false, self.report);
        (
            FieldModel {
                json_checks: built.checks.map(Box::new),
                json_behaviors: built.behaviors.map(Box::new),
                ..model
            },
            field,
        )
    }

    fn refuse_default(&mut self, item: &Item) {
        if item.options.default.is_some() {
            let spot = options::spot(self.report, &item.descriptor, FIELD, &[Step::Field("default")]);
            self.report
                .error(&spot, format!("{} cannot have a default", item.field_path))
                .because("only scalar fields can")
                .help("remove the default");
        }
    }
}

impl Item {
    fn standard(&self) -> standard::Declared<'_> {
        standard::Declared {
            descriptor: &self.descriptor,
            spot: &self.spot,
            constraints: &self.constraints,
            options: &self.options,
        }
    }

    pub(super) fn done(
        self,
        ty: Type,
        storage: Storage,
        columns: Vec<usize>,
        identifier: bool,
        report: &Report<'_>,
    ) -> (FieldModel, Field) {
        let written = self.options.behaviors;
        let behaviors = Behaviors { required: written.required || self.constraints.required, identifier, ..written };
        let number = self.descriptor.number();
        let oneof = oneofs::position(&self.descriptor);
        let field = Field {
            name: self.descriptor.name().to_owned(),
            json_name: self.descriptor.json_name().to_owned(),
            aliases: self.options.aliases.clone(),
            number,
            ty,
            storage,
            acyclic: self.options.acyclic,
        };
        let model = FieldModel {
            number,
            name: self.descriptor.name().to_owned(),
            json_name: self.descriptor.json_name().to_owned(),
            aliases: self.options.aliases,
            path: self.path,
            field_path: self.field_path,
            behaviors,
            default: None,
            read: None,
            write: None,
            checks: self.constraints.checks,
            json_checks: None,
            json_behaviors: None,
            ignore_zero: self.constraints.ignore_zero,
            columns,
            children: Vec::new(),
            oneof,
            oneofs: Vec::new(),
            constraints: Vec::new(),
            compound: None,
            numeric: None,
            place: report.files.place(&self.spot),
        };
        (model, field)
    }
}
