//! How the engines would run a statement: what they say of it themselves.

use std::sync::Arc;

use mainstay_contract::Contract;
use mainstay_data::apply::{self, Consent};
use mainstay_data::{Config, Options, start};
use mainstay_db::{Database, Lane, Rows, Statement};
use mainstay_expr::{AuthView, shift_time};
use mainstay_identity::{Clock as _, SystemClock};
use mainstay_record::{Kind, Piece, Value};
use mainstay_runtime::process::Failure;
use mainstay_sql::{BindSource, Dialect, Sql};
use secrecy::SecretString;

/// How many rows a page is asked for.
const PAGE: i64 = 50;

/// A store that says how it would run statements.
pub struct Planner {
    pub dialect: Dialect,
    db: Database,
    _folder: Option<tempfile::TempDir>,
}

impl Planner {
    /// An SQLite file that is thrown away, with the tables of a contract and no rows.
    pub async fn sqlite(contract: &Contract) -> Result<Planner, Failure> {
        let folder = tempfile::tempdir()?;
        let data_dir = folder.path().to_owned();
        let options = Options { data_dir, accept_empty: false, contracts: None, development: true };
        let db = start::open(&Config::default(), &options).await?;
        let contract = Arc::new(contract.clone());
        let consent = Consent::to_nothing(options.stage());
        apply::apply(&db, Arc::clone(&contract), consent, SystemClock.now_micros()).await?;
        apply::finish(&db, contract).await?;
        Ok(Planner { dialect: Dialect::Sqlite, db, _folder: Some(folder) })
    }

    /// A database of PostgreSQL as it is, with its rows.
    pub async fn postgres(url: &str) -> Result<Planner, Failure> {
        let config =
            mainstay_db::Config { database_url: Some(SecretString::from(url.to_owned())), ..Default::default() };
        let db = Database::open_postgres(url, &config).await?;
        Ok(Planner { dialect: Dialect::Postgres, db, _folder: None })
    }

    /// A contract with the names that its tables and columns have in this database.
    pub async fn bound(&self, contract: &Contract) -> Result<Contract, Failure> {
        let applied = start::newest(&self.db).await.ok().flatten();
        let applied = applied
            .ok_or("no contract was applied to this database: name the data service's, or apply the contract first")?;
        Ok(mainstay_ledger::bind(contract.clone(), &applied.ledger))
    }

    /// What the engine says of a statement, line by line. Parameters are empty texts and zeros; what is known of the caller
    /// is as given.
    pub async fn plan(&self, sql: &Sql, caller: &AuthView<'_>) -> Result<Vec<String>, Failure> {
        let (words, columns): (&str, &[Kind]) = match self.dialect {
            Dialect::Sqlite => ("EXPLAIN QUERY PLAN ", &[Kind::Int, Kind::Int, Kind::Int, Kind::Text]),
            Dialect::Postgres => ("EXPLAIN ", &[Kind::Text]),
        };
        let mut pieces = vec![Piece::Text(words.to_owned())];
        pieces.extend(sql.pieces.iter().cloned());
        let statement = Statement::new(pieces, false);
        let read = self.db.fetch(Lane::Heavy, &statement, binds(sql, caller), Rows::of(columns)).await?;
        Ok(lines(&read.rows))
    }
}

fn binds(sql: &Sql, caller: &AuthView<'_>) -> Vec<Value> {
    let kind = |slot: usize| {
        let of = |piece: &Piece| match piece {
            Piece::Bind { slot: own, kind } if *own == slot => Some(*kind),
            _ => None,
        };
        sql.pieces.iter().find_map(of).unwrap_or(Kind::Text)
    };
    let value = |(slot, source): (usize, &BindSource)| match source {
        BindSource::Literal(value) => value.clone(),
        BindSource::Auth(name) => caller.value(*name),
        BindSource::Claim { name, kind } => caller.claim(name, *kind),
        BindSource::Now { offset_us } => Value::Timestamp(shift_time(SystemClock.now_micros(), *offset_us)),
        BindSource::Param(_) if kind(slot) == Kind::Int => Value::Int(PAGE),
        BindSource::Param(_) => kind(slot).zero(),
    };
    sql.binds.iter().enumerate().map(value).collect()
}

/// SQLite says what stands beneath what by numbers, PostgreSQL by spaces.
fn lines(rows: &[Vec<Value>]) -> Vec<String> {
    let mut depths: Vec<(i64, usize)> = Vec::new();
    let line = |row: &Vec<Value>| match row.as_slice() {
        [Value::Int(id), Value::Int(parent), _, Value::Text(detail)] => {
            let depth = depths.iter().find(|(known, _)| known == parent).map_or(0, |(_, depth)| depth + 1);
            depths.push((*id, depth));
            Some(format!("{}{detail}", "  ".repeat(depth)))
        }
        [Value::Text(line)] => Some(line.clone()),
        _ => None,
    };
    rows.iter().filter_map(line).collect()
}
