//! What the contract says no more, and is still stored.

use mainstay_db::Lane;
use mainstay_ledger::Ledger;

use crate::domain::context::Context;
use crate::error::{Error, Result};
use crate::store::contracts::{self, ReadError};

/// Names it: a resource that was removed by its type, a field by that and its name.
pub async fn names(cx: &Context) -> Result<Vec<String>> {
    let read = cx.db.read(Lane::Heavy, |conn| Box::pin(contracts::newest(conn)));
    let applied = match read.await {
        Ok(applied) => applied,
        Err(ReadError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(Error::OutOfTurn),
    };
    Ok(applied.map(|applied| of(&applied.ledger)).unwrap_or_default())
}

fn of(ledger: &Ledger) -> Vec<String> {
    let mut found = Vec::new();
    for (type_name, entry) in ledger.entries() {
        if entry.hidden.is_some() {
            found.push(type_name.to_owned());
            continue;
        }
        let hidden = entry.fields.values().filter(|field| field.hidden);
        found.extend(hidden.map(|field| format!("{type_name} {}", field.name)));
    }
    found
}
