//! Statements that read one row by its key, under the read rule.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use foldhash::fast::FixedState;
use mainstay_expr::{AtomValues, Expr};
use mainstay_sql::{Condition, Dialect, Lock, OrderColumn, Select, Table, Tables, Truths, select};

use super::compiled::{Compiled, Shapes};
use super::guard::{Guard, Verdict};
use crate::rights::Caller;

/// How many outcomes of the caller-only parts of a rule keep their statement; a rule with more of them compiles the rest
/// on every call.
const MAX_OUTCOMES: usize = 64;

/// What reading one row takes for one caller.
#[derive(Debug, Clone)]
pub enum Readable {
    /// The statement finds the row iff it exists and may be read. `public` says that the rule holds for every row.
    By { statement: Arc<Compiled>, public: bool },
    /// The caller may read no row at all.
    Never,
}

impl Readable {
    /// Says whether every row may be read, so that one that is not found is missing.
    pub fn is_public(&self) -> bool {
        matches!(self, Readable::By { public: true, .. })
    }
}

/// The statements that read one row, by the outcome of the parts of the read rule that need only the caller.
#[derive(Debug)]
pub struct KeyReads {
    dialect: Dialect,
    lock: Option<Lock>,
    /// A column that is NULL in every row that is read.
    unset: Option<usize>,
    /// Whether it reads several rows at once.
    many: bool,
    /// What is said of each row to whoever is not the system, see [`super::FieldRules::told`].
    told: Arc<[Expr]>,
    /// For the system, and for rules that hold for every row where nothing is said of them.
    open: OnceLock<Arc<Compiled>>,
    by_outcome: RwLock<HashMap<AtomValues, Readable, FixedState>>,
}

impl KeyReads {
    /// Begins with no statement: they follow as callers come. A lock holds until the transaction ends. Rows in which the column
    /// `unset` is set are passed over.
    pub fn new(dialect: Dialect, lock: Option<Lock>, unset: Option<usize>) -> KeyReads {
        let (many, told, open) = (false, Arc::default(), OnceLock::new());
        KeyReads { dialect, lock, unset, many, told, open, by_outcome: RwLock::default() }
    }

    /// The same with what is said of each row that is shown.
    pub fn telling(self, told: &Arc<[Expr]>) -> KeyReads {
        KeyReads { told: Arc::clone(told), ..self }
    }

    /// The same of statements that read several rows at once.
    pub fn of_many(dialect: Dialect) -> KeyReads {
        KeyReads { many: true, ..KeyReads::new(dialect, None, None) }
    }

    /// The same, which locks them one after the other in the order of their keys.
    pub fn of_many_locked(dialect: Dialect, lock: Lock) -> KeyReads {
        KeyReads { many: true, ..KeyReads::new(dialect, Some(lock), None) }
    }

    /// The statement for the system, which sees all of every row.
    pub fn open(&self, table: Table<'_>, shapes: &Shapes) -> &Arc<Compiled> {
        self.open.get_or_init(|| shapes.compile(self.statement(table, None, Truths::NONE)))
    }

    /// Finds the statement for this caller.
    /// `tables` are those that the rule may look at.
    pub fn of(
        &self,
        table: Table<'_>,
        tables: &Tables,
        guard: Option<&Guard>,
        caller: &Caller,
        shapes: &Shapes,
    ) -> Readable {
        if caller.is_system() {
            return Readable::By { statement: Arc::clone(self.open(table, shapes)), public: true };
        }
        let Some(guard) = guard.filter(|guard| !guard.is_closed_to_nobody(caller)) else {
            return Readable::Never;
        };
        let atoms = guard.atoms(caller);
        let known = self.by_outcome.read().unwrap_or_else(PoisonError::into_inner).get(&atoms).cloned();
        known.unwrap_or_else(|| {
            let made = self.make(table, tables, guard.verdict(atoms), shapes);
            let mut map = self.by_outcome.write().unwrap_or_else(PoisonError::into_inner);
            if map.len() < MAX_OUTCOMES {
                map.insert(atoms, made.clone());
            }
            made
        })
    }

    fn make(&self, table: Table<'_>, tables: &Tables, verdict: Verdict, shapes: &Shapes) -> Readable {
        let truths = Truths { of: &self.told, tables };
        match verdict {
            Verdict::Never => Readable::Never,
            Verdict::Always if self.told.is_empty() => {
                Readable::By { statement: Arc::clone(self.open(table, shapes)), public: true }
            }
            Verdict::Always => {
                Readable::By { statement: shapes.compile(self.statement(table, None, truths)), public: true }
            }
            Verdict::Depends(residual) => {
                let rule = Some(Condition::Expr(&residual, tables));
                Readable::By { statement: shapes.compile(self.statement(table, rule, truths)), public: false }
            }
        }
    }

    fn statement(&self, table: Table<'_>, rule: Option<Condition<'_>>, truths: Truths<'_>) -> mainstay_sql::Sql {
        let keys = if self.many { Condition::KeysAmong { param: 0 } } else { Condition::Keys { first_param: 0 } };
        let unset = self.unset.map(|column| Condition::Unset { column });
        let conditions = std::iter::once(keys).chain(unset).chain(rule).collect();
        let columns = (0..table.layout.columns.len()).collect();
        let ordered = if self.many && self.lock.is_some() { table.layout.keys() } else { 0 };
        let order: Vec<OrderColumn> =
            (0..ordered).map(|index| OrderColumn { index, descending: false, prefix: None }).collect();
        select(
            self.dialect,
            &Select {
                table,
                columns,
                condition: Condition::All(conditions),
                order: &order,
                after: None,
                limit_param: None,
                lock: self.lock,
                truths,
            },
        )
    }
}
