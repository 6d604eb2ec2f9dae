//! Which fields of a row a caller sees, and which of them the caller may set.
//!
//! What a caller does not see is not there: it is left out of every answer, and nothing asks for it in a caller's name, so
//! that its value decides nothing that he could watch. What a filter or an order compares must therefore be seen in every row;
//! a field that is seen in some rows can be read there, and be compared by nobody who does not see it in all.

use mainstay_contract::Resource;
use mainstay_record::names::json_name;
use mainstay_record::{Column, Kind, Row, Value, ValueRef};

use super::fields::unset;
use super::guard::{Guard, Verdict};
use crate::rights::Caller;

/// The fields of a resource that have rules of their own.
#[derive(Debug, Default)]
pub struct FieldRules(Vec<FieldRule>);

/// A field that has.
#[derive(Debug)]
pub struct FieldRule {
    /// Its name in the contract.
    pub name: String,
    /// Every name that it can be called by.
    names: Vec<String>,
    /// All columns of it, ascending.
    pub columns: Vec<usize>,
    read: Option<Guard>,
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
}

/// The columns of a row that its caller does not see, ascending.
pub type Hidden = Vec<usize>;

impl FieldRules {
    /// Collects them.
    pub fn new(resource: &Resource) -> FieldRules {
        let guard = |rule: &Option<_>| rule.clone().map(|rule| Guard::new(vec![rule]));
        let ruled = resource.fields.iter().filter(|field| field.read.is_some() || field.write.is_some());
        let rules = ruled.map(|field| {
            let former = field.aliases.iter().flat_map(|alias| [alias.clone(), json_name(alias)]);
            FieldRule {
                name: field.name.clone(),
                names: [field.name.clone(), field.json_name.clone()].into_iter().chain(former).collect(),
                columns: field.all_columns(),
                read: guard(&field.read),
                write: guard(&field.write),
            }
        });
        FieldRules(rules.collect())
    }

    /// What a caller sees; the system sees everything.
    pub fn sight(&self, caller: &Caller) -> Sight {
        if self.0.is_empty() || caller.is_system() {
            return Sight::default();
        }
        let (mut never, mut by_row) = (Vec::new(), Vec::new());
        for (position, rule) in self.0.iter().enumerate() {
            match rule.verdict(caller) {
                Verdict::Always => {}
                Verdict::Never => never.extend(&rule.columns),
                Verdict::Depends(_) => by_row.push(position),
            }
        }
        never.sort_unstable();
        Sight { never, by_row: (!by_row.is_empty()).then(|| (caller.clone(), by_row)) }
    }

    /// The field that a column is of, where the caller does not see it in every row.
    pub fn unseen(&self, column: usize, caller: &Caller) -> Option<&FieldRule> {
        let seen = |rule: &FieldRule| caller.is_system() || rule.verdict(caller) == Verdict::Always;
        self.0.iter().find(|rule| rule.columns.binary_search(&column).is_ok() && !seen(rule))
    }

    /// The field of this name, where the caller sees it in no row.
    pub fn never_seen(&self, name: &str, caller: &Caller) -> Option<&FieldRule> {
        let never = |rule: &FieldRule| !caller.is_system() && rule.verdict(caller) == Verdict::Never;
        self.0.iter().find(|rule| rule.names.iter().any(|own| own == name) && never(rule))
    }

    /// The fields with a rule on who sets them.
    pub fn written(&self) -> impl Iterator<Item = (&FieldRule, &Guard)> {
        self.0.iter().filter_map(|rule| Some((rule, rule.write.as_ref()?)))
    }

    /// Every field that has rules.
    pub fn iter(&self) -> impl Iterator<Item = &FieldRule> {
        self.0.iter()
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
        self.never.is_empty() && self.by_row.is_none()
    }

    /// What of a row is not seen.
    pub fn hidden(&self, rules: &FieldRules, columns: &[Column], row: &(impl Row + ?Sized)) -> Hidden {
        let mut hidden = self.never.clone();
        if let Some((caller, by_row)) = &self.by_row {
            let row: Vec<Value> =
                columns.iter().enumerate().map(|(index, column)| row.get(index, column.kind)).collect();
            let rules = by_row.iter().filter_map(|position| rules.0.get(*position));
            hidden.extend(rules.filter(|rule| !rule.is_seen(caller, &row)).flat_map(|rule| &rule.columns));
            hidden.sort_unstable();
        }
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
