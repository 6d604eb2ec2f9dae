//! Fields that name another resource, or an account.

use mainstay_expr::{Field, LinkTo, Referred, Storage, Type};
use mainstay_record::{Kind, Role};

use crate::FieldModel;
use crate::annotations::{FIELD, REFERENCE};
use crate::capabilities;
use crate::model::{AccountReference, Reference};
use crate::resource::layout::{Builder, Item};
use crate::resource::links::{Declared, To};
use crate::resource::options;
use crate::resource::types::Stored;
use crate::text::Step;

impl Builder<'_, '_> {
    /// Lays out a reference: the key columns of what it refers to; of several the list of their names.
    pub(super) fn reference(&mut self, item: Item) -> Option<(FieldModel, Field)> {
        let stored = self.types.stored(&item.descriptor);
        let Ok(stored @ Stored::Scalar { kind: Kind::Text, wrapped: false, .. }) = stored else {
            return self.no_reference(&item);
        };
        if item.descriptor.is_map() {
            return self.no_reference(&item);
        }
        if item.descriptor.is_list() {
            return Some(self.json(item, &stored));
        }
        let (head, heads) = (self.head, self.heads);
        let declared =
            Declared { head, heads, field: &item.descriptor, options: &item.options, path: &item.field_path };
        let to = declared.to(self.report)?;
        declared.check_acyclic(self.report, to);
        let on_delete = declared.on_delete(self.report, to);
        if !item.constraints.checks.is_empty() || item.constraints.conditional {
            capabilities::refuse(self.report, &item.spot, "constraints on references", "a constraint on a reference");
        }
        let To::Resource(resource) = to else { return Some(self.account(item)) };
        self.refuse_default_of_reference(&item);
        let acyclic = item.options.acyclic;
        let LinkTo { template, .. } = to.link(heads);
        self.refuse_of_organisations(&item, resource);
        let columns = self.reference_columns(&item, resource);
        let key: Vec<usize> = heads[resource].tenant.then_some(0).into_iter().chain(columns.iter().copied()).collect();
        self.built.references.push(Reference {
            field: item.field_path.clone(),
            number: item.descriptor.number(),
            target: heads[resource].type_name.clone(),
            resource,
            columns: columns.clone(),
            key: key.clone(),
            on_delete,
            acyclic,
            place: self.report.files.place(&item.spot),
        });
        let target = Some(Referred { table: resource, key });
        let storage = Storage::Template { template, columns: columns.clone(), nullable: true, target };
        Some(item.done(Type::Text, storage, columns, false, self.report))
    }

    /// What belongs to no organisation cannot say to which of them the row belongs that it names.
    fn refuse_of_organisations(&mut self, item: &Item, resource: usize) {
        let target = &self.heads[resource];
        if !target.tenant || self.head.tenant {
            return;
        }
        let spot = options::spot(self.report, &item.descriptor, REFERENCE, &[Step::Field("type")]);
        self.report
            .error(&spot, format!("{} would refer to a row of any organisation", item.field_path))
            .because(format!(
                "{} belongs to organisations, and {} does not",
                target.message.full_name(),
                self.head.message.full_name()
            ))
            .help("write tenant: true into the options of this resource, too, or keep what it is about in a resource that is");
    }

    fn no_reference<T>(&mut self, item: &Item) -> Option<T> {
        let spot = options::spot(self.report, &item.descriptor, REFERENCE, &[Step::Field("type")]);
        self.report
            .error(&spot, format!("{} cannot be a reference", item.field_path))
            .because("a reference is a string that holds a resource name (AIP-122)")
            .help("make the field a string, or remove the annotation");
        None
    }

    /// An account is kept by another service: its id has a column, and nothing says that it is there.
    fn account(&mut self, item: Item) -> (FieldModel, Field) {
        let LinkTo { template, .. } = To::Account.link(self.heads);
        let target = item.options.reference.clone().unwrap_or_default();
        let role = Role::Reference { target, template, position: 0 };
        let column = self.push(item.column.clone(), item.field_path.clone(), item.path.clone(), role, Kind::Text, true);
        self.built.accounts.push(AccountReference { field: item.field_path.clone(), column });
        item.done(Type::Text, Storage::Account { column }, vec![column], false, self.report)
    }

    fn reference_columns(&mut self, item: &Item, resource: usize) -> Vec<usize> {
        let target = &self.heads[resource];
        let variables = target.pattern.variables.clone();
        let role = |position| Role::Reference {
            target: target.type_name.clone(),
            template: target.pattern.template.clone(),
            position,
        };
        let roles: Vec<Role> = (0..variables.len()).map(role).collect();
        let single = variables.len() == 1;
        let columns = variables.iter().zip(roles).map(|(variable, role)| {
            let name = if single { item.column.clone() } else { format!("{}__{variable}", item.column) };
            self.push(name, item.field_path.clone(), item.path.clone(), role, Kind::Text, true)
        });
        columns.collect()
    }

    fn refuse_default_of_reference(&mut self, item: &Item) {
        if item.options.default.is_some() {
            let spot = options::spot(self.report, &item.descriptor, FIELD, &[Step::Field("default")]);
            self.report
                .error(&spot, format!("{} cannot have a default", item.field_path))
                .because("it refers to a resource")
                .help("remove the default");
        }
    }
}
