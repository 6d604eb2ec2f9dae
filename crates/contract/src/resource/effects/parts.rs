//! What an effect does, part by part.

use std::ops::Range;
use std::sync::Arc;

use mainstay_expr::{Element, Field, Storage, Type, Wanted};
use mainstay_record::JsonShape;
use prost_reflect::{DynamicMessage, Kind};

use super::path::{Listed, Reached, Stuck, walk};
use super::{Reader, transition};
use crate::capabilities;
use crate::effect::{Aim, Goal, Slot, Trigger, What};
use crate::file::Spot;
use crate::options::text;
use crate::report::Report;
use crate::resource::access::nested;
use crate::text::Step;
use crate::{FieldModel, Numeric, Resource};

/// What is refused by name beyond single values.
pub(super) const BEYOND: &str = "effects on messages and lists";

/// A field, and what a value for it must be.
pub(super) struct Target {
    pub(super) slot: Slot,
    ty: Type,
    /// The resource that a reference names.
    refers: Option<usize>,
}

impl Target {
    pub(super) fn wanted(&self) -> Wanted<'_> {
        self.refers.map_or(Wanted::Value(&self.ty), Wanted::Name)
    }
}

impl Reader<'_, '_> {
    pub(super) fn what(&self, report: &mut Report<'_>, written: &DynamicMessage, on: &[Trigger]) -> Option<What> {
        if let Some(set) = nested(written, "set") {
            return self.set(report, &set, on);
        }
        if let Some(adjust) = nested(written, "adjust") {
            return self.adjust(report, &adjust);
        }
        if let Some(put) = nested(written, "put") {
            return self.put(report, &put).map(What::Put);
        }
        if let Some(moved) = nested(written, "move") {
            return self.moved(report, &moved, on);
        }
        // Others are refused by their names.
        if nested(written, "call").is_none() {
            let spot = self.spot(report, &[]);
            report
                .error(&spot, "the effect does nothing")
                .because("an effect says what else happens")
                .help("add for example set {field: \"approver\" value: \"auth.uid\"}");
        }
        None
    }

    fn set(&self, report: &mut Report<'_>, set: &DynamicMessage, on: &[Trigger]) -> Option<What> {
        let (path, source) = (text(set, "field"), text(set, "value"));
        let spot = self.spot(report, &[Step::Field("set"), Step::Field("field")]);
        let (reached, target, at) = self.goal(report, &path, &spot)?;
        let is_made = reached.row.hops.is_empty() && on.iter().all(|trigger| *trigger == Trigger::Create);
        self.settable(report, (&reached, &target), &report.files.within(&spot, at), is_made)?;
        if reached.row.hops.is_empty() && on.contains(&Trigger::Delete) {
            report
                .error(&spot, format!("`{path}` is of a row that goes"))
                .because("the effect is of a deletion, after which nothing can be set in the row")
                .help("leave `delete` out, or set a field of another row");
            return None;
        }
        let value_spot = self.spot(report, &[Step::Field("set"), Step::Field("value")]);
        let element = reached.list.as_ref().map(|list| list.element.clone());
        let what = format!("the value of {path}");
        let value = self.value(report, (&what, &source, &value_spot), target.wanted(), element)?;
        Some(What::Set { goal: goal(&path, reached, target.slot), value })
    }

    fn adjust(&self, report: &mut Report<'_>, adjust: &DynamicMessage) -> Option<What> {
        let (path, source) = (text(adjust, "field"), text(adjust, "by"));
        let spot = self.spot(report, &[Step::Field("adjust"), Step::Field("field")]);
        let (reached, target, at) = self.goal(report, &path, &spot)?;
        let at = report.files.within(&spot, at);
        if reached.row.hops.is_empty() {
            report
                .error(&spot, format!("`{path}` is of the row itself"))
                .because("an adjustment is of rows that this one refers to")
                .help(format!("write set {{field: \"{path}\" value: \"resource.{path} + …\"}}"));
            return None;
        }
        let counts = matches!(&target.slot, Slot::Column { numeric: Some(numeric), .. } if *numeric != Numeric::Time);
        if !counts {
            report
                .error(&at, format!("`{path}` is {}, and no number", target.ty.describe()))
                .because("an adjustment adds to what is there")
                .help("name a field of an integer type, or a double");
            return None;
        }
        self.settable(report, (&reached, &target), &at, false)?;
        let by_spot = self.spot(report, &[Step::Field("adjust"), Step::Field("by")]);
        let element = reached.list.as_ref().map(|list| list.element.clone());
        let what = format!("what {path} is adjusted by");
        let by = self.value(report, (&what, &source, &by_spot), target.wanted(), element)?;
        Some(What::Adjust { goal: goal(&path, reached, target.slot), by })
    }

    fn moved(&self, report: &mut Report<'_>, moved: &DynamicMessage, on: &[Trigger]) -> Option<What> {
        let (path, name) = (text(moved, "row"), text(moved, "transition"));
        let spot = self.spot(report, &[Step::Field("move"), Step::Field("row")]);
        if path == "resource" && on.contains(&Trigger::Delete) {
            report
                .error(&spot, "`resource` is the row that goes")
                .because("the effect is of a deletion, after which the row goes along no transition")
                .help("leave `delete` out, or move another row");
            return None;
        }
        let to = if path == "resource" {
            let row = mainstay_expr::Row::of(mainstay_expr::Root::Resource);
            Aim { path: String::new(), list: None, row, resource: self.resource }
        } else {
            let path = path.strip_prefix("resource.").unwrap_or(&path);
            let (reached, last, at) = self.walked(report, self.resource, path, &spot)?;
            let records = Arc::clone(&self.rules.vocabulary.records);
            let reached = self.told(report, &spot, path, reached.step(last, at.clone(), &records))?;
            if reached.row.hops.is_empty() {
                let at = report.files.within(&spot, at);
                report
                    .error(&at, format!("`{path}` leads to no other row"))
                    .because(
                        "what goes along a transition is a row: `resource`, or one that it refers to or lies below",
                    )
                    .help("name a reference or a variable of the pattern");
                return None;
            }
            Aim {
                path: path.to_owned(),
                list: reached.list.map(|list| list.column),
                row: reached.row,
                resource: reached.resource,
            }
        };
        let target = &self.resources[to.resource];
        let spot = self.spot(report, &[Step::Field("move"), Step::Field("transition")]);
        let Some(found) = transition(target, &name) else {
            if !self.is_failed(to.resource, &name) {
                let names = target.transitions.iter().map(|own| own.name.as_str());
                let help = mainstay_expr::suggest(&name, names, "its transitions are");
                report
                    .error(&spot, format!("{} has no transition `{name}`", target.message))
                    .because("a move takes a row along one of its transitions")
                    .help(help.unwrap_or_else(|| "give the resource states, and transitions between them".to_owned()));
            }
            return None;
        };
        if let Some(input) = target.transitions[usize::from(found)].inputs.iter().find(|input| input.required) {
            report
                .error(&spot, format!("`{}` must be given with {name}, and nobody gives it here", input.name))
                .because("an effect moves a row without anything from a caller")
                .help("leave REQUIRED out, or make two transitions of it");
            return None;
        }
        Some(What::Move { to, transition: found })
    }

    /// Whether a transition is written, and has problems of its own.
    fn is_failed(&self, resource: usize, name: &str) -> bool {
        resource == self.resource && self.rules.head.transitions.iter().any(|own| own.name == name)
    }

    pub(super) fn short(&self, resource: usize) -> &str {
        short(&self.resources[resource])
    }

    fn goal(&self, report: &mut Report<'_>, path: &str, spot: &Spot) -> Option<(Reached, Target, Range<usize>)> {
        self.goal_in(report, self.resource, path, spot)
    }

    /// The field at a path that begins at a resource.
    pub(super) fn goal_in(
        &self,
        report: &mut Report<'_>,
        resource: usize,
        path: &str,
        spot: &Spot,
    ) -> Option<(Reached, Target, Range<usize>)> {
        let (reached, last, at) = self.walked(report, resource, path, spot)?;
        let field = self.told(report, spot, path, reached.field(last, at.clone()).cloned())?;
        match self.target(&reached, &field, path) {
            Some(target) => Some((reached, target, at)),
            None => {
                let at = report.files.within(spot, at);
                let what = format!("an effect on `{path}`, which is {},", field.ty.describe());
                capabilities::refuse(report, &at, BEYOND, &what);
                None
            }
        }
    }

    fn target(&self, reached: &Reached, field: &Field, path: &str) -> Option<Target> {
        let ty = field.ty.clone();
        let slot = match (&field.storage, &reached.inside) {
            (Storage::Column { index, .. }, _) => {
                let numeric = self.resources[reached.resource].field_of(*index).and_then(|model| model.numeric);
                Slot::Column { column: *index, numeric }
            }
            (Storage::Template { template, columns, nullable: true, target }, _) => {
                let slot = Slot::Reference { columns: columns.clone(), template: template.clone() };
                return Some(Target { slot, ty, refers: target.as_ref().map(|to| to.table) });
            }
            (Storage::InJson, Some(_)) if is_kept_in_json(&ty) => {
                let model = self.rules.head.message.parent_pool().get_message_by_name(&reached.record.name)?;
                let descriptor = model.get_field(field.number)?;
                let presence = descriptor.supports_presence();
                let numeric = Numeric::of(&descriptor);
                Slot::Element { keys: reached.keys(field)?, numeric, presence, others: self.others(reached, path) }
            }
            _ => return None,
        };
        Some(Target { slot, ty, refers: None })
    }

    /// Where the other fields of the oneofs lie in an element, whose fields the end of a path names.
    fn others(&self, reached: &Reached, path: &str) -> Vec<Vec<String>> {
        let (mut others, mut keys) = (Vec::new(), Vec::new());
        let inside = reached.inside.as_ref().map_or(0, |inside| inside.keys.len() + 1);
        let names: Vec<&str> = path.split('.').collect();
        let Some(Element { ty: Type::Message(record), shape, message: Some(first) }) =
            reached.list.as_ref().map(|list| &list.element)
        else {
            return others;
        };
        let mut message = self.rules.head.message.parent_pool().get_message_by_name(&record.name);
        let mut entry = Some(*first);
        for name in &names[names.len().saturating_sub(inside)..] {
            let (Some(of), Some(at)) = (message.take(), entry.take()) else { break };
            let stored = |number: u32| shape.messages.get(at)?.fields.iter().find(|field| field.number == number);
            let Some(field) = of.get_field_by_name(name) else { break };
            let Some(own) = stored(field.number()) else { break };
            let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
            let siblings = oneof.iter().flat_map(|oneof| oneof.fields()).filter(|other| *other != field);
            for sibling in siblings.filter_map(|other| stored(other.number())) {
                others.push([&keys[..], std::slice::from_ref(&sibling.key)].concat());
            }
            keys.push(own.key.clone());
            message = if let Kind::Message(inner) = field.kind() { Some(inner) } else { None };
            entry = own.message;
        }
        others
    }

    /// Refuses fields that an effect does not set. `is_made`: the row is made by it.
    pub(super) fn settable(
        &self,
        report: &mut Report<'_>,
        (reached, target): (&Reached, &Target),
        at: &Spot,
        is_made: bool,
    ) -> Option<()> {
        const MADE: [&str; 5] = ["uid", "create_time", "update_time", "delete_time", "etag"];
        let resource = &self.resources[reached.resource];
        let field = match &target.slot {
            Slot::Column { column, .. } => resource.field_of(*column),
            Slot::Reference { columns, .. } => resource.fields.iter().find(|field| field.columns == *columns),
            Slot::Element { .. } => return Some(()),
        };
        let (column, name) = (first_column(&target.slot), field.map_or("", |field| field.name.as_str()));
        let is_immutable = |field: &FieldModel| field.behaviors.immutable;
        let obstacle = if MADE.contains(&name) && field.is_some_and(|field| field.path.0.len() == 1) {
            Some(("the server makes it", "leave it out"))
        } else if resource.states.iter().any(|states| Some(states.column) == column) {
            Some(("transitions alone change states", "write move {row: … transition: …}"))
        } else if resource.soft_delete.is_some_and(|kept| kept.expire_time == column && column.is_some()) {
            Some(("the server makes it", "leave it out"))
        } else if field.is_some_and(is_immutable) && !is_made {
            Some(("it is IMMUTABLE, so it is set when the row is made", "leave IMMUTABLE out"))
        } else {
            None
        };
        let Some((cause, help)) = obstacle else { return Some(()) };
        report.error(at, format!("`{name}` cannot be set by an effect")).because(cause).help(help);
        None
    }

    pub(super) fn walked<'p>(
        &self,
        report: &mut Report<'_>,
        resource: usize,
        path: &'p str,
        spot: &Spot,
    ) -> Option<(Reached, &'p str, Range<usize>)> {
        self.told(report, spot, path, walk(path, resource, &self.rules.vocabulary.records))
    }

    /// Reports why a path leads nowhere, unless that is told elsewhere.
    pub(super) fn told<T>(
        &self,
        report: &mut Report<'_>,
        spot: &Spot,
        path: &str,
        found: Result<T, Stuck>,
    ) -> Option<T> {
        let cause = "the path of an effect leads through fields, one list, references and what a row lies below";
        match found {
            Ok(found) => return Some(found),
            Err(Stuck::Unknown { name, .. }) if self.rules.failed.contains(&name) => {}
            Err(Stuck::Unknown { at, name, of, help }) => {
                let at = report.files.within(spot, at);
                let draft = report.error(&at, format!("{of} has no field `{name}`")).because(cause);
                if let Some(help) = help {
                    draft.help(help);
                }
            }
            Err(Stuck::Unsupported { at, what }) => {
                let at = report.files.within(spot, at);
                capabilities::refuse(report, &at, BEYOND, &what);
            }
            Err(Stuck::Wrong { at, message }) => {
                let at = report.files.within(spot, at);
                let help = if path.is_empty() {
                    "name a field"
                } else {
                    "name a field of the row, or of one that it refers to"
                };
                report.error(&at, message).because(cause).help(help);
            }
        }
        None
    }
}

fn goal(path: &str, reached: Reached, slot: Slot) -> Goal {
    let list = reached.list.map(|Listed { column, .. }| column);
    let to = path.rsplit_once('.').map_or("", |(to, _)| to).to_owned();
    Goal { aim: Aim { path: to, list, row: reached.row, resource: reached.resource }, path: path.to_owned(), slot }
}

pub(super) fn element(ty: &Type, shape: &JsonShape) -> Element {
    let message = (!shape.messages.is_empty()).then_some(0);
    Element { ty: ty.clone(), shape: Arc::new(shape.clone()), message }
}

/// Whether a value of the type lies in a document as expressions read it.
fn is_kept_in_json(ty: &Type) -> bool {
    !matches!(ty, Type::Bytes | Type::Message(_) | Type::List(_) | Type::Map(_) | Type::MapOther { .. } | Type::Struct)
}

fn first_column(slot: &Slot) -> Option<usize> {
    match slot {
        Slot::Column { column, .. } => Some(*column),
        Slot::Reference { columns, .. } => columns.first().copied(),
        Slot::Element { .. } => None,
    }
}

pub(super) fn short(resource: &Resource) -> &str {
    resource.message.rsplit('.').next().unwrap_or(&resource.message)
}
