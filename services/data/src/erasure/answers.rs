//! Remembered answers to requests: they hold rows as they were.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use mainstay_db::{Atomic, Conn, Lane};
use mainstay_record::Value;

use crate::domain::context::{Context, one_row};
use crate::error::Result;
use crate::plans::Snapshot;
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

/// Looks at some answers behind a place, and empties those with such rows, and those with rows that were removed before, whose nobody can
/// say any more; or only counts them. Says how many these are, and where it goes on.
pub async fn empty(
    cx: &Context,
    (snapshot, rows): (&Arc<Snapshot>, &Rows),
    behind: Option<Place>,
    validate_only: bool,
) -> Result<(i64, Option<Place>)> {
    let answers = Arc::clone(&cx.answers);
    let found = cx.db.read(Lane::Heavy, move |conn| {
        let (answers, behind) = (Arc::clone(&answers), behind.clone());
        Box::pin(async move { answers.kept(conn, behind.as_ref(), BATCH).await })
    });
    let found: std::result::Result<Vec<Kept>, mainstay_db::Error> = found.await;
    let found = found?;
    let last = found.last().filter(|_| found.len() == BATCH).map(|answer| answer.place.clone());
    let (theirs, others): (Vec<Kept>, Vec<Kept>) = found.into_iter().partition(|answer| rows.are_in(answer));
    let mut places: Vec<Place> = theirs.into_iter().map(|answer| answer.place).collect();
    places.extend(with_removed_rows(cx, snapshot, others).await?);
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

/// Which of these answers hold rows that there are no more.
async fn with_removed_rows(cx: &Context, snapshot: &Arc<Snapshot>, answers: Vec<Kept>) -> Result<Vec<Place>> {
    let asked = Arc::new((Arc::clone(snapshot), answers));
    let found = cx.db.read(Lane::Heavy, move |conn| {
        let asked = Arc::clone(&asked);
        Box::pin(async move {
            let (snapshot, answers) = &*asked;
            let mut found = Vec::new();
            for answer in answers {
                if !are_there(conn, snapshot, &answer.key).await? {
                    found.push(answer.place.clone());
                }
            }
            Ok(found)
        })
    });
    found.await
}

/// Whether there are rows with all of these keys, which stand one behind the other: of which resources they are, and so how long each
/// is, nobody has noted.
async fn are_there(conn: &mut Conn<'_>, snapshot: &Snapshot, keys: &[Value]) -> Result<bool> {
    let mut ends = BTreeSet::from([0]);
    while let Some(from) = ends.pop_first() {
        let rest = keys.get(from..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(true);
        }
        for plan in snapshot.resources() {
            let length = plan.resource.layout.keys();
            let Some(key) = rest.get(..length).filter(|key| !key.is_empty()) else { continue };
            if !ends.contains(&(from + length)) && one_row(conn, &plan.whoever().statement, key, plan).await?.is_some()
            {
                ends.insert(from + length);
            }
        }
    }
    Ok(false)
}
