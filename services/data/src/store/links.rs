//! What rows name inside their lists.

use std::sync::{Arc, LazyLock};

use mainstay_contract::Link;
use mainstay_db::{Conn, Error, Rows, Statement, Step};
use mainstay_record::{Kind, Value};

static PUT: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "INSERT INTO mainstay_links (source, source_key, path, target, target_key) VALUES (?, ?, ?, ?, ?) \
                ON CONFLICT DO NOTHING";
    Statement::with_binds(text, &[Kind::Text; 5])
});

static TAKE: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "DELETE FROM mainstay_links WHERE source = ? AND source_key = ? AND path = ? AND target = ? AND \
                target_key = ?";
    Statement::with_binds(text, &[Kind::Text; 5])
});

static FORGET: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "DELETE FROM mainstay_links WHERE source = ? AND source_key = ?";
    Statement::with_binds(text, &[Kind::Text; 2])
});

static SOURCES: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "SELECT source_key FROM mainstay_links WHERE target = ? AND target_key = ? AND source = ? AND path = ? \
                ORDER BY source_key LIMIT ?";
    Statement::with_binds(text, &[Kind::Text, Kind::Text, Kind::Text, Kind::Text, Kind::Int])
});

/// A row, by its resource's type and the ids of its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    pub resource: String,
    pub key: String,
}

impl End {
    /// The row of this key.
    pub fn of(resource: &str, key: &[Value]) -> End {
        let ids: Vec<&str> = key.iter().map(|id| if let Value::Text(id) = id { id.as_str() } else { "" }).collect();
        End { resource: resource.to_owned(), key: ids.join("/") }
    }

    fn binds(self) -> [Value; 2] {
        [Value::Text(self.resource), Value::Text(self.key)]
    }
}

/// The numbers of the fields on the way to a link, as they are stored.
pub fn path(link: &Link) -> String {
    link.path.0.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// Notes that a row names another.
pub fn put(source: End, path: String, target: End) -> Step {
    step(&PUT, source, path, target)
}

/// Notes that it does so no more.
pub fn take(source: End, path: String, target: End) -> Step {
    step(&TAKE, source, path, target)
}

fn step(statement: &Arc<Statement>, source: End, path: String, target: End) -> Step {
    let ([source, source_key], [target, target_key]) = (source.binds(), target.binds());
    let binds = [source, source_key, Value::Text(path), target, target_key];
    Step { statement: Arc::clone(statement), binds: binds.into() }
}

/// Forgets all that a row names, because it goes.
pub fn forget(source: End) -> Step {
    Step { statement: Arc::clone(&FORGET), binds: source.binds().into() }
}

/// Finds the keys of the rows of a resource that name a row by a link, at most so many.
pub async fn sources(
    conn: &mut Conn<'_>,
    source: &str,
    link: &Link,
    target: End,
    most: usize,
) -> Result<Vec<Vec<Value>>, Error> {
    let [target, target_key] = target.binds();
    let limit = Value::Int(i64::try_from(most).unwrap_or(i64::MAX));
    let binds = [target, target_key, Value::Text(source.to_owned()), Value::Text(path(link)), limit];
    let mut found = Rows::of(&[Kind::Text]);
    conn.fetch(&SOURCES, &binds, &mut found).await?;
    let ids = |row: Vec<Value>| match row.into_iter().next() {
        Some(Value::Text(ids)) => ids.split('/').map(|id| Value::Text(id.to_owned())).collect(),
        _ => Vec::new(),
    };
    Ok(found.rows.into_iter().map(ids).collect())
}
