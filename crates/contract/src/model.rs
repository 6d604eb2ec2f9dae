//! What a compiled contract is made of.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mainstay_expr::{Program, RecordType};
use mainstay_record::{Layout, NumberPath, Template, Value};
use prost_reflect::{DescriptorError, DescriptorPool};

use crate::compound::Compound;
use crate::condition::{broken, said};
use crate::hash::hash;
use crate::method::commit::Commit;
use crate::{
    Behaviors, Check, Diagnostic, JsonBehaviors, JsonChecks, Method, Migration, Numeric, OnDelete, Place, Roles, Shape,
    Source, Verb, annotations,
};

pub use crate::index::{Index, IndexRows, Span};
pub use crate::rule::Rule;

/// A contract that loaded without errors: what requests need of it, and what only whoever loads it does.
#[derive(Debug, Clone)]
pub struct Contract {
    pub model: Model,
    /// The written files, the derived services, and all that can be imported; without comments. It takes more memory than all
    /// else of a contract: nobody keeps it who has made of it what he needs.
    pub pool: DescriptorPool,
    /// The derived services' files, sorted by path.
    pub derived: Vec<Source>,
}

/// What is kept of a contract while it is served.
#[derive(Debug, Clone)]
pub struct Model {
    /// SHA-256 of `descriptor_set` and of the migrations, in lower-case hex: the identity of this version.
    pub hash: String,
    /// The encoded `google.protobuf.FileDescriptorSet` of the written files, the derived services, and what they import,
    /// dependencies first, with options and comments.
    pub descriptor_set: Bytes,
    /// The written files as they were given, sorted by path: places in them have one spelling, whoever compiles them. Behind
    /// them the files of the migrations.
    pub sources: Vec<Source>,
    /// Beside each of the `.proto` files, the path by which others import it.
    pub import_paths: Vec<String>,
    /// Sorted by resource type. Whoever compiles a contract further shares them.
    pub resources: Vec<Arc<Resource>>,
    /// Every method, derived or written, in the order of the resources.
    pub methods: Vec<Method>,
    /// What the Commit of each package takes, sorted by package.
    pub commits: Vec<Commit>,
    /// What roles are worth.
    pub roles: Arc<Roles>,
    /// In the order of their numbers.
    pub migrations: Vec<Migration>,
    pub warnings: Vec<Diagnostic>,
}

/// A message that has a table.
#[derive(Debug, Clone)]
pub struct Resource {
    /// `shop.example.com/Product`: the identity, for ever.
    pub type_name: String,
    /// `shop.v1.Product`
    pub message: String,
    /// `shop.v1`
    pub package: String,
    /// `product`, snake case, from the message's name: in `product_id` and as the field of requests.
    pub singular: String,
    /// `products`, snake case, from the collection: the field of a list.
    pub plural: String,
    /// `products`: the last collection segment of the pattern, as written.
    pub collection: String,
    /// `publishers/{publisher}/books/{book}`
    pub pattern: String,
    pub template: Template,
    /// The pattern's variables, outermost first; the last is the resource's own id.
    pub variables: Vec<String>,
    /// There is one below each parent (AIP-156), whose key is its own.
    pub singleton: bool,
    /// The resource whose pattern is this one's without the last two segments, as an index into `Contract::resources`.
    pub parent: Option<usize>,
    /// `shop_v1_product`
    pub table: String,
    pub layout: Arc<Layout>,
    /// What a rule, filter or order may name.
    pub record: Arc<RecordType>,
    /// In the order of the field numbers, `name` and `etag` included.
    pub fields: Vec<FieldModel>,
    /// Those of the resource itself.
    pub oneofs: Vec<Oneof>,
    pub indexes: Vec<Index>,
    pub access: Access,
    pub references: Vec<Reference>,
    /// References to accounts that have columns of their own.
    pub accounts: Vec<AccountReference>,
    /// References inside lists, maps and messages that contain themselves.
    pub links: Vec<Link>,
    /// What must hold of the row as a whole.
    pub constraints: Vec<Constraint>,
    /// The number of `name`.
    pub name_field: Option<u32>,
    /// The number of `etag`, if declared.
    pub etag_field: Option<u32>,
    /// Columns of the standard fields, if declared.
    pub uid: Option<usize>,
    pub create_time: Option<usize>,
    pub update_time: Option<usize>,
    /// Where a deletion keeps the row.
    pub soft_delete: Option<SoftDelete>,
    /// What becomes of a row when the one is deleted that it lies below.
    pub on_parent_delete: OnDelete,
    /// The fields that say in which state a row is.
    pub states: Vec<States>,
    /// What takes rows from state to state; their places are those of [`Verb::Transition`].
    pub transitions: Vec<Transition>,
    /// What else happens when a row is written, in this order.
    pub effects: Vec<crate::Effect>,
    /// Whose a row is; nothing where it is nobody's.
    pub subject: Option<Subject>,
    /// The comment above the message.
    pub comment: String,
    pub place: Place,
}

impl Resource {
    /// All rules on who may do what with the rows, and who sees and sets their fields.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.access.rules().chain(self.fields.iter().flat_map(FieldModel::rules))
    }
}

/// One field of a resource, or of a message that lies in its columns.
#[derive(Debug, Clone)]
pub struct FieldModel {
    pub number: u32,
    pub name: String,
    pub json_name: String,
    /// Former names, still accepted on input.
    pub aliases: Vec<String>,
    pub path: NumberPath,
    /// `address.city`: the names from the resource down.
    pub field_path: String,
    pub behaviors: Behaviors,
    /// What the field becomes when a Create leaves it unset.
    pub default: Option<Box<Program>>,
    /// Who sees the field, over the row; everybody who reads the row where there is no such rule.
    pub read: Option<Box<Rule>>,
    /// Who sets the field, beside the resource's own rule, over the row before and the row after.
    pub write: Option<Box<Rule>>,
    /// On the value of the field's one column; for repeated fields on the number of elements.
    pub checks: Vec<Check>,
    /// On what is inside a JSON column; none where nothing in there is constrained.
    pub json_checks: Option<Box<JsonChecks>>,
    /// Who may set what is inside a JSON column; none where nothing in there is OUTPUT_ONLY or IMMUTABLE.
    pub json_behaviors: Option<Box<JsonBehaviors>>,
    /// Skip `checks` where the value is its type's zero (`ignore: IGNORE_IF_ZERO_VALUE`).
    pub ignore_zero: bool,
    /// The field's own columns: of a reference one for each variable of the target, of a flattened message its presence.
    /// Empty for `name` and `etag`.
    pub columns: Vec<usize>,
    /// The fields of a flattened message.
    pub children: Vec<FieldModel>,
    /// The `oneof` of its message that the field belongs to, by its place among them.
    pub oneof: Option<usize>,
    /// Those of a flattened message.
    pub oneofs: Vec<Oneof>,
    /// What must hold of a flattened message as a whole, where it is set.
    pub constraints: Vec<Constraint>,
    /// A flattened message whose parts must agree, though no option says so.
    pub compound: Option<Compound>,
    /// What a singular field of one column holds that can be counted with.
    pub numeric: Option<Numeric>,
    pub place: Place,
}

/// A `oneof`: of its fields at most one is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oneof {
    pub name: String,
    /// One is set (`(buf.validate.oneof).required`).
    pub required: bool,
}

impl FieldModel {
    /// The field's own rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.read.iter().chain(&self.write).map(|rule| &**rule)
    }

    /// The field's columns and those of the fields inside it, ascending.
    pub fn all_columns(&self) -> Vec<usize> {
        let below = self.children.iter().flat_map(FieldModel::all_columns);
        let mut all: Vec<usize> = self.columns.iter().copied().chain(below).collect();
        all.sort_unstable();
        all
    }
}

/// Whose the rows of a resource are.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Over `resource`, the row: that it is the caller's. `resource.author.account == auth.uid`
    pub rule: Rule,
    /// The field that says so; empty where that is what the row lies below.
    pub field: String,
}

/// How deleted rows are kept (AIP-164).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoftDelete {
    /// The column that says since when a row is deleted; NULL where it is not.
    pub delete_time: usize,
    /// The column that says when a deleted row will be gone, if declared.
    pub expire_time: Option<usize>,
    /// How long a deleted row is kept, in microseconds; nothing for ever.
    pub purge_after_us: Option<i64>,
}

/// A field whose values are the states of a row: nobody sets it, transitions change it (AIP-216).
#[derive(Debug, Clone)]
pub struct States {
    /// `state`
    pub field: String,
    pub number: u32,
    pub column: usize,
    /// The state of a new row, by its number.
    pub initial: i64,
    /// The enum's values, by their numbers.
    pub names: BTreeMap<i64, String>,
    pub place: Place,
}

/// What takes a row from one state to another.
#[derive(Debug, Clone)]
pub struct Transition {
    /// `Place`
    pub name: String,
    /// `PlaceOrder`
    pub method: String,
    /// Whose states they are, as an index into `Resource::states`.
    pub states: usize,
    /// Where it begins, by the numbers of the states.
    pub from: Vec<i64>,
    pub to: i64,
    /// What is given with it.
    pub inputs: Vec<Input>,
    pub place: Place,
}

/// A field of the resource that is given with a transition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Of the resource's field; in the request it is more by [`crate::FIRST_INPUT`].
    pub number: u32,
    pub name: String,
    /// Whether it must be given.
    pub required: bool,
}

/// A field that names another resource.
#[derive(Debug, Clone)]
pub struct Reference {
    /// `product`
    pub field: String,
    pub number: u32,
    /// The type of the resource referred to.
    pub target: String,
    /// Index into `Contract::resources`.
    pub resource: usize,
    /// One for each variable of the target's pattern.
    pub columns: Vec<usize>,
    /// The columns of the target's key: these, behind that of the organisation where it belongs to one.
    pub key: Vec<usize>,
    /// What becomes of a row when its target is deleted.
    pub on_delete: OnDelete,
    /// Following it, from row to row of the same resource, never comes back to where it began.
    pub acyclic: bool,
    pub place: Place,
}

/// A field that names an account, which is no row of the contract: only its form is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountReference {
    /// `owner`
    pub field: String,
    /// Holds the id.
    pub column: usize,
}

/// A reference inside a JSON column, stored as the whole name. What of it leads to rows of the contract stands in a table of
/// links as well.
#[derive(Debug, Clone)]
pub struct Link {
    /// `lines.variant`: the names from the resource down.
    pub field: String,
    /// The numbers on the shortest way to it, by which its links are known for ever.
    pub path: NumberPath,
    /// The JSON column.
    pub column: usize,
    /// The type of the resource referred to.
    pub target: String,
    /// Index into `Contract::resources`; nothing where it names an account.
    pub resource: Option<usize>,
    pub template: Template,
    /// What becomes of a row when its target is deleted.
    pub on_delete: OnDelete,
    pub place: Place,
}

/// Who may do what with a resource's rows. No rule: denied to everyone but the system.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Over `resource`, the row. Get and List.
    pub read: Option<Rule>,
    /// Over `resource`, the row to be.
    pub create: Option<Rule>,
    /// Over `old` and `new`, the rows before and after; all must hold, and none at all means no rule. `update: R` is one;
    /// `write: R` is R on `old` and R on `new`.
    pub update: Vec<Rule>,
    /// Over `resource`, the row.
    pub delete: Option<Rule>,
    /// Over `resource`, the row. Who may name it, in a reference or as a parent; absent: who may read it.
    pub refer: Option<Rule>,
    /// Those of `Resource::transitions`.
    pub transitions: Vec<TransitionRules>,
}

impl Access {
    /// All rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        let own = self.transitions.iter().flat_map(|own| own.access.iter().chain(&own.guard));
        self.read.iter().chain(&self.create).chain(&self.update).chain(&self.delete).chain(&self.refer).chain(own)
    }

    /// The same, to be changed.
    pub fn rules_mut(&mut self) -> impl Iterator<Item = &mut Rule> {
        let Access { read, create, update, delete, refer, transitions } = self;
        let own = transitions.iter_mut().flat_map(|own| own.access.iter_mut().chain(&mut own.guard).chain(&mut own.at));
        read.iter_mut().chain(create).chain(update).chain(delete).chain(refer).chain(own)
    }

    /// Who may name the row.
    pub fn naming(&self) -> Option<&Rule> {
        self.refer.as_ref().or(self.read.as_ref())
    }
}

/// When a transition may be, and when it can.
#[derive(Debug, Clone, Default)]
pub struct TransitionRules {
    /// Over `resource`, the row as it is: who may. No rule: nobody but the system.
    pub access: Option<Rule>,
    /// Over `resource`, the row in the state that it is in, with what is given: whether it can be now, whoever asks. No rule:
    /// whenever the state allows it.
    pub guard: Option<Rule>,
    /// Over `resource` alone: whether the moment has come at which it happens by itself. No rule: it does not.
    pub at: Option<Rule>,
}

/// What must hold of a message as a whole (`(buf.validate.message)`).
#[derive(Debug, Clone)]
pub struct Constraint {
    pub id: String,
    /// What a client is told; empty where the contract says nothing.
    pub message: String,
    /// Over `resource`: the columns of the row in which the message lies.
    pub rule: Rule,
}

impl Constraint {
    /// Says what is wrong with a row; nothing where the constraint holds.
    pub(crate) fn violated_by(&self, row: &[Value]) -> Option<String> {
        broken(&self.rule.program, row).map(|told| said(told, &self.id, &self.message, &self.rule.source))
    }
}

impl Contract {
    /// The contract that declares nothing: what is served before any other was applied.
    pub fn empty() -> Contract {
        let model = Model {
            hash: hash(&[]),
            descriptor_set: Bytes::new(),
            sources: Vec::new(),
            import_paths: Vec::new(),
            resources: Vec::new(),
            methods: Vec::new(),
            commits: Vec::new(),
            roles: Arc::default(),
            migrations: Vec::new(),
            warnings: Vec::new(),
        };
        Contract { model, pool: DescriptorPool::new(), derived: Vec::new() }
    }

    /// The former names of the fields of any message of the contract, each with its field's number.
    pub fn aliases(&self, message: &str) -> Vec<(String, u32)> {
        annotations::aliases(&self.pool, message)
    }
}

impl std::ops::Deref for Contract {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}

impl Model {
    /// Links the descriptors anew, which are not kept.
    ///
    /// # Errors
    /// Never, of a contract that was compiled.
    pub fn link(&self) -> Result<DescriptorPool, DescriptorError> {
        DescriptorPool::decode(self.descriptor_set.as_ref())
    }

    /// The method that does this with a resource, told by its index.
    pub fn method(&self, verb: Verb, resource: usize) -> Option<&Method> {
        self.methods.iter().find(|method| method.shape == Shape::Resource { verb, resource })
    }

    /// Finds a resource by its type (`shop.example.com/Product`).
    pub fn resource(&self, type_name: &str) -> Option<&Arc<Resource>> {
        let found = self.resources.binary_search_by(|resource| resource.type_name.as_str().cmp(type_name)).ok()?;
        self.resources.get(found)
    }
}

impl Resource {
    /// How many columns of its key are its parent's.
    pub fn parent_keys(&self) -> usize {
        let own = if self.singleton { 0 } else { 1 };
        self.layout.keys() - own
    }

    /// The message's own name: `Product`.
    pub fn short_name(&self) -> &str {
        self.message.rsplit('.').next().unwrap_or(&self.message)
    }

    /// Finds the field whose one column this is.
    pub fn field_of(&self, column: usize) -> Option<&FieldModel> {
        fn find(fields: &[FieldModel], column: usize) -> Option<&FieldModel> {
            let is_it = |field: &&FieldModel| field.columns == [column];
            fields.iter().find(is_it).or_else(|| fields.iter().find_map(|field| find(&field.children, column)))
        }
        find(&self.fields, column)
    }

    /// Finds the field with this path of names (`address.city`).
    pub fn field(&self, path: &str) -> Option<&FieldModel> {
        fn find<'f>(fields: &'f [FieldModel], path: &str) -> Option<&'f FieldModel> {
            fields.iter().find_map(
                |field| {
                    if field.field_path == path { Some(field) } else { find(&field.children, path) }
                },
            )
        }
        find(&self.fields, path)
    }
}
