//! Rows that effects make.

use mainstay_expr::{Element, Program, Storage, Type, Wanted};
use prost_reflect::DynamicMessage;

use super::Reader;
use super::parts::{BEYOND, element, short};
use crate::capabilities;
use crate::effect::{Each, Put, Slot};
use crate::file::Spot;
use crate::options::{items, optional_text, text};
use crate::report::Report;
use crate::text::Step;
use crate::{FieldModel, Resource};

impl Reader<'_, '_> {
    pub(super) fn put(&self, report: &mut Report<'_>, put: &DynamicMessage) -> Option<Put> {
        let part = |name| [Step::Field("put"), Step::Field(name)];
        let spot = self.spot(report, &part("resource"));
        let resource = self.resource_of(report, &text(put, "resource"), &spot)?;
        let each = optional_text(put, "each").map(|path| self.each(report, &path));
        let each = match each {
            None => None,
            Some(each) => Some(each?),
        };
        let element = each.as_ref().map(|(_, element)| element.clone());
        let target = &self.resources[resource];
        self.check_organisation(report, target, &spot)?;
        self.can_be_made(report, target, put, &spot)?;
        let id = optional_text(put, "id").map(|source| {
            let spot = self.spot(report, &part("id"));
            self.value(report, ("the id", &source, &spot), Wanted::Value(&Type::Text), element.clone())
        });
        let parent = self.parent(report, put, (resource, target), element.clone())?;
        let set: Option<Vec<_>> = items(put, "set")
            .iter()
            .enumerate()
            .filter_map(|(position, value)| Some((position, value.as_message()?.clone())))
            .map(|(position, set)| self.put_field(report, resource, (position, &set), element.clone()))
            .collect();
        let id = match id {
            None => None,
            Some(id) => Some(id?),
        };
        Some(Put { resource, each: each.map(|(each, _)| each), id, parent, set: set? })
    }

    /// What belongs to no organisation cannot say to which of them the row belongs that it makes.
    fn check_organisation(&self, report: &mut Report<'_>, target: &Resource, spot: &Spot) -> Option<()> {
        if !target.layout.is_tenant() || self.own().layout.is_tenant() {
            return Some(());
        }
        report
            .error(spot, format!("a {} that is made like this would belong to no organisation", short(target)))
            .because(format!("{} belongs to organisations, and {} does not", target.message, self.own().message))
            .help("let a resource make it that belongs to organisations, too");
        None
    }

    /// Refuses rows that nobody makes, and new ones that are never valid: what must be set is not.
    fn can_be_made(&self, report: &mut Report<'_>, target: &Resource, put: &DynamicMessage, spot: &Spot) -> Option<()> {
        if target.singleton {
            report
                .error(spot, format!("a {} is there as long as what it lies below is", short(target)))
                .because("it is the only one there (AIP-156), so nothing makes it")
                .help("keep what is to be set in the row that it lies below");
            return None;
        }
        let set: Vec<String> =
            items(put, "set").iter().filter_map(|set| Some(text(set.as_message()?, "field"))).collect();
        let is_set = |name: &str| set.iter().any(|path| path.split('.').next() == Some(name));
        let lacks = |field: &&FieldModel| {
            let given = field.default.is_some() || field.columns.is_empty() || is_set(&field.name);
            field.behaviors.required && !given
        };
        // A row that is there may have it.
        let Some(missing) = target.fields.iter().find(lacks).filter(|_| optional_text(put, "id").is_none()) else {
            return Some(());
        };
        report
            .error(spot, format!("a {} that is made like this is never valid", short(target)))
            .because(format!("`{}` is REQUIRED, has no default, and is not set", missing.name))
            .help(format!("add set {{field: \"{}\" value: …}}", missing.name));
        None
    }

    /// The parent of what is made; nothing inside where it needs none.
    fn parent(
        &self,
        report: &mut Report<'_>,
        put: &DynamicMessage,
        (resource, target): (usize, &Resource),
        element: Option<Element>,
    ) -> Option<Option<Program>> {
        let spot = self.spot(report, &[Step::Field("put"), Step::Field("parent")]);
        match (optional_text(put, "parent"), target.parent) {
            (None, _) if target.variables.len() == 1 => Some(None),
            (Some(source), Some(parent)) => {
                self.value(report, ("the parent", &source, &spot), Wanted::Name(parent), element).map(Some)
            }
            (Some(_), None) if target.variables.len() == 1 => {
                report
                    .error(&spot, format!("{} lies below nothing", target.message))
                    .because(format!("its pattern is {}", target.pattern))
                    .help("leave `parent` out");
                None
            }
            (None, Some(_)) => {
                let spot = self.spot(report, &[Step::Field("put")]);
                report
                    .error(&spot, format!("a {} lies below another row, which is not said", self.short(resource)))
                    .because(format!("its pattern is {}", target.pattern))
                    .help("add parent: and what names it, for example parent: \"resource.name\"");
                None
            }
            (_, None) => {
                capabilities::refuse(report, &spot, BEYOND, "making rows below what is no resource");
                None
            }
        }
    }

    fn put_field(
        &self,
        report: &mut Report<'_>,
        resource: usize,
        (position, set): (usize, &DynamicMessage),
        element: Option<Element>,
    ) -> Option<(String, Slot, Program)> {
        let steps = [Step::Field("put"), Step::Item("set", position)];
        let spot_of = |report: &Report<'_>, name| self.spot(report, &[steps[0], steps[1], Step::Field(name)]);
        let (path, source) = (text(set, "field"), text(set, "value"));
        let spot = spot_of(report, "field");
        let (reached, target, at) = self.goal_in(report, resource, &path, &spot)?;
        if reached.resource != resource || reached.list.is_some() {
            capabilities::refuse(report, &spot, BEYOND, "setting more than single fields of a new row");
            return None;
        }
        self.settable(report, (&reached, &target), &report.files.within(&spot, at), true)?;
        let value_spot = spot_of(report, "value");
        let value =
            self.value(report, (&format!("the value of {path}"), &source, &value_spot), target.wanted(), element)?;
        Some((path, target.slot, value))
    }

    /// The resource of this name, as rules name it.
    fn resource_of(&self, report: &mut Report<'_>, name: &str, spot: &Spot) -> Option<usize> {
        let is_it = |resource: &&Resource| {
            resource.message == name || (resource.package == self.own().package && short(resource) == name)
        };
        let nearest = self.resources.iter().position(|resource| is_it(&resource));
        let alone = || {
            let mut named = self.resources.iter().enumerate().filter(|(_, resource)| short(resource) == name);
            named.next().filter(|_| named.next().is_none()).map(|(at, _)| at)
        };
        if let Some(found) = nearest.or_else(alone) {
            return Some(found);
        }
        let help = mainstay_expr::suggest(name, self.resources.iter().map(short), "the contract's resources are");
        report
            .error(spot, format!("there is no resource `{name}`"))
            .because("what is made is a row of a resource of the contract, by its message's name")
            .help(help.unwrap_or_else(|| "declare the message, with google.api.resource".to_owned()));
        None
    }

    /// The list whose elements are `this`.
    fn each(&self, report: &mut Report<'_>, written: &str) -> Option<(Each, Element)> {
        let spot = self.spot(report, &[Step::Field("put"), Step::Field("each")]);
        let begin = if written.starts_with("resource.") { "resource.".len() } else { 0 };
        let path = &written[begin..];
        let spot = report.files.within(&spot, begin..written.len());
        let (reached, last, at) = self.walked(report, self.resource, path, &spot)?;
        let is_child = reached.record.children.iter().any(|child| child.name == last);
        if is_child && reached.inside.is_none() {
            capabilities::refuse(
                report,
                &spot,
                "effects that quantify over rows",
                "making rows for each row of a collection",
            );
            return None;
        }
        let field = self.told(report, &spot, path, reached.field(last, at.clone()).cloned())?;
        let (Storage::Json { column, shape }, Type::List(ty)) = (&field.storage, &field.ty) else {
            let at = report.files.within(&spot, at);
            report
                .error(&at, format!("`{path}` is {}, and no list", field.ty.describe()))
                .because("`each` goes over a repeated field")
                .help("name a repeated field, or leave `each` out");
            return None;
        };
        if reached.list.is_some() {
            capabilities::refuse(report, &spot, BEYOND, "a list inside another");
            return None;
        }
        let element = element(ty, shape);
        Some((Each { path: path.to_owned(), row: reached.row, column: *column }, element))
    }
}
