//! Lists that are compiled, and those that are kept.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use foldhash::fast::FixedState;
use mainstay_expr::AtomValues;
use mainstay_sql::{NullPattern, OrderColumn};

use super::compiled::Compiled;
use super::recent::Recent;

/// How many lists of a resource are kept compiled: those that were used lately. A filter with another literal is another
/// list here, but not another statement: that goes by its SQL (see [`super::Shapes`]).
pub const MAX_LIST_PLANS: usize = 256;

/// What tells one list statement from another. Filters and orders go by their text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The caller-only parts of the read rule; nothing for the system.
    pub atoms: Option<AtomValues>,
    pub filter: String,
    pub order_by: String,
    /// Rows that are deleted, too.
    pub deleted: bool,
    /// Which variables of the parent are given (bit by position); the others are `-` (AIP-159).
    pub parents: u64,
    /// The page continues behind a row whose order values are NULL like this.
    pub after: Option<NullPattern>,
}

/// A compiled list. Params: the limit, the given parent variables, then the order values that the page continues behind.
#[derive(Debug)]
pub struct ListPlan {
    pub statement: Arc<Compiled>,
    pub from_above: Option<FromAbove>,
    pub order: Vec<OrderColumn>,
    pub(super) inline: bool,
    /// Whether its filter asks much of every row: see [`super::cost`].
    pub costly: bool,
    /// The columns that its filter and its order compare, each with the resource that it is of; nothing for the list's own.
    pub compared: Vec<(Option<usize>, usize)>,
    /// How many of them are the filter's.
    pub filtered: usize,
}

/// The same list where what is seen is found from the rows above: those that the caller was given, and down from there.
#[derive(Debug)]
pub struct FromAbove {
    /// How many rows lie there, at most one more than [`MAX_FROM_ABOVE`]. No params.
    pub count: Arc<Compiled>,
    pub statement: Arc<Compiled>,
}

/// Of more rows than so many a list climbs from each row to those above it: enough of the rows that it meets are seen.
pub const MAX_FROM_ABOVE: usize = 4_000;

/// The lists of one resource that are kept.
#[derive(Debug)]
pub struct ListPlans(pub(super) Recent<Shape, Listed>);

/// A list that is kept.
#[derive(Debug, Clone)]
pub(super) enum Listed {
    /// The filter is about the rows themselves.
    Alone(Arc<ListPlan>),
    /// The filter looks at rows of other resources.
    Far(Arc<FarList>),
}

/// A list whose filter looks at other rows, each under the read rule of its own resource: one statement for each outcome
/// of the parts of those rules that need only the caller.
#[derive(Debug)]
pub(super) struct FarList {
    /// The resources that are looked at.
    pub resources: Vec<usize>,
    pub by_outcome: RwLock<HashMap<Outcomes, Arc<ListPlan>, FixedState>>,
}

/// Of each resource that a filter looks at.
pub(super) type Outcomes = Vec<Option<AtomValues>>;

/// How many outcomes keep their statement.
pub(super) const MAX_OUTCOMES: usize = 16;

impl FarList {
    /// Begins with no statement.
    pub fn of(resources: Vec<usize>) -> FarList {
        FarList { resources, by_outcome: RwLock::default() }
    }
}

impl Default for ListPlans {
    fn default() -> ListPlans {
        ListPlans(Recent::new(MAX_LIST_PLANS / 2))
    }
}

impl ListPlans {
    /// How many are kept now.
    pub fn kept(&self) -> usize {
        self.0.len()
    }
}
