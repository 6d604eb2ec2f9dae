//! What happens in the transaction of a write beside what was asked for: the contract's doing, and not the caller's.

use mainstay_expr::{Program, Row};
use mainstay_record::Template;

use crate::rule::Rule;
use crate::{Numeric, Place};

/// One effect of a resource.
#[derive(Debug, Clone)]
pub struct Effect {
    pub on: Vec<Trigger>,
    /// Over `resource`, the row after, and `old`, the row before; no condition: always.
    pub condition: Option<Rule>,
    pub what: What,
    pub place: Place,
}

/// What sets an effect off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trigger {
    Create,
    Update,
    Delete,
    /// What was deleted and kept is there again.
    Undelete,
    /// A transition, by its place in `Resource::transitions`.
    Transition(u16),
}

/// What an effect does.
#[derive(Debug, Clone)]
pub enum What {
    /// Sets a field.
    Set { goal: Goal, value: Program },
    /// Adds to a number of a row that is found.
    Adjust { goal: Goal, by: Program },
    /// Makes rows.
    Put(Put),
    /// Takes a row along one of its transitions.
    Move { to: Aim, transition: u16 },
}

/// A row that is found from the one that is written: itself, or where relations lead to.
#[derive(Debug, Clone)]
pub struct Aim {
    /// As it is written, without the field: `lines.variant`.
    pub path: String,
    /// The column of the list whose elements are `this`, one after the other; the row is found from each.
    pub list: Option<usize>,
    /// From `resource`, or from the element.
    pub row: Row,
    /// Whose row it is, as an index into `Contract::resources`.
    pub resource: usize,
}

/// A field of such a row.
#[derive(Debug, Clone)]
pub struct Goal {
    pub aim: Aim,
    /// As it is written: `lines.variant.reserved`.
    pub path: String,
    pub slot: Slot,
}

/// Where a value is put.
#[derive(Debug, Clone)]
pub enum Slot {
    Column {
        column: usize,
        numeric: Option<Numeric>,
    },
    /// The key of the row that a reference names.
    Reference {
        columns: Vec<usize>,
        template: Template,
    },
    /// Under these keys in each element of a list of the row itself.
    Element {
        keys: Vec<String>,
        numeric: Option<Numeric>,
        /// A zero is a value, and not left out.
        presence: bool,
        /// Where the other fields of oneofs lie, of its own and of those on the way, of which none stays set beside it.
        others: Vec<Vec<String>>,
    },
}

/// The rows that an effect makes.
#[derive(Debug, Clone)]
pub struct Put {
    pub resource: usize,
    /// Once for each element of a list, which is `this`; else once.
    pub each: Option<Each>,
    /// A row with this id that is there gets what is set, and keeps the rest; no id: a new one.
    pub id: Option<Program>,
    /// The name of the parent.
    pub parent: Option<Program>,
    /// Fields, as they are written, where they lie, and their values.
    pub set: Vec<(String, Slot, Program)>,
}

/// A list of a row, that in hand or one that is found from it.
#[derive(Debug, Clone)]
pub struct Each {
    /// As it is written, without `resource`.
    pub path: String,
    pub row: Row,
    pub column: usize,
}

impl What {
    /// The rows that it changes or makes, by their resource, and what this is to their own effects; nothing where it changes
    /// the row itself as part of the write.
    pub fn causes(&self) -> Vec<(usize, Trigger)> {
        match self {
            What::Set { goal, .. } | What::Adjust { goal, .. } if !goal.aim.is_itself() => {
                vec![(goal.aim.resource, Trigger::Update)]
            }
            What::Set { .. } | What::Adjust { .. } => Vec::new(),
            What::Put(put) => {
                let again = put.id.is_some().then_some((put.resource, Trigger::Update));
                std::iter::once((put.resource, Trigger::Create)).chain(again).collect()
            }
            What::Move { to, transition } => vec![(to.resource, Trigger::Transition(*transition))],
        }
    }
}

impl Aim {
    /// Whether it is the row that is written, or an element in it.
    pub fn is_itself(&self) -> bool {
        self.row.hops.is_empty()
    }
}
