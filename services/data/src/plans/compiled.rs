//! Statements as they are kept: prepared text, and where its values come from.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mainstay_db::{Piece, Statement};
use mainstay_expr::shift_time;
use mainstay_record::Value;
use mainstay_sql::{BindSource, Sql};

use crate::domain::caller::Caller;

/// How many statement shapes of one contract revision stay prepared. Clients choose filters and orders, and the statement
/// cache below never evicts: what comes after these is prepared on every run.
pub const MAX_CACHED_SHAPES: usize = 512;

/// Counts the shapes that were admitted to the statement cache.
#[derive(Debug, Default)]
pub struct Shapes(AtomicUsize);

impl Shapes {
    /// Compiles a statement; it stays prepared while there is room.
    pub fn compile(&self, sql: Sql) -> Arc<Compiled> {
        let cacheable = self.0.fetch_add(1, Ordering::Relaxed) < MAX_CACHED_SHAPES;
        Arc::new(Compiled::new(sql, cacheable))
    }
}

/// A statement and where its values come from.
#[derive(Debug)]
pub struct Compiled {
    pub statement: Arc<Statement>,
    binds: Vec<BindSource>,
    /// The binds are the parameters, in their order: nothing has to be put together.
    plain: bool,
}

impl Compiled {
    fn new(sql: Sql, cacheable: bool) -> Compiled {
        let pieces = sql.pieces.into_iter().map(|piece| match piece {
            mainstay_sql::Piece::Text(text) => Piece::Text(text),
            mainstay_sql::Piece::Bind { slot, kind } => Piece::Bind { slot, kind },
        });
        let plain = sql.binds.iter().enumerate().all(|(index, source)| *source == BindSource::Param(index));
        Compiled { statement: Statement::new(pieces.collect(), cacheable), binds: sql.binds, plain }
    }

    /// The values of one run, borrowed where they are the parameters themselves.
    pub fn bound<'p>(&self, caller: &Caller, params: &'p [Value]) -> Cow<'p, [Value]> {
        if self.plain && params.len() == self.binds.len() {
            return Cow::Borrowed(params);
        }
        Cow::Owned(self.values(caller, params))
    }

    /// The values of one run. `params` are what the statement's maker called `Param(i)`.
    pub fn values(&self, caller: &Caller, params: &[Value]) -> Vec<Value> {
        self.binds.iter().map(|source| value(source, caller, params)).collect()
    }
}

fn value(source: &BindSource, caller: &Caller, params: &[Value]) -> Value {
    let text = |text: Option<&str>| text.map_or(Value::Null, |text| Value::Text(text.to_owned()));
    match source {
        BindSource::Literal(value) => value.clone(),
        BindSource::AuthUid => text(caller.auth().uid()),
        BindSource::AuthEmail => text(caller.auth().email()),
        BindSource::AuthEmailVerified => Value::Bool(caller.principal.email_verified()),
        BindSource::AuthRoles => Value::Json(serde_json::json!(caller.principal.roles()).to_string()),
        BindSource::Now { offset_us } => Value::Timestamp(shift_time(caller.now, *offset_us)),
        BindSource::Param(index) => params.get(*index).cloned().unwrap_or(Value::Null),
    }
}
