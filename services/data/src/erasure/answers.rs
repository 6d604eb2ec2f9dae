//! Remembered answers to requests: they hold rows as they were.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use mainstay_db::{Atomic, Lane};
use mainstay_record::Value;

use crate::domain::context::Context;
use crate::error::Result;
use crate::store::answers::{Kept, Place};

/// How many answers are looked at together.
const BATCH: usize = 500;

/// The rows of which no answer may tell any more.
#[derive(Debug, Default)]
pub struct Rows {
    keys: HashSet<String>,
    /// How many parts their keys have.
    lengths: BTreeSet<usize>,
}

impl Rows {
    /// Adds a row.
    pub fn add(&mut self, key: &[Value]) {
        self.lengths.insert(key.len());
        self.keys.insert(joined(key));
    }

    /// Whether one of them is among the rows of an answer, whose keys stand one behind the other. The answer does not say of which
    /// resources they are: a row of another one with the same key is taken for it, and what is emptied stays remembered.
    fn are_in(&self, answer: &Kept) -> bool {
        let of_length = |length: &usize| answer.key.windows(*length).any(|key| self.keys.contains(&joined(key)));
        self.lengths.iter().any(of_length)
    }
}

fn joined(key: &[Value]) -> String {
    let part = |value: &Value| if let Value::Text(text) = value { text.clone() } else { String::new() };
    key.iter().map(part).collect::<Vec<_>>().join("\0")
}

/// Looks at some answers behind a place, and empties those with such rows, or only counts them. Says how many these are, and where it
/// goes on.
pub async fn empty(
    cx: &Context,
    rows: &Rows,
    behind: Option<Place>,
    validate_only: bool,
) -> Result<(i64, Option<Place>)> {
    if rows.keys.is_empty() {
        return Ok((0, None));
    }
    let answers = Arc::clone(&cx.answers);
    let found = cx.db.read(Lane::Heavy, move |conn| {
        let (answers, behind) = (Arc::clone(&answers), behind.clone());
        Box::pin(async move { answers.kept(conn, behind.as_ref(), BATCH).await })
    });
    let found: std::result::Result<Vec<Kept>, mainstay_db::Error> = found.await;
    let found = found?;
    let last = found.last().filter(|_| found.len() == BATCH).map(|answer| answer.place.clone());
    let places: Vec<Place> =
        found.into_iter().filter(|answer| rows.are_in(answer)).map(|answer| answer.place).collect();
    let emptied = i64::try_from(places.len()).unwrap_or(i64::MAX);
    if emptied > 0 && !validate_only {
        let (answers, places) = (Arc::clone(&cx.answers), Arc::new(places));
        let done = cx.db.write(Atomic::Locked, move |conn| {
            let (answers, places) = (Arc::clone(&answers), Arc::clone(&places));
            Box::pin(async move { answers.empty(conn, &places).await.map(drop) })
        });
        let done: std::result::Result<(), mainstay_db::Error> = done.await;
        done?;
    }
    Ok((emptied, last))
}
