//! What took rows from state to state.

use std::sync::{Arc, LazyLock};

use mainstay_db::{Conn, Error, Rows, Statement, Step};
use mainstay_record::{Kind, Value};

/// What is kept of a transition, beside whose it is: see [`Passage::values`].
const COLUMNS: [(&str, Kind); 8] = [
    ("revision", Kind::Int),
    ("at", Kind::Int),
    ("actor", Kind::Text),
    ("transition", Kind::Text),
    ("field", Kind::Int),
    ("from_state", Kind::Int),
    ("to_state", Kind::Int),
    ("inputs", Kind::Bytes),
];

fn names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}

static NOTE: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let places = ["?"; COLUMNS.len()].join(", ");
    let text = format!("INSERT INTO mainstay_transitions (resource, row_key, {}) VALUES (?, ?, {places})", names());
    Statement::with_binds(&text, &[&[Kind::Text; 2][..], &COLUMNS.map(|(_, kind)| kind)].concat())
});

static FORGET: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "DELETE FROM mainstay_transitions WHERE resource = ? AND row_key = ?";
    Statement::with_binds(text, &[Kind::Text, Kind::Text])
});

static REPLACE: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = "UPDATE mainstay_transitions SET inputs = ? WHERE resource = ? AND row_key = ? AND revision = ?";
    Statement::with_binds(text, &[Kind::Bytes, Kind::Text, Kind::Text, Kind::Int])
});

static LIST: LazyLock<Arc<Statement>> = LazyLock::new(|| {
    let text = format!(
        "SELECT {} FROM mainstay_transitions WHERE resource = ? AND row_key = ? AND revision < ? ORDER BY revision DESC LIMIT ?",
        names()
    );
    Statement::with_binds(&text, &[Kind::Text, Kind::Text, Kind::Int, Kind::Int])
});

/// A transition that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// That the row has had since.
    pub revision: i64,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
    /// The account; empty for nobody, and for what happened by itself.
    pub actor: String,
    pub transition: String,
    /// The number of the field of states, and those of the states.
    pub field: i64,
    pub from: i64,
    pub to: i64,
    /// What was given, as a message of the resource.
    pub inputs: Vec<u8>,
}

/// Whose transitions are meant: the resource's type, and the ids of the row's name.
pub fn whose(resource: &str, key: &[Value]) -> [Value; 2] {
    let ids: Vec<&str> = key.iter().map(|id| if let Value::Text(id) = id { id.as_str() } else { "" }).collect();
    [Value::Text(resource.to_owned()), Value::Text(ids.join("/"))]
}

/// Writes down one.
pub fn note([resource, key]: [Value; 2], passage: Passage) -> Step {
    let binds = [resource, key].into_iter().chain(passage.values()).collect();
    Step { statement: Arc::clone(&NOTE), binds }
}

/// Forgets those of a row that goes: another one may have its name one day.
pub fn forget(whose: [Value; 2]) -> Step {
    Step { statement: Arc::clone(&FORGET), binds: whose.into() }
}

/// Puts something else in the place of what was given with one.
pub fn replace_inputs([resource, key]: [Value; 2], revision: i64, inputs: Vec<u8>) -> Step {
    let binds = [Value::Bytes(inputs), resource, key, Value::Int(revision)];
    Step { statement: Arc::clone(&REPLACE), binds: binds.into() }
}

/// Reads those of a row, the youngest first, that were before a revision.
pub async fn list(conn: &mut Conn<'_>, whose: [Value; 2], before: i64, limit: usize) -> Result<Vec<Passage>, Error> {
    let mut rows = Rows::of(&COLUMNS.map(|(_, kind)| kind));
    let [resource, key] = whose;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.fetch(&LIST, &[resource, key, Value::Int(before), Value::Int(limit)], &mut rows).await?;
    Ok(rows.rows.into_iter().filter_map(Passage::of).collect())
}

impl Passage {
    /// As the columns have it.
    fn values(self) -> [Value; COLUMNS.len()] {
        let Passage { revision, at, actor, transition, field, from, to, inputs } = self;
        let [revision, at, field, from, to] = [revision, at, field, from, to].map(Value::Int);
        let [actor, transition] = [actor, transition].map(Value::Text);
        [revision, at, actor, transition, field, from, to, Value::Bytes(inputs)]
    }

    fn of(row: Vec<Value>) -> Option<Passage> {
        let [
            Value::Int(revision),
            Value::Int(at),
            Value::Text(actor),
            Value::Text(transition),
            Value::Int(field),
            Value::Int(from),
            Value::Int(to),
            Value::Bytes(inputs),
        ]: [Value; COLUMNS.len()] = row.try_into().ok()?
        else {
            return None;
        };
        Some(Passage { revision, at, actor, transition, field, from, to, inputs })
    }
}
