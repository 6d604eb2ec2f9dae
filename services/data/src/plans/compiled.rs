//! Statements as they are kept: prepared text, and where its values come from.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use mainstay_db::{Statement, Step};
use mainstay_expr::shift_time;
use mainstay_record::{Piece, Value};
use mainstay_sql::{BindSource, Sql};

use crate::rights::Caller;

/// How many statement shapes of one contract revision stay prepared. Clients choose filters and orders, and the statement
/// cache below never evicts: what comes after these is prepared on every run.
pub const MAX_CACHED_SHAPES: usize = 512;

/// The statement shapes that were admitted to the statement cache, by their text: filters that differ in their literals
/// alone have one.
#[derive(Debug, Default)]
pub struct Shapes(RwLock<HashMap<Vec<Piece>, Arc<Statement>>>);

impl Shapes {
    /// Compiles a statement; it stays prepared while there is room.
    pub fn compile(&self, sql: Sql) -> Arc<Compiled> {
        let plain = sql.binds.iter().enumerate().all(|(index, source)| *source == BindSource::Param(index));
        let once = sql.binds.iter().enumerate().all(|(index, source)| !sql.binds[..index].contains(source));
        Arc::new(Compiled { statement: self.statement(sql.pieces), binds: sql.binds, plain, once })
    }

    /// Compiles a statement that is as it is for one run.
    pub fn once(sql: Sql) -> Compiled {
        Compiled { statement: Statement::new(sql.pieces, false), binds: sql.binds, plain: false, once: false }
    }

    fn statement(&self, pieces: Vec<Piece>) -> Arc<Statement> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&pieces) {
            return Arc::clone(known);
        }
        let mut shapes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if shapes.len() < MAX_CACHED_SHAPES {
            return Arc::clone(shapes.entry(pieces).or_insert_with_key(|pieces| Statement::new(pieces.clone(), true)));
        }
        Statement::new(pieces, false)
    }

    /// How many shapes stay prepared.
    pub fn admitted(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A statement and where its values come from.
#[derive(Debug)]
pub struct Compiled {
    pub statement: Arc<Statement>,
    binds: Vec<BindSource>,
    /// The binds are the parameters, in their order: nothing has to be put together.
    plain: bool,
    /// No parameter stands in two places.
    once: bool,
}

impl Compiled {
    /// The values of one run, borrowed where they are the parameters themselves.
    pub fn bound<'p>(&self, caller: &Caller, params: &'p [Value]) -> Cow<'p, [Value]> {
        if self.plain && params.len() == self.binds.len() {
            return Cow::Borrowed(params);
        }
        Cow::Owned(self.values(caller, params))
    }

    /// The values of one run, which are the parameters themselves where nothing has to be put together.
    pub fn taken(&self, caller: &Caller, params: Vec<Value>) -> Vec<Value> {
        if self.plain && params.len() == self.binds.len() { params } else { self.values(caller, &params) }
    }

    /// The statement with the values of one run.
    pub fn step(&self, caller: &Caller, params: Arc<[Value]>) -> Step {
        let plain = self.plain && params.len() == self.binds.len();
        let binds = if plain { params } else { self.values(caller, &params).into() };
        Step { statement: Arc::clone(&self.statement), binds }
    }

    /// The same with parameters that nobody else needs: they are put into their places, and not copied.
    pub fn step_of(&self, caller: &Caller, mut params: Vec<Value>) -> Step {
        if self.plain || !self.once {
            return self.step(caller, params.into());
        }
        let take = |source: &BindSource| match source {
            BindSource::Param(index) => params.get_mut(*index).map(std::mem::take).unwrap_or_default(),
            other => value(other, caller, &[]),
        };
        let binds = self.binds.iter().map(take).collect();
        Step { statement: Arc::clone(&self.statement), binds }
    }

    /// The values of one run. `params` are what the statement's maker called `Param(i)`.
    pub fn values(&self, caller: &Caller, params: &[Value]) -> Vec<Value> {
        self.binds.iter().map(|source| value(source, caller, params)).collect()
    }
}

fn value(source: &BindSource, caller: &Caller, params: &[Value]) -> Value {
    match source {
        BindSource::Literal(value) => value.clone(),
        BindSource::Auth(name) => caller.auth().value(*name),
        BindSource::Claim { name, kind } => caller.auth().claim(name, *kind),
        BindSource::Now { offset_us } => Value::Timestamp(shift_time(caller.now, *offset_us)),
        BindSource::Param(index) => params.get(*index).cloned().unwrap_or(Value::Null),
    }
}
