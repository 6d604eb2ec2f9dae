//! References inside lists: what a list that stands begins to refer to, and what it refers to no more.

use mainstay_contract::{Link, Resource};
use mainstay_sql::{Hop, LinkName, NamesIn, Probe, SchemaStep};

use super::planner::{Planner, Standing, name_rows};
use super::referring::{keys_of, words_of};
use super::{Change, PlanError, Safety, Step};
use crate::json::places::{self, into_values};
use crate::{ColumnId, FieldPath, ResourceEntry};

impl<'a> Planner<'a> {
    /// Notes the references inside the lists of a resource that is new: no row names anything yet.
    pub(super) fn note_links(resource: &Resource, entry: &mut ResourceEntry) {
        entry.links = links(resource).map(|link| (path_of(link), link.target.clone())).collect();
    }

    /// Compares those of a resource that stands with what they were. To be done when every table has its name.
    pub(super) fn links_of(&mut self, known: &Standing<'a>) -> Result<(), PlanError> {
        let wanted: Vec<&Link> = links(known.resource).collect();
        let is_wanted = |path: &String| wanted.iter().any(|link| path_of(link) == *path);
        let lost: Vec<(String, String)> =
            known.was.links.iter().filter(|(path, _)| !is_wanted(path)).map(|(a, b)| (a.clone(), b.clone())).collect();
        for (path, target) in lost {
            let schema = vec![SchemaStep::ForgetLinks { link: self.name(known, &path, &target) }];
            let change = Change::UnlinkField { field: named(known.was, &path), from: target };
            self.link_step(known, change, Safety::Safe, schema, None);
        }
        for link in wanted {
            let path = path_of(link);
            match known.was.links.get(&path) == Some(&link.target) {
                false => self.gained(known, link)?,
                true if known.was.hidden.is_some() => self.regained(known, link)?,
                true => {}
            }
        }
        if let Some(entry) = self.ledger.resources.get_mut(&known.resource.type_name) {
            let mut now = (**entry).clone();
            Self::note_links(known.resource, &mut now);
            if now != **entry {
                *entry = now.into();
            }
        }
        Ok(())
    }

    /// A resource is back whose lists refer as they did before it was hidden. Nobody kept what they name from being deleted
    /// meanwhile.
    fn regained(&mut self, known: &Standing<'a>, link: &'a Link) -> Result<(), PlanError> {
        let Some((Some(before), _)) = columns_of(known, link) else { return Ok(()) };
        let safety = self.sound(known, link, &before)?;
        if matches!(safety, Safety::Refused { .. }) {
            let change = Change::LinkField { field: link.field.clone(), to: link.target.clone() };
            self.link_step(known, change, safety, Vec::new(), Some(link));
        }
        Ok(())
    }

    fn gained(&mut self, known: &Standing<'a>, link: &'a Link) -> Result<(), PlanError> {
        let change = Change::LinkField { field: link.field.clone(), to: link.target.clone() };
        let Some((before, after)) = columns_of(known, link) else { return Ok(()) };
        // In a column that is new nothing stands, unless the field was a reference all along.
        let safety = match before {
            Some(before) => Some(self.sound(known, link, &before)?),
            None if is_converted(known, link) => None,
            None => return Ok(()),
        };
        let now = self.ledger.resources.get(&link.target).map(|target| (target.table.clone(), keys_of(target)));
        let own = self.ledger.resources.get(&known.resource.type_name).map(|own| (own.table.clone(), keys_of(own)));
        let (Some((own, own_keys)), Some(target)) = (own, now) else { return Ok(()) };
        let places = places_of(known, link);
        let names =
            places.iter().map(|place| names_in((own.clone(), own_keys.clone(), &after), place, target.clone(), link));
        let link_name = self.name(known, &path_of(link), &link.target);
        let fill = SchemaStep::FillLinks { link: link_name, names: names.collect() };
        match safety {
            Some(safety) => self.link_step(known, change, safety, vec![fill], Some(link)),
            None => {
                let converts = |made: &SchemaStep| matches!(made, SchemaStep::ReplaceColumns { made, .. } if made.iter().any(|made| made.column.name == after));
                let own = self
                    .steps
                    .iter_mut()
                    .find(|step| step.resource == known.resource.type_name && step.schema.iter().any(converts));
                own.into_iter().for_each(|step| step.schema.push(fill.clone()));
            }
        }
        Ok(())
    }

    /// Looks through the names that stand in a column, for those that lead nowhere.
    fn sound(&self, known: &Standing<'a>, link: &Link, before: &str) -> Result<Safety, PlanError> {
        let refused = |why: String, remedy: &str| Safety::Refused { why, remedy: remedy.to_owned() };
        // What becomes a list is a name still.
        let places = if is_converted(known, link) { vec![Vec::new()] } else { places_of(known, link) };
        let target = self.before.resource(&link.target).map(|target| (target.table.clone(), keys_of(target)));
        let mut safety = Safety::Safe;
        match (&target, places.is_empty()) {
            (Some((table, keys)), false) => {
                for place in &places {
                    let (own, key_names) = (known.was.table.clone(), known.key_names());
                    let names = names_in((own, key_names, before), place, (table.clone(), keys.clone()), link);
                    let answer = self.ask(&Probe::Nowhere { names })?;
                    if answer.count > 0 {
                        let why = format!(
                            "{} would refer to {}, and names what is none in {}",
                            link.field,
                            link.target,
                            name_rows(known.resource, &answer)
                        );
                        safety = refused(why, "correct the names there first, or leave the reference out");
                    }
                }
            }
            _ => {
                let (table, key_names, column) = (known.was.table.clone(), known.key_names(), before.to_owned());
                let answer = self.ask(&Probe::Set { table, keys: key_names, column })?;
                if answer.count > 0 {
                    let why = format!(
                        "what {} names is not looked through where a message contains itself, or what it names is new",
                        link.field
                    );
                    safety = refused(
                        why,
                        "leave the reference out; adding such a one to rows that stand is not supported yet",
                    );
                }
            }
        }
        Ok(safety)
    }

    fn name(&self, known: &Standing<'a>, path: &str, target: &str) -> LinkName {
        LinkName { source: known.resource.type_name.clone(), target: target.to_owned(), path: path.to_owned() }
    }

    fn link_step(
        &mut self,
        known: &Standing<'a>,
        change: Change,
        safety: Safety,
        schema: Vec<SchemaStep>,
        link: Option<&Link>,
    ) {
        let place = Some(link.map_or_else(|| known.resource.place.clone(), |link| link.place.clone()));
        let column = link.and_then(|link| known.resource.layout.columns.get(link.column));
        let path = column.map(|column| FieldPath::from(&column.path));
        self.steps.push(Step {
            resource: known.resource.type_name.clone(),
            change,
            safety,
            schema,
            note: None,
            place,
            path,
        });
    }
}

/// Those that lead to rows of the contract.
fn links(resource: &Resource) -> impl Iterator<Item = &Link> {
    resource.links.iter().filter(|link| link.resource.is_some())
}

fn path_of(link: &Link) -> String {
    link.path.0.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// The names of the fields on the way, as far as they have entries.
fn named(was: &ResourceEntry, path: &str) -> String {
    let numbers: Vec<u32> = path.split('.').filter_map(|number| number.parse().ok()).collect();
    let name = |length: usize| match was.fields.get(&FieldPath(numbers[..length].to_vec())) {
        Some(field) => field.name.clone(),
        None => numbers[length - 1].to_string(),
    };
    (1..=numbers.len()).map(name).collect::<Vec<_>>().join(".")
}

/// The column of the names, as it was, if it was there, and as it is called.
fn columns_of(known: &Standing<'_>, link: &Link) -> Option<(Option<String>, String)> {
    let column = ColumnId::of(known.resource.layout.columns.get(link.column)?, link.column);
    let name = |entry: &ResourceEntry| entry.columns.get(&column).map(|column| column.name.clone());
    Some((name(known.was), name(&known.entry)?))
}

/// Says whether the column is made from another, or from what stands in it.
fn is_converted(known: &Standing<'_>, link: &Link) -> bool {
    let column = known.resource.layout.columns.get(link.column);
    column.is_some_and(|column| known.converted.contains(&ColumnId::of(column, link.column)))
}

/// Every way to the names, from the column; none where there is no end of them.
fn places_of(known: &Standing<'_>, link: &Link) -> Vec<Vec<Hop>> {
    let Some(column) = known.resource.layout.columns.get(link.column) else { return Vec::new() };
    let field = FieldPath::from(&column.path);
    let Some(entry) = known.entry.fields.get(&field) else { return Vec::new() };
    let first: Vec<Hop> = into_values(entry.signature.label).into_iter().collect();
    let below = &link.path.0[column.path.0.len()..];
    if below.is_empty() {
        return vec![first];
    }
    let Some(json) = &entry.json else { return Vec::new() };
    let mut message = 0;
    for (position, number) in below.iter().enumerate() {
        let fields = json.messages.get(message).map(|message| message.fields.as_slice()).unwrap_or_default();
        let Some(field) = fields.iter().find(|field| field.number == *number) else { return Vec::new() };
        if position + 1 == below.len() {
            let places = places::spot(json, message, *number, &field.key).places;
            return places.into_iter().map(|place| first.iter().cloned().chain(place).collect()).collect();
        }
        let Some(inner) = field.message else { return Vec::new() };
        message = inner;
    }
    Vec::new()
}

fn names_in(
    (table, keys, column): (String, Vec<String>, &str),
    place: &[Hop],
    (target, target_keys): (String, Vec<String>),
    link: &Link,
) -> NamesIn {
    let words = words_of(&link.template);
    NamesIn { table, keys, column: column.to_owned(), place: place.to_vec(), target, target_keys, words }
}
