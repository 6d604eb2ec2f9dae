//! Fields that name another resource.

use mainstay_expr::{Field, Storage, Type, suggest};
use mainstay_record::{Kind, Role};

use crate::FieldModel;
use crate::annotations::{FIELD, OnDelete, REFERENCE};
use crate::capabilities;
use crate::file::Spot;
use crate::model::Reference;
use crate::resource::layout::{Builder, Item};
use crate::resource::on_delete;
use crate::resource::options;
use crate::resource::types::Stored;
use crate::text::Step;

impl Builder<'_, '_> {
    /// Lays out a reference: the key columns of what it refers to.
    pub(super) fn reference(&mut self, item: Item, target: &str) -> Option<(FieldModel, Field)> {
        let spot = options::spot(self.report, &item.descriptor, REFERENCE, &[Step::Field("type")]);
        let stored = self.types.stored(&item.descriptor);
        if !matches!(stored, Ok(Stored::Scalar { kind: Kind::Text, wrapped: false, .. })) || item.descriptor.is_map() {
            self.report
                .error(&spot, format!("{} cannot be a reference", item.field_path))
                .because("a reference is a string that holds a resource name (AIP-122)")
                .help("make the field a string, or remove the annotation");
            return None;
        }
        let refused = match () {
            () if target == "*" => Some(("references to any resource", "a reference to any resource")),
            () if item.descriptor.is_list() => Some(("repeated references", "a repeated reference")),
            () => None,
        };
        if let Some((capability, what)) = refused {
            capabilities::refuse(self.report, &spot, capability, what);
            return None;
        }
        let Some(resource) = self.heads.iter().position(|head| head.type_name == target) else {
            self.unknown_target(&spot, target);
            return None;
        };
        if !item.constraints.checks.is_empty() || item.constraints.conditional {
            capabilities::refuse(self.report, &item.spot, "constraints on references", "a constraint on a reference");
        }
        self.refuse_default_of_reference(&item);
        let on_delete = self.on_delete(&item, resource);
        if item.options.acyclic && self.heads[resource].type_name != self.head.type_name {
            let spot = options::spot(self.report, &item.descriptor, FIELD, &[Step::Field("acyclic")]);
            self.report
                .error(&spot, format!("{} refers to another resource", item.field_path))
                .because("`acyclic` says that following a reference to the same resource never comes back")
                .help("leave it out");
        }
        let acyclic = item.options.acyclic;
        let columns = self.reference_columns(&item, resource);
        let template = self.heads[resource].pattern.template.clone();
        self.built.references.push(Reference {
            field: item.field_path.clone(),
            number: item.descriptor.number(),
            target: target.to_owned(),
            resource,
            columns: columns.clone(),
            on_delete,
            acyclic,
            place: self.report.files.place(&item.spot),
        });
        let storage = Storage::Template { template, columns: columns.clone(), nullable: true, target: Some(resource) };
        Some(item.done(Type::Text, storage, columns, false, self.report))
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

    fn on_delete(&mut self, item: &Item, target: usize) -> OnDelete {
        let on_delete = item.options.on_delete.unwrap_or_default();
        let spot = options::spot(self.report, &item.descriptor, FIELD, &[Step::Field("on_delete")]);
        if on_delete == OnDelete::SetNull && item.options.behaviors.required {
            self.report
                .error(&spot, format!("{} is REQUIRED and cannot be unset", item.field_path))
                .because("SET_NULL unsets it when what it refers to is deleted")
                .help("write CASCADE or RESTRICT, or remove REQUIRED");
        }
        if on_delete == OnDelete::Cascade {
            on_delete::check_kept(self.report, &spot, self.head, &self.heads[target]);
        }
        on_delete
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

    fn unknown_target(&mut self, spot: &Spot, target: &str) {
        if self.may_be_left_out(target) {
            return;
        }
        let known: Vec<&str> = self.heads.iter().map(|head| head.type_name.as_str()).collect();
        let draft = self
            .report
            .error(spot, format!("no resource has the type `{target}`"))
            .because("a reference names the type of a resource of the same contract");
        if let Some(help) = suggest(target, known, "the contract's resources are") {
            draft.help(help);
        }
    }

    /// Whether the resource may stand in a file that has problems of its own and was left out for them.
    fn may_be_left_out(&self, target: &str) -> bool {
        let pool = self.head.message.parent_pool();
        let declares = |text: &str| {
            let before = text.match_indices(target).map(|(at, _)| text[..at].trim_end_matches(['"', '\'']).trim_end());
            before.into_iter().any(|before| before.ends_with("type:"))
        };
        let mut left_out = self.report.files.all.iter().filter(|file| pool.get_file_by_name(&file.name).is_none());
        left_out.any(|file| declares(&file.source.text))
    }
}
