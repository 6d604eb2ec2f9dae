//! Which fields of a row a caller sees, and which of them the caller may set.
//!
//! What a caller does not see is not there: it is left out of every answer, and nothing asks for it in a caller's name, so
//! that its value decides nothing that he could watch. What a filter or an order compares must therefore be seen in every row;
//! a field that is seen in some rows can be read there, and be compared by nobody who does not see it in all.
//!
//! Where a rule looks at other rows, what reads a row says with it whether the rule holds: it is one statement. Of a record in
//! memory that is not known, and what is not known to be seen is not.

use std::sync::Arc;

use mainstay_contract::Resource;
use mainstay_expr::Expr;
use mainstay_record::names::json_name;
use mainstay_record::{Column, Kind, Row, Value, ValueRef};

use super::fields::unset;
use super::guard::{Guard, Verdict};
use crate::rights::Caller;

/// The fields of a resource that have rules of their own.
#[derive(Debug, Default)]
pub struct FieldRules {
    all: Vec<FieldRule>,
    /// The rules for reading that look at other rows, as what reads a row asks them.
    told: Arc<[Expr]>,
}

/// A field that has.
#[derive(Debug)]
pub struct FieldRule {
    /// Its name in the contract.
    pub name: String,
    /// Every name that it can be called by.
    names: Vec<String>,
    /// All columns of it, ascending.
    pub columns: Vec<usize>,
    pub read: Option<Guard>,
    /// The place of the rule for reading among those that are told with a row.
    told: Option<usize>,
    /// Who sets it, beside the rule of the resource.
    pub write: Option<Guard>,
}

/// What one caller sees of the rows of a resource.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// The columns of fields that are seen in no row, ascending.
    never: Vec<usize>,
    /// The fields of which the row decides, and who asks.
    by_row: Option<(Caller, Vec<usize>)>,
    /// Those of which other rows decide.
    told: Vec<usize>,
}

/// The columns of a row that its caller does not see, ascending.
pub type Hidden = Vec<usize>;

impl FieldRules {
    /// Collects them.
    pub fn new(resource: &Resource) -> FieldRules {
        let guard = |rule: Option<&mainstay_contract::Rule>| rule.map(|rule| Guard::new(vec![rule.clone()]));
        let mut told = Vec::new();
        let ruled = resource.fields.iter().filter(|field| field.read.is_some() || field.write.is_some());
        let rules = ruled.map(|field| {
            let former = field.aliases.iter().flat_map(|alias| [alias.clone(), json_name(alias)]);
            let read = guard(field.read.as_deref());
            let looks = field.read.as_ref().filter(|_| read.as_ref().is_some_and(|guard| !guard.is_alone()));
            told.extend(looks.map(|rule| rule.program.root.clone()));
            FieldRule {
                name: field.name.clone(),
                names: [field.name.clone(), field.json_name.clone()].into_iter().chain(former).collect(),
                columns: field.all_columns(),
                read,
                told: looks.map(|_| told.len() - 1),
                write: guard(field.write.as_deref()),
            }
        });
        let all = rules.collect();
        FieldRules { all, told: told.into() }
    }

    /// What is to be said with a row, in the order of its columns behind those of the layout.
    pub fn told(&self) -> &Arc<[Expr]> {
        &self.told
    }

    /// Whether it takes a look at other rows to know who sees which field.
    pub fn read_around(&self) -> bool {
        !self.told.is_empty()
    }

    /// What a caller sees; the system sees everything.
    pub fn sight(&self, caller: &Caller) -> Sight {
        if self.all.is_empty() || caller.is_system() {
            return Sight::default();
        }
        let (mut never, mut by_row, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (position, rule) in self.all.iter().enumerate() {
            match (rule.verdict(caller), rule.told) {
                (Verdict::Always, _) => {}
                (Verdict::Never, _) => never.extend(&rule.columns),
                (Verdict::Depends(_), Some(_)) => told.push(position),
                (Verdict::Depends(_), None) => by_row.push(position),
            }
        }
        never.sort_unstable();
        Sight { never, by_row: (!by_row.is_empty()).then(|| (caller.clone(), by_row)), told }
    }

    /// The field that a column is of, where the caller does not see it in every row.
    pub fn unseen(&self, column: usize, caller: &Caller) -> Option<&FieldRule> {
        let seen = |rule: &FieldRule| caller.is_system() || rule.verdict(caller) == Verdict::Always;
        self.all.iter().find(|rule| rule.columns.binary_search(&column).is_ok() && !seen(rule))
    }

    /// The field of this name, where the caller sees it in no row.
    pub fn never_seen(&self, name: &str, caller: &Caller) -> Option<&FieldRule> {
        let never = |rule: &FieldRule| !caller.is_system() && rule.verdict(caller) == Verdict::Never;
        self.all.iter().find(|rule| rule.names.iter().any(|own| own == name) && never(rule))
    }

    /// The fields with a rule on who sets them.
    pub fn written(&self) -> impl Iterator<Item = (&FieldRule, &Guard)> {
        self.all.iter().filter_map(|rule| Some((rule, rule.write.as_ref()?)))
    }

    /// Every field that has rules.
    pub fn iter(&self) -> impl Iterator<Item = &FieldRule> {
        self.all.iter()
    }

    /// Whether one of the rules looks at other rows.
    pub fn look_around(&self) -> bool {
        self.read_around() || self.written().any(|(_, guard)| !guard.is_alone())
    }
}

impl FieldRule {
    fn verdict(&self, caller: &Caller) -> Verdict {
        match &self.read {
            None => Verdict::Always,
            Some(guard) if guard.is_closed_to_nobody(caller) => Verdict::Never,
            Some(guard) => guard.verdict(guard.atoms(caller)),
        }
    }

    fn is_seen(&self, caller: &Caller, row: &[Value]) -> bool {
        self.read.as_ref().is_none_or(|guard| guard.allows(&caller.on_resource(row)))
    }

    /// Whether one of these columns, which are ascending, is of this field.
    pub fn is_among(&self, columns: &[usize]) -> bool {
        self.columns.iter().any(|column| columns.binary_search(column).is_ok())
    }
}

impl Sight {
    /// Whether every field of every row is seen.
    pub fn is_whole(&self) -> bool {
        self.never.is_empty() && self.by_row.is_none() && self.told.is_empty()
    }

    /// The fields of which other rows decide.
    pub fn told<'r>(&'r self, rules: &'r FieldRules) -> impl Iterator<Item = &'r FieldRule> {
        self.told.iter().filter_map(|position| rules.all.get(*position))
    }

    /// What of a row is not seen: one that was read with what is told of it.
    pub fn hidden(&self, rules: &FieldRules, columns: &[Column], row: &(impl Row + ?Sized)) -> Hidden {
        let mut hidden = self.never.clone();
        if let Some((caller, by_row)) = &self.by_row {
            let row: Vec<Value> =
                columns.iter().enumerate().map(|(index, column)| row.get(index, column.kind)).collect();
            let rules = by_row.iter().filter_map(|position| rules.all.get(*position));
            hidden.extend(rules.filter(|rule| !rule.is_seen(caller, &row)).flat_map(|rule| &rule.columns));
        }
        let is_seen = |place: usize| row.get(columns.len() + place, Kind::Bool) == Value::Bool(true);
        hidden.extend(self.told(rules).filter(|rule| !rule.told.is_some_and(is_seen)).flat_map(|rule| &rule.columns));
        hidden.sort_unstable();
        hidden
    }
}

/// A row without what is hidden of it.
pub struct Seen<'r, R: ?Sized> {
    row: &'r R,
    columns: &'r [Column],
    hidden: &'r [usize],
}

impl<'r, R: Row + ?Sized> Seen<'r, R> {
    /// Leaves these columns out.
    pub fn new(row: &'r R, columns: &'r [Column], hidden: &'r [usize]) -> Seen<'r, R> {
        Seen { row, columns, hidden }
    }
}

impl<R: Row + ?Sized> Row for Seen<'_, R> {
    fn read<T>(&self, index: usize, kind: Kind, f: impl FnOnce(ValueRef<'_>) -> T) -> T {
        match (self.hidden.binary_search(&index), self.columns.get(index)) {
            (Ok(_), Some(column)) => f(unset(column).borrow()),
            _ => self.row.read(index, kind, f),
        }
    }
}
