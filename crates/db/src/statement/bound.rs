//! A statement with its values, as Diesel runs it.

use std::io::Write;

use diesel::backend::Backend;
use diesel::expression::expression_types::Untyped;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryBuilder as _, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, Binary, Bool, Double, Nullable, Text};
use diesel::sqlite::Sqlite;
use mainstay_record::{Kind, Value};

use crate::statement::Statement;

/// Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin.
pub(crate) const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A statement with its values: what Diesel runs.
///
/// It has no static query id, so Diesel's statement cache goes by text and bind types.
pub(crate) struct Bound<'a> {
    pub statement: &'a Statement,
    pub binds: &'a [Value],
}

impl QueryId for Bound<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Bound<'_> {
    type SqlType = Untyped;
}

impl Bound<'_> {
    /// Goes over the statement: its whole text, as the engine takes it, then the values, whose places stand in the text. Diesel
    /// walks three times for each run of a statement that answers no rows.
    fn walk<'b, DB: Backend>(
        &'b self,
        mut pass: AstPass<'_, 'b, DB>,
        text: &str,
        push: impl Fn(&mut AstPass<'_, 'b, DB>, Kind, &'b Value) -> QueryResult<()>,
    ) -> QueryResult<()> {
        if !self.statement.is_cacheable() {
            pass.unsafe_to_cache_prepared();
        }
        pass.push_sql(text);
        for (slot, kind) in self.statement.binds() {
            match self.binds.get(*slot) {
                Some(value) => push(&mut pass, *kind, value)?,
                None => return Err(diesel::result::Error::QueryBuilderError("a bind is missing".into())),
            }
        }
        Ok(())
    }
}

impl QueryFragment<Sqlite> for Bound<'_> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.walk(pass, self.statement.sqlite(), |pass, _, value| match value {
            Value::Bool(v) => pass.push_bind_param_value_only::<Bool, bool>(v),
            Value::Int(v) | Value::Timestamp(v) => pass.push_bind_param_value_only::<BigInt, i64>(v),
            Value::Double(v) => pass.push_bind_param_value_only::<Double, f64>(v),
            Value::Text(v) | Value::Json(v) => pass.push_bind_param_value_only::<Text, str>(v.as_str()),
            Value::Bytes(v) => pass.push_bind_param_value_only::<Binary, [u8]>(v.as_slice()),
            Value::Null => pass.push_bind_param_value_only::<Nullable<BigInt>, Option<i64>>(&None),
        })
    }

    fn to_sql(&self, out: &mut <Sqlite as Backend>::QueryBuilder, _: &Sqlite) -> QueryResult<()> {
        out.push_sql(self.statement.sqlite());
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &Sqlite) -> QueryResult<bool> {
        Ok(self.statement.is_cacheable())
    }
}

impl QueryFragment<Pg> for Bound<'_> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.walk(pass, self.statement.postgres(), |pass, kind, value| match value {
            Value::Bool(v) => pass.push_bind_param_value_only::<Bool, bool>(v),
            Value::Int(v) => pass.push_bind_param_value_only::<BigInt, i64>(v),
            Value::Double(v) => pass.push_bind_param_value_only::<Double, f64>(v),
            Value::Text(v) => pass.push_bind_param_value_only::<Text, str>(v.as_str()),
            Value::Bytes(v) => pass.push_bind_param_value_only::<Binary, [u8]>(v.as_slice()),
            Value::Timestamp(_) => pass.push_bind_param_value_only::<Moment, Value>(value),
            Value::Json(_) => pass.push_bind_param_value_only::<JsonText, Value>(value),
            Value::Null => push_null(pass, kind),
        })
    }

    fn to_sql(&self, out: &mut <Pg as Backend>::QueryBuilder, _: &Pg) -> QueryResult<()> {
        out.push_sql(self.statement.postgres());
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(self.statement.is_cacheable())
    }
}

/// PostgreSQL infers nothing from a NULL: it needs the type of the column.
fn push_null(pass: &mut AstPass<'_, '_, Pg>, kind: Kind) -> QueryResult<()> {
    match kind {
        Kind::Bool => pass.push_bind_param_value_only::<Nullable<Bool>, Option<bool>>(&None),
        Kind::Int => pass.push_bind_param_value_only::<Nullable<BigInt>, Option<i64>>(&None),
        Kind::Double => pass.push_bind_param_value_only::<Nullable<Double>, Option<f64>>(&None),
        Kind::Text => pass.push_bind_param_value_only::<Nullable<Text>, Option<&'static str>>(&None),
        Kind::Bytes => pass.push_bind_param_value_only::<Nullable<Binary>, Option<&'static [u8]>>(&None),
        Kind::Timestamp => pass.push_bind_param_value_only::<Moment, Value>(&Value::Null),
        Kind::Json => pass.push_bind_param_value_only::<JsonText, Value>(&Value::Null),
    }
}

/// PostgreSQL's `timestamptz`, bound from microseconds since 1970.
#[derive(Debug, diesel::sql_types::SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185))]
struct Moment;

/// PostgreSQL's `jsonb`, bound from text.
#[derive(Debug, diesel::sql_types::SqlType)]
#[diesel(postgres_type(oid = 3802, array_oid = 3807))]
struct JsonText;

/// The version that stands before the text in `jsonb`'s binary format.
pub(crate) const JSONB_VERSION: u8 = 1;

impl ToSql<Moment, Pg> for Value {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let Value::Timestamp(micros) = self else { return Ok(IsNull::Yes) };
        out.write_all(&micros.saturating_sub(POSTGRES_EPOCH_MICROS).to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<JsonText, Pg> for Value {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> diesel::serialize::Result {
        let Value::Json(text) = self else { return Ok(IsNull::Yes) };
        out.write_all(&[JSONB_VERSION])?;
        out.write_all(text.as_bytes())?;
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::connection::{Connection, InstrumentationEvent};
    use diesel::sqlite::SqliteConnection;

    use mainstay_record::Piece;

    use super::*;
    use crate::statement::Statement;

    #[test]
    fn sqlite_prepares_an_admitted_shape_once_and_keeps_no_other() {
        let mut link = SqliteConnection::establish(":memory:").unwrap();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&kept);
        link.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                seen.lock().unwrap().push(sql.to_owned());
            }
        });
        for i in 0..20 {
            let bind = Piece::Bind { slot: 0, kind: Kind::Int };
            let admitted = Statement::new(vec![Piece::Text("SELECT ".to_owned()), bind.clone()], true);
            let rare = Statement::new(vec![Piece::Text(format!("SELECT {i}, ")), bind], false);
            for statement in [admitted, rare] {
                link.execute_returning_count(&statement.bind(&[Value::Int(i)])).unwrap();
            }
        }
        assert_eq!(*kept.lock().unwrap(), ["SELECT ?"]);
    }
}
