//! Everything that is decided once for a resource.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use foldhash::fast::RandomState;
use mainstay_contract::{Contract, Index, Resource, Right, Rule, Span, Verb};
use mainstay_record::names::json_name;
use mainstay_record::{Column, Row, Template, TemplatePart, Value, page};
use mainstay_sql::{
    Condition, Delete, Dialect, Insert, Lock, Overlap, Same, Select, Table, Tables, Truths, Update, claiming_insert,
    delete, insert, select, update,
};
use mainstay_wire::{EncodeError, PlanError, RecordPlan, Selection};
use prost_reflect::MessageDescriptor;

use super::chains::Chain;
use super::classes::Classes;
use super::compiled::{Compiled, Shapes};
use super::compiled_lists::ListPlans;
use super::dependents::Dependent;
use super::due::Due;
use super::effects::Effects;
use super::fields::Fields;
use super::guard::Guard;
use super::links::Links;
use super::reads::{KeyReads, Readable};
use super::relations::Relations;
use super::sight::{FieldRules, Hidden, Seen, Sight};
use super::transitions::TransitionPlan;
use crate::rights::Caller;
use crate::store::answers;

/// How many sets of changed columns keep their UPDATE statement.
const MAX_UPDATES: usize = 128;

/// One resource of a contract revision, compiled.
#[derive(Debug)]
pub struct ResourcePlan {
    pub resource: Arc<Resource>,
    /// What the rows of a list's answer are called in JSON; in proto they are the plural.
    pub rows_in_json: String,
    pub dialect: Dialect,
    pub record: RecordPlan,
    pub fields: Fields,
    /// The references inside its lists.
    pub links: Links,
    /// Who sees and sets single fields.
    pub rules: FieldRules,
    /// Which fields are never said.
    pub classes: Classes,
    pub read: Option<Arc<Guard>>,
    pub create: Option<Guard>,
    pub update: Option<Guard>,
    pub delete: Option<Guard>,
    pub transitions: Vec<TransitionPlan>,
    /// What else happens.
    pub effects: Effects,
    insert: OnceLock<Arc<Compiled>>,
    claiming_insert: OnceLock<Arc<Compiled>>,
    remove: OnceLock<Arc<Compiled>>,
    pub lists: ListPlans,
    gets: KeyReads,
    /// For rows that references lead to.
    many: KeyReads,
    /// By what the lock is for.
    locked: [(Lock, KeyReads); 3],
    /// For a row that a rule looks at.
    held: KeyReads,
    /// For rows that effects look at, and that they change.
    held_many: KeyReads,
    changed_many: KeyReads,
    /// For a row that is named.
    named: KeyReads,
    /// For a row that another lies below, deleted or not.
    parents: KeyReads,
    /// Who may name a row.
    pub naming: Option<Arc<Guard>>,
    /// Whether what is written hangs on rows that nobody can hold: those that are not there.
    pub is_serial: bool,
    /// The same whoever writes: see [`super::serial`].
    pub is_always_serial: bool,
    /// References that never come back to where they began: whoever writes one, the system too, decides by rows that others
    /// move.
    pub chains: Vec<Chain>,
    updates: RwLock<HashMap<Vec<usize>, Arc<Compiled>, RandomState>>,
    /// What keeps a row of this one from being deleted: it lives under it, or refers to it where no foreign key says so because
    /// the row stays.
    pub dependents: Vec<Dependent>,
    /// The same for a row that was deleted and is to go: whatever lives under it, deleted or not.
    pub remains: Vec<Dependent>,
    due: OnceLock<Option<Due>>,
    of_subject: OnceLock<Option<Due>>,
    /// The resources of which one row is made with each of this one (AIP-156).
    pub singletons: Vec<usize>,
    /// How the parent's name is put together, for a resource that has one.
    pub parent: Option<Template>,
    /// What a writer sees who may not read the result: the name.
    pub name_only: Option<Selection>,
    /// Whether there can be rows that no page holds.
    pub may_be_wide: bool,
    /// Whether there can be rows that have no JSON: they hold messages of any type, or paths.
    pub may_lack_json: bool,
    shapes: Arc<Shapes>,
    relations: Arc<Relations>,
}

impl ResourcePlan {
    /// Compiles the resource of this number for one engine. Its statements are made when they are first used: of many resources
    /// most have few of them.
    pub fn new(
        number: usize,
        contract: &Contract,
        dialect: Dialect,
        shapes: &Arc<Shapes>,
        relations: &Arc<Relations>,
    ) -> Result<ResourcePlan, PlanError> {
        let resource = Arc::clone(&contract.resources[number]);
        let message = contract.pool.get_message_by_name(&resource.message).ok_or_else(|| PlanError {
            field: resource.message.clone(),
            message: "is not in the descriptors".to_owned(),
        })?;
        let name = resource.name_field.map(|number| (number, resource.template.clone()));
        let record = RecordPlan::with_aliases(&message, &resource.layout, name, resource.etag_field, &|message| {
            contract.aliases(message)
        })?;
        let name_only = if resource.name_field.is_some() { record.select(&["name"]).ok() } else { None };
        let guard = |rule: &Option<Rule>| rule.as_ref().map(|rule| Guard::new(vec![rule.clone()]));
        let rules = FieldRules::new(&resource);
        let deleted = resource.soft_delete.map(|kept| kept.delete_time);
        Ok(ResourcePlan {
            rows_in_json: json_name(&resource.plural),
            dialect,
            record,
            fields: Fields::new(&resource),
            links: Links::new(&resource),
            read: relations.reads[number].clone(),
            create: guard(&resource.access.create),
            update: update_guard(&resource.access.update),
            delete: guard(&resource.access.delete),
            transitions: TransitionPlan::of(&resource),
            effects: Effects::of(&resource),
            insert: OnceLock::new(),
            claiming_insert: OnceLock::new(),
            remove: OnceLock::new(),
            lists: ListPlans::default(),
            gets: KeyReads::new(dialect, None, None).telling(rules.told()),
            many: KeyReads::of_many(dialect).telling(rules.told()),
            rules,
            classes: Classes::of(&message),
            // Nothing new refers to a row that is deleted.
            locked: [(Lock::Stay, deleted), (Lock::Change, None), (Lock::Remove, None)]
                .map(|(lock, unset)| (lock, KeyReads::new(dialect, Some(lock), unset))),
            held: KeyReads::new(dialect, Some(Lock::Hold), None),
            held_many: KeyReads::of_many_locked(dialect, Lock::Hold),
            changed_many: KeyReads::of_many_locked(dialect, Lock::Change),
            named: KeyReads::new(dialect, None, deleted),
            parents: KeyReads::new(dialect, Some(Lock::Stay), None),
            naming: relations.names[number].clone(),
            chains: Chain::of(&resource),
            is_serial: is_serial(&resource, relations.watched.contains(&number)),
            is_always_serial: false,
            updates: RwLock::default(),
            dependents: Vec::new(),
            remains: Vec::new(),
            due: OnceLock::new(),
            of_subject: OnceLock::new(),
            singletons: Vec::new(),
            parent: parent(&resource.template),
            name_only,
            may_be_wide: page::largest_row_bytes(&resource.layout) > page::MAX_ROW_BYTES,
            may_lack_json: holds(&message, &["google.protobuf.Any", "google.protobuf.FieldMask"]),
            shapes: Arc::clone(shapes),
            relations: Arc::clone(relations),
            resource,
        })
    }

    /// The statement that adds a row. Params: the columns in the order of the layout.
    pub fn insert(&self) -> &Arc<Compiled> {
        self.insert.get_or_init(|| self.shapes.compile(insert(self.dialect, &Insert { table: self.table() })))
    }

    /// The same in one statement with the claim of a request id, where the engine has one. Params: the columns, then the
    /// claim's. It changes no row where the claim finds an answer.
    pub fn claiming_insert(&self) -> Option<&Arc<Compiled>> {
        let make = || self.shapes.compile(claiming_insert(&Insert { table: self.table() }, &answers::CLAIM));
        (self.dialect == Dialect::Postgres).then(|| self.claiming_insert.get_or_init(make))
    }

    /// The statement that removes a row. Params: the key, then the revision that was read.
    pub fn remove(&self) -> &Arc<Compiled> {
        self.remove.get_or_init(|| {
            let condition = unchanged(&self.resource);
            self.shapes.compile(delete(self.dialect, &Delete { table: self.table(), condition }))
        })
    }

    /// How deleted rows are found whose time is over, where there are such.
    pub fn due(&self) -> Option<&Due> {
        self.due.get_or_init(|| self.find_due()).as_ref()
    }

    /// How the rows of whoever calls are found, by their keys and deleted or not, where rows are anybody's.
    pub fn of_subject(&self) -> Option<&Due> {
        let find = || {
            let subject = self.resource.subject.as_ref()?;
            Some(self.due_where(&subject.rule.program.root, &self.relations.tables, &[]))
        };
        self.of_subject.get_or_init(find).as_ref()
    }

    /// Says whether one of its rules looks at other rows.
    pub fn looks_around(&self) -> bool {
        let written = [&self.create, &self.update, &self.delete].into_iter().filter_map(Option::as_ref);
        let own = self.transitions.iter().flat_map(|own| own.access.iter().chain(&own.guard));
        let written = written.chain(own);
        self.rules.look_around() || self.read.as_deref().into_iter().chain(written).any(|guard| !guard.is_alone())
    }

    /// Says whether a method can do anything for a caller, as far as the caller alone decides. What is changed must be read.
    pub fn is_open(&self, verb: Verb, caller: &Caller) -> bool {
        let open = |guard: Option<&Guard>| guard.is_some_and(|guard| !guard.is_closed_to(caller));
        let read = || open(self.read.as_deref());
        match verb.right() {
            Right::Read => read(),
            Right::Create => open(self.create.as_ref()),
            Right::Update => read() && open(self.update.as_ref()),
            Right::Delete => read() && open(self.delete.as_ref()),
            Right::Transition(which) => {
                let own = self.transitions.get(usize::from(which));
                read() && open(own.and_then(|own| own.access.as_ref()))
            }
        }
    }

    /// The table, as statements name it.
    pub fn table(&self) -> Table<'_> {
        Table { name: &self.resource.table, layout: &self.resource.layout }
    }

    /// What expressions may look at.
    pub fn relations(&self) -> &Relations {
        &self.relations
    }

    /// The statement shapes of the snapshot.
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// The statement that finds the keys of the rows that are in a record's way in an index, whoever may read them, with its
    /// values. Nothing where none can be.
    pub fn in_the_way(&self, index: &Index, record: &[Value]) -> Option<(Arc<Compiled>, Vec<Value>)> {
        let layout = &self.resource.layout;
        if !index.has(record) || self.is_deleted(record) {
            return None;
        }
        let mut values = Vec::new();
        let mut param = |value: &Value| {
            values.push(value.clone());
            values.len() - 1
        };
        let mut same = Vec::new();
        for (column, _) in &index.columns {
            let value = &record[*column];
            let unset = value.is_null() || (is_zero(&layout.columns[*column], value));
            if unset && !index.unset_conflicts {
                return None;
            }
            let folded = index.is_folded(layout, *column);
            same.push(Same { column: *column, folded, param: (!value.is_null()).then(|| param(value)) });
        }
        let mut conditions = vec![Condition::Same(&same)];
        if let Some(Span { from, to }) = index.span {
            if record[from].is_null() {
                return None;
            }
            let (from_param, to_param) = (param(&record[from]), (!record[to].is_null()).then(|| param(&record[to])));
            conditions.push(Condition::Overlap(Overlap { from, to, from_param, to_param }));
        }
        conditions.extend(index.condition.iter().map(|rule| Condition::Expr(&rule.program.root, Tables::NONE)));
        let finding = Select {
            table: self.table(),
            columns: (0..layout.keys()).collect(),
            condition: Condition::All(conditions.into_iter().chain(self.live()).collect()),
            order: &[],
            after: None,
            limit_param: None,
            lock: None,
            truths: Truths::NONE,
        };
        let statement = self.shapes.compile(select(self.dialect, &finding));
        Some((statement, values))
    }

    /// How this caller reads one row. Params: the key.
    pub fn get(&self, caller: &Caller) -> Readable {
        self.gets.of(self.table(), &self.relations.tables, self.read.as_deref(), caller, &self.shapes)
    }

    /// How this caller reads several rows. Params: their keys, see [`Self::many_keys`].
    pub fn get_many(&self, caller: &Caller) -> Readable {
        self.many.of(self.table(), &self.relations.tables, self.read.as_deref(), caller, &self.shapes)
    }

    /// The keys of rows as one parameter.
    pub fn many_keys(&self, keys: &[&[Value]]) -> Value {
        let text = |value: &Value| match value {
            Value::Text(text) => serde_json::Value::String(text.clone()),
            _ => serde_json::Value::Null,
        };
        let key = |key: &&[Value]| match *key {
            [one] => text(one),
            parts => parts.iter().map(text).collect(),
        };
        Value::Json(keys.iter().map(key).collect::<serde_json::Value>().to_string())
    }

    /// Finds the row, whoever may read it: to say that a name is taken, never to hand the row out. Params: the key.
    pub fn whoever(&self) -> &Arc<Compiled> {
        self.gets.open(self.table(), &self.shapes)
    }

    /// Finds the row for a rule that looks at it, which it does as the system. It stays as it is until the transaction ends.
    /// Params: the key.
    pub fn held(&self) -> &Arc<Compiled> {
        self.held.open(self.table(), &self.shapes)
    }

    /// Finds several rows for effects, which look at them as the system, and keeps them as they are, or for a change. Params:
    /// their keys, see [`Self::many_keys`].
    pub fn many_held(&self, to_change: bool) -> &Arc<Compiled> {
        let reads = if to_change { &self.changed_many } else { &self.held_many };
        reads.open(self.table(), &self.shapes)
    }

    /// Finds the row, whoever may read it, and keeps it as the lock has it until the transaction ends. Params: the key.
    pub fn whoever_locked(&self, lock: Lock) -> &Arc<Compiled> {
        let reads = self.locked.iter().find(|(of, _)| *of == lock).map_or(&self.gets, |(_, reads)| reads);
        reads.open(self.table(), &self.shapes)
    }

    /// How this caller reads one row that is to stay as the lock has it until the transaction ends. Params: the key.
    pub fn get_locked(&self, lock: Lock, caller: &Caller) -> Readable {
        let reads = self.locked.iter().find(|(of, _)| *of == lock).map_or(&self.gets, |(_, reads)| reads);
        // Whoever makes a row stay names it.
        let guard = if lock == Lock::Stay { &self.naming } else { &self.read };
        reads.of(self.table(), &self.relations.tables, guard.as_deref(), caller, &self.shapes)
    }

    /// How this caller finds one row that he names in another. Params: the key.
    pub fn named(&self, caller: &Caller) -> Readable {
        self.named.of(self.table(), &self.relations.tables, self.naming.as_deref(), caller, &self.shapes)
    }

    /// How this caller finds the row that one lies below which is there already, deleted or not. Params: the key.
    pub fn parent_of(&self, caller: &Caller) -> Readable {
        self.parents.of(self.table(), &self.relations.tables, self.naming.as_deref(), caller, &self.shapes)
    }

    /// The UPDATE of these columns. Params: the key, the revision that was read, then the columns.
    pub fn update(&self, columns: &[usize]) -> Arc<Compiled> {
        let known = self.updates.read().unwrap_or_else(PoisonError::into_inner).get(columns).cloned();
        known.unwrap_or_else(|| {
            let keys = self.resource.layout.keys();
            let (table, condition) = (self.table(), unchanged(&self.resource));
            let sql = update(self.dialect, &Update { table, set: columns, first_param: keys + 1, condition });
            let made = self.shapes.compile(sql);
            let mut map = self.updates.write().unwrap_or_else(PoisonError::into_inner);
            if map.len() < MAX_UPDATES {
                map.insert(columns.to_vec(), Arc::clone(&made));
            }
            made
        })
    }

    /// Copies a row.
    pub fn row(&self, row: &impl Row) -> Vec<Value> {
        let columns = self.resource.layout.columns.iter().enumerate();
        columns.map(|(index, column)| row.get(index, column.kind)).collect()
    }

    /// What of a row a caller does not see: one that was read with what is told of it.
    pub fn hidden(&self, sight: &Sight, row: &(impl Row + ?Sized)) -> Hidden {
        match sight.is_whole() {
            true => Hidden::new(),
            false => sight.hidden(&self.rules, &self.resource.layout.columns, row),
        }
    }

    /// Writes a row, or the wanted fields of it, as its caller sees it.
    pub fn encode(
        &self,
        sight: &Sight,
        row: &(impl Row + ?Sized),
        wanted: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        self.encode_without(&self.hidden(sight, row), row, wanted, out)
    }

    /// Writes a row without these columns.
    pub fn encode_without(
        &self,
        hidden: &[usize],
        row: &(impl Row + ?Sized),
        wanted: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let seen = Seen::new(row, &self.resource.layout.columns, hidden);
        match (hidden.is_empty(), wanted) {
            (true, None) => self.record.encode(row, out),
            (true, Some(wanted)) => self.record.encode_masked(row, wanted, out),
            (false, None) => self.record.encode(&seen, out),
            (false, Some(wanted)) => self.record.encode_masked(&seen, wanted, out),
        }
    }

    /// Writes a row into a list, as its caller sees it.
    pub fn encode_field(
        &self,
        (number, sight): (u32, &Sight),
        row: &(impl Row + ?Sized),
        wanted: Option<&Selection>,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        if sight.is_whole() {
            return self.record.encode_field(number, row, wanted, out);
        }
        let hidden = self.hidden(sight, row);
        self.record.encode_field(number, &Seen::new(row, &self.resource.layout.columns, &hidden), wanted, out)
    }

    /// Takes the name of a parent apart. A resource without one takes only the empty name.
    pub fn parse_parent<'n>(&self, parent: &'n str) -> Option<Vec<&'n str>> {
        let parts = match &self.parent {
            Some(template) => template.parse(parent),
            None => parent.is_empty().then(Vec::new),
        };
        // No text that is stored has this character, and PostgreSQL does not take it.
        parts.filter(|_| !parent.contains('\0'))
    }

    /// The form of a parent's name.
    pub fn parent_pattern(&self) -> &str {
        self.resource.pattern.rsplitn(3, '/').nth(2).unwrap_or_default()
    }

    /// The name of a record.
    pub fn name(&self, values: &[Value]) -> String {
        let unnamed = self.resource.layout.unnamed_keys();
        self.resource.template.render(|position| match values.get(unnamed + position) {
            Some(Value::Text(id)) => id,
            _ => "",
        })
    }
}

/// Says whether a message holds one of these types, at whatever depth.
fn holds(message: &MessageDescriptor, types: &[&str]) -> bool {
    let mut pending = vec![message.clone()];
    let mut seen = HashSet::new();
    while let Some(message) = pending.pop() {
        if types.contains(&message.full_name()) {
            return true;
        }
        if seen.insert(message.full_name().to_owned()) {
            pending.extend(message.fields().filter_map(|field| field.kind().as_message().cloned()));
        }
    }
    false
}

/// Says whether a write of the resource must be as if no other ran beside it: a rule of it quantifies over rows, which may
/// come and go; or one that looks elsewhere decides over a row that another's rule quantifies over.
fn is_serial(resource: &Resource, is_watched: bool) -> bool {
    let mut rules = resource.rules();
    rules.any(|rule| {
        let root = &rule.program.root;
        !root.asks().is_empty() || (is_watched && !root.looks().is_empty())
    })
}

/// The parent's part of a name: `publishers/{0}` of `publishers/{0}/books/{1}`.
fn parent(template: &Template) -> Option<Template> {
    let parts = template.parts.strip_suffix(&[TemplatePart::Variable(template.variables() - 1)])?;
    let (_, parts) = parts.split_last()?;
    (!parts.is_empty()).then(|| Template { parts: parts.to_vec() })
}

/// The row with this key, unchanged since it was read.
fn unchanged(resource: &Resource) -> Condition<'static> {
    let param = resource.layout.keys();
    Condition::All(vec![Condition::Keys { first_param: 0 }, Condition::RevisionIs { param }])
}

fn is_zero(column: &Column, value: &Value) -> bool {
    !column.nullable && *value == column.kind.zero()
}

/// All rules of an update must hold; no rule is no right.
fn update_guard(rules: &[Rule]) -> Option<Guard> {
    (!rules.is_empty()).then(|| Guard::new(rules.to_vec()))
}
