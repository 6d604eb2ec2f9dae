//! Takes what is personal out of rows, whatever it stands in.

use std::collections::{HashMap, HashSet};

use mainstay_record::Value as Stored;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value};

use super::classed::{Classed, FINANCIAL, Fate};
use super::noise::Noise;
use super::place::{Outcome, Place, Way};
use super::pseudonym::pseudonym;
use super::span::fill_spans;
use crate::domain::record::shape;
use crate::error::{Error, Result};
use crate::plans::{ResourcePlan, unset};

/// How often pseudonyms are tried in one row.
const MAX_TURNS: usize = 128;

/// Why the field stays that says whose a row is, and the one that says in which state it is: the row would be nobody's, or in none.
pub const SUBJECT: &str = "SUBJECT";
pub const STATE: &str = "STATE";

/// How what is personal is taken out of the rows of one resource.
#[derive(Debug)]
pub struct Scrubber {
    message: MessageDescriptor,
    classed: Classed,
    /// Fields of the resource itself that stay, with the reason.
    kept: HashMap<String, &'static str>,
    /// Fields that name rows: a made-up name would lead nowhere, and the store takes none that does.
    references: HashSet<String>,
}

/// Which pseudonyms a row gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Others at each attempt.
    Number(u32),
    /// None where no two rows may have the same: such fields are empty.
    Bare,
}

/// A row that was gone through.
#[derive(Debug)]
pub struct Scrubbed {
    /// What it becomes.
    pub row: Vec<Stored>,
    /// Where fields with a class stand in it, and what becomes of them.
    pub places: Vec<Place>,
}

impl Scrubber {
    /// Of a resource, by the linked descriptors of its contract.
    pub fn of(plan: &ResourcePlan, pool: &DescriptorPool) -> Result<Scrubber> {
        let resource = &plan.resource;
        let message = pool.get_message_by_name(&resource.message).ok_or(Error::OutOfTurn)?;
        let subject = resource.subject.iter().map(|subject| (subject.field.clone(), SUBJECT));
        let states = resource.states.iter().map(|states| (states.field.clone(), STATE));
        let links = resource.links.iter().filter(|link| link.resource.is_some()).map(|link| link.field.clone());
        let references = resource.references.iter().map(|reference| reference.field.clone()).chain(links).collect();
        Ok(Scrubber { classed: Classed::of(&message), message, kept: states.chain(subject).collect(), references })
    }

    /// Whether rows can hold anything personal.
    pub fn has_work(&self) -> bool {
        self.classed.are_any()
    }

    /// Says what becomes of a row.
    pub fn row(&self, plan: &ResourcePlan, old: &[Stored], now: i64, attempt: Attempt) -> Result<Scrubbed> {
        let mut wire = Vec::new();
        plan.record.encode(old, &mut wire).map_err(Error::Damaged)?;
        let mut message = self.message_of(&wire)?;
        let before = values(plan, &message)?;
        let mut places = Vec::new();
        self.clear(&mut message, &Way::default(), &mut places);
        let name = plan.name(old);
        let number = if let Attempt::Number(number) = attempt { number } else { 0 };
        let noise = |path: &str| {
            let parts = [plan.resource.type_name.as_bytes(), name.as_bytes(), path.as_bytes(), &number.to_be_bytes()];
            Noise::of(&parts)
        };
        for turn in 0..=MAX_TURNS {
            let mut row = merged(plan, old, &before, values(plan, &message)?);
            fill_spans(plan, old, &mut row, (&mut places, &noise));
            let wanting = wanting(plan, (old, &row), now, &places);
            if wanting.is_empty() || turn == MAX_TURNS {
                let unfit = places.iter_mut().filter(|place| wanting.contains(&place.way.path));
                unfit.for_each(|place| place.outcome = Outcome::Unfit);
                return Ok(Scrubbed { row, places });
            }
            for path in wanting {
                let none_is_made =
                    self.names_rows(&path, &places) || (attempt == Attempt::Bare && is_unique(plan, &path));
                if none_is_made {
                    let own = places.iter_mut().find(|place| place.way.path == path);
                    own.into_iter().for_each(|place| place.outcome = Outcome::Unfit);
                } else {
                    try_next(&mut message, &mut places, &path, &noise(&path));
                }
            }
        }
        Err(Error::OutOfTurn)
    }

    fn names_rows(&self, path: &str, places: &[Place]) -> bool {
        let field = places.iter().find(|place| place.way.path == path).map(|place| &place.way.field);
        field.is_some_and(|field| self.references.contains(field))
    }

    /// Takes out what is personal of what was given with a transition; nothing where there is nothing to take out.
    pub fn inputs(&self, inputs: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut message = self.message_of(inputs)?;
        let before = message.clone();
        self.clear(&mut message, &Way::default(), &mut Vec::new());
        Ok((message != before).then(|| message.encode_to_vec()))
    }

    fn message_of(&self, wire: &[u8]) -> Result<DynamicMessage> {
        DynamicMessage::decode(self.message.clone(), wire).map_err(|_| Error::OutOfTurn)
    }

    /// Empties all fields of the classes that are erased, and notes where fields with a class stand.
    fn clear(&self, message: &mut DynamicMessage, here: &Way, places: &mut Vec<Place>) {
        let name = message.descriptor().full_name().to_owned();
        for part in self.classed.parts(&name) {
            let there = here.field(&part.field);
            let own = self.kept.get(&there.path).copied();
            match (&part.fate, own) {
                (Fate::Erased(class), None) => {
                    let was_set = message.has_field(&part.field);
                    message.clear_field(&part.field);
                    places.push(Place { was_set, ..place(there, &part.field, Some(class), Outcome::Emptied) });
                    continue;
                }
                (Fate::Erased(class) | Fate::Kept(class), reason) => {
                    let outcome = Outcome::Kept(reason.unwrap_or(FINANCIAL));
                    places.push(place(there.clone(), &part.field, Some(class), outcome));
                }
                (Fate::Free, _) => {}
            }
            if part.leads_on && message.has_field(&part.field) {
                self.clear_inside(message.get_field_mut(&part.field), &there, places);
            }
        }
    }

    fn clear_inside(&self, value: &mut Value, here: &Way, places: &mut Vec<Place>) {
        match value {
            Value::Message(message) => self.clear(message, here, places),
            Value::List(elements) => {
                for (index, element) in elements.iter_mut().enumerate() {
                    self.clear_inside(element, &here.element(index), places);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries.iter_mut() {
                    self.clear_inside(value, &here.value(key), places);
                }
            }
            _ => {}
        }
    }
}

fn place(way: Way, field: &FieldDescriptor, class: Option<&String>, outcome: Outcome) -> Place {
    Place {
        way,
        descriptor: field.clone(),
        is_element: false,
        class: class.cloned(),
        was_set: false,
        outcome,
        tried: 0,
    }
}

/// A message as the columns of a row.
fn values(plan: &ResourcePlan, message: &DynamicMessage) -> Result<Vec<Stored>> {
    let wire = message.encode_to_vec();
    Ok(plan.record.decode(&wire).map_err(|error| shape(plan, error))?.values)
}

/// The row with what differs.
fn merged(plan: &ResourcePlan, old: &[Stored], before: &[Stored], after: Vec<Stored>) -> Vec<Stored> {
    let mut row = old.to_vec();
    for (index, after) in after.into_iter().enumerate().filter(|(index, after)| before[*index] != *after) {
        row[index] = if after.is_null() { unset(&plan.resource.layout.columns[index]) } else { after };
    }
    row
}

/// The places at which the contract wants something else, by their paths.
fn wanting(plan: &ResourcePlan, (old, row): (&[Stored], &[Stored]), now: i64, places: &[Place]) -> Vec<String> {
    let resource = &plan.resource;
    let mut paths: Vec<String> =
        resource.violations(row, Some(now)).into_iter().map(|violated| violated.violation.field).collect();
    // What is unset is a value like others there, and another row's may be unset, too.
    for index in resource.indexes.iter().filter(|index| index.unique && index.unset_conflicts && index.has(row)) {
        for (column, _) in &index.columns {
            let empty = unset(&resource.layout.columns[*column]) == row[*column];
            paths.extend(resource.field_of(*column).filter(|_| empty).map(|field| field.field_path.clone()));
        }
    }
    // Without an end the time of a row would be for ever, and overlap with others'.
    for span in resource.indexes.iter().filter(|index| index.has(row)).filter_map(|index| index.span) {
        for column in
            [span.from, span.to].into_iter().filter(|column| row[*column].is_null() && !old[*column].is_null())
        {
            paths.extend(resource.field_of(column).map(|field| field.field_path.clone()));
        }
    }
    let may_be_other = |place: &Place| matches!(place.outcome, Outcome::Emptied | Outcome::Pseudonymised);
    // A field of a message that was emptied as a whole is wanted back with it.
    let is_lost = |place: &Place, path: &str| place.outcome == Outcome::Emptied && place.is_around(path);
    let is_named = |place: &Place| paths.iter().any(|path| place.is_named(path) || is_lost(place, path));
    let is_wanting = |place: &Place| may_be_other(place) && is_named(place);
    places.iter().filter(|place| is_wanting(place)).map(|place| place.way.path.clone()).collect()
}

/// Whether no two rows may have the same in a field, alone or with others.
fn is_unique(plan: &ResourcePlan, path: &str) -> bool {
    let resource = &plan.resource;
    let mut columns = resource.indexes.iter().filter(|index| index.unique).flat_map(|index| &index.columns);
    columns.any(|(column, _)| resource.field_of(*column).is_some_and(|field| field.field_path == path))
}

/// Puts the next pseudonym in a place, or leaves it empty where there is none left.
fn try_next(message: &mut DynamicMessage, places: &mut Vec<Place>, path: &str, noise: &Noise) {
    let Some(place) = places.iter_mut().find(|place| place.way.path == path) else { return };
    let made = pseudonym(&place.descriptor, place.is_element, place.tried, noise);
    place.tried += 1;
    place.outcome = if made.is_some() { Outcome::Pseudonymised } else { Outcome::Unfit };
    place.way.put(message, made.clone());
    let place = place.clone();
    // What came up with the one before is gone with it; those that are counted stay where they are.
    let beneath = |other: &Place| other.class.is_none() && place.is_around(&other.way.path);
    places.retain(|other| !beneath(other));
    match made {
        Some(Value::Message(made)) => note_fields(&made, &place.way, places),
        Some(Value::List(elements)) => {
            for (index, element) in elements.iter().enumerate() {
                let way = place.way.element(index);
                if let Value::Message(made) = element {
                    note_fields(made, &way, places);
                } else {
                    let element =
                        Place { is_element: true, ..self::place(way, &place.descriptor, None, Outcome::Emptied) };
                    places.push(element);
                }
            }
        }
        _ => {}
    }
}

/// Notes the fields of a message that stands for another, since the contract may want something of them.
fn note_fields(made: &DynamicMessage, here: &Way, places: &mut Vec<Place>) {
    let descriptor = made.descriptor();
    places.extend(descriptor.fields().map(|field| place(here.field(&field), &field, None, Outcome::Emptied)));
}
