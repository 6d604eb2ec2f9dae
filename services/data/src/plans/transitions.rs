//! What takes a row from state to state, ready to be done.

use std::sync::OnceLock;

use mainstay_contract::{FieldModel, Resource, TransitionRules};
use mainstay_expr::{Expr, Root, evaluate};
use mainstay_record::Value;

use super::due::Due;
use super::fields::Fields;
use super::guard::Guard;
use crate::rights::Caller;

/// One transition of a resource.
#[derive(Debug)]
pub struct TransitionPlan {
    /// Who may; no rule: nobody but the system.
    pub access: Option<Guard>,
    /// Whether it can be, whoever asks.
    pub guard: Option<Guard>,
    /// Whether a row goes along by the clock: it is where the transition begins, is not deleted, and the moment has come.
    pub by_clock: Option<Expr>,
    pub(super) due: OnceLock<Due>,
    /// The column of the state.
    pub column: usize,
    /// What is given, as fields that a client may set, whatever is said of them elsewhere.
    pub inputs: Fields,
    /// The columns of what is given, ascending.
    columns: Vec<usize>,
    /// What is given: names, columns, and whether it must be.
    given: Vec<(String, Vec<usize>, bool)>,
}

impl TransitionPlan {
    /// All transitions of a resource.
    pub(super) fn of(resource: &Resource) -> Vec<TransitionPlan> {
        let rules = &resource.access.transitions;
        (0..resource.transitions.len()).map(|which| TransitionPlan::new(resource, which, rules.get(which))).collect()
    }

    fn new(resource: &Resource, which: usize, rules: Option<&TransitionRules>) -> TransitionPlan {
        let transition = &resource.transitions[which];
        let given =
            |input: &mainstay_contract::Input| resource.fields.iter().find(|field| field.number == input.number);
        let fields: Vec<&FieldModel> = transition.inputs.iter().filter_map(given).collect();
        let mut columns: Vec<usize> = fields.iter().flat_map(|field| all_columns(field)).collect();
        columns.sort_unstable();
        let given = transition
            .inputs
            .iter()
            .filter_map(|input| Some((input.name.clone(), all_columns(given(input)?), input.required)));
        let guard = |rule: Option<&mainstay_contract::Rule>| rule.map(|rule| Guard::new(vec![rule.clone()]));
        let moment = rules.and_then(|rules| rules.at.as_ref());
        TransitionPlan {
            by_clock: moment.map(|moment| by_clock(resource, which, &moment.program.root)),
            due: OnceLock::new(),
            access: guard(rules.and_then(|rules| rules.access.as_ref())),
            guard: guard(rules.and_then(|rules| rules.guard.as_ref())),
            column: resource.states[transition.states].column,
            inputs: Fields::given(&fields, &resource.layout),
            columns,
            given: given.collect(),
        }
    }

    /// Says whether whoever does it may set the column.
    pub fn sets(&self, column: usize) -> bool {
        self.columns.binary_search(&column).is_ok() && self.inputs.is_writable(column)
    }

    /// Names what must be given and is not among what is there, by the columns that are.
    pub fn missing(&self, present: &[usize]) -> impl Iterator<Item = &str> {
        let missing =
            move |(_, columns, required): &&(String, Vec<usize>, bool)| *required && !is_given(columns, present);
        self.given.iter().filter(missing).map(|(name, ..)| name.as_str())
    }

    /// Names what is given, by the columns that are there.
    pub fn given(&self, present: &[usize]) -> impl Iterator<Item = &str> {
        self.given.iter().filter(move |(_, columns, _)| is_given(columns, present)).map(|(name, ..)| name.as_str())
    }

    /// Says whether a row goes along by the clock now.
    pub fn is_due(&self, caller: &Caller, row: &[Value]) -> bool {
        let is_true = |condition: &Expr| evaluate(condition, &caller.on_resource(row)) == Some(true);
        self.by_clock.as_ref().is_some_and(is_true)
    }

    /// Says whether a row is in a state in which it begins.
    pub fn begins_in(&self, from: &[i64], row: &[Value]) -> bool {
        matches!(row[self.column], Value::Int(state) if from.contains(&state))
            || (row[self.column].is_null() && from.contains(&0))
    }
}

fn by_clock(resource: &Resource, which: usize, moment: &Expr) -> Expr {
    let transition = &resource.transitions[which];
    let column = resource.states[transition.states].column;
    let kind = resource.layout.columns[column].kind;
    let state = || Expr::column(Root::Resource, column, kind);
    let is = |from: &i64| {
        let is = Expr::eq(state(), Expr::int(*from));
        // Unset is the first value of the enum.
        if *from == 0 { Expr::Or(vec![is, Expr::IsNull(Box::new(state()))]) } else { is }
    };
    let begins = Expr::Or(transition.from.iter().map(is).collect());
    let deleted = resource.soft_delete.map(|kept| kept.delete_time);
    let live = deleted.map(|column| {
        let kind = resource.layout.columns[column].kind;
        Expr::IsNull(Box::new(Expr::column(Root::Resource, column, kind)))
    });
    Expr::And([begins, moment.clone()].into_iter().chain(live).collect())
}

fn is_given(columns: &[usize], present: &[usize]) -> bool {
    columns.iter().any(|column| present.binary_search(column).is_ok())
}

fn all_columns(field: &FieldModel) -> Vec<usize> {
    field.columns.iter().copied().chain(field.children.iter().flat_map(all_columns)).collect()
}
