//! Gives accounts of earlier times the key of today's form of their address.
//!
//! Until an account has it, and for good where another account has it already, the account is found by the former form of its
//! address, so nobody is ever kept out by the change. Every start tries again what is left.

use mainstay_db::{Atomic, Database, Lane};

use crate::domain::email::Email;
use crate::error::StartError;
use crate::store::accounts::{self, FormerRow};

/// How many accounts one transaction moves.
const MOVED_AT_ONCE: i64 = 200;

/// What became of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Moved {
    /// It has its key of today.
    Yes,
    /// Another account, by its uid, has that key.
    Taken(String),
    /// Its address would not be accepted today.
    NoLongerAccepted,
}

/// Moves all accounts that can be moved, the oldest first. Says whether some are still found by the former form alone.
pub(crate) async fn rekey(database: &Database) -> Result<bool, StartError> {
    if !database.read(Lane::Heavy, |conn| Box::pin(accounts::any_former(conn))).await? {
        return Ok(false);
    }
    let (mut moved, mut left, mut after) = (0_u64, 0_u64, String::new());
    loop {
        let from = after.clone();
        let rows = database
            .read(Lane::Heavy, move |conn| {
                let from = from.clone();
                Box::pin(async move { accounts::former(conn, &from, MOVED_AT_ONCE).await })
            })
            .await?;
        let Some(last) = rows.last() else { break };
        after.clone_from(&last.uid);
        for (row, outcome) in move_all(database, rows).await? {
            if outcome == Moved::Yes {
                moved += 1;
            } else {
                left += 1;
                report(&row, &outcome);
            }
        }
    }
    tracing::info!(moved, left, "e-mail addresses are compared in a new form; accounts were given their key in it");
    Ok(left > 0)
}

/// The log holds no addresses: whoever operates the service looks the accounts up.
fn report(row: &FormerRow, outcome: &Moved) {
    match outcome {
        Moved::Yes => {}
        Moved::Taken(other) => tracing::warn!(
            account = %row.uid,
            other = %other,
            "two accounts have what is one e-mail address today; both stay: the older one has the address in every spelling, \
             this one signs in with its own spelling, as before"
        ),
        Moved::NoLongerAccepted => tracing::warn!(
            account = %row.uid,
            "the e-mail address of this account would not be accepted today; it signs in with it all the same, as before"
        ),
    }
}

async fn move_all(database: &Database, rows: Vec<FormerRow>) -> Result<Vec<(FormerRow, Moved)>, StartError> {
    let moved = database.write(Atomic::Transaction, move |conn| {
        let rows = rows.clone();
        Box::pin(async move {
            let mut outcomes = Vec::with_capacity(rows.len());
            for row in rows {
                let outcome = match Email::parse(&row.email) {
                    Err(_) => Moved::NoLongerAccepted,
                    Ok(email) => match accounts::find_by_email_key(conn, email.key()).await? {
                        Some(other) => Moved::Taken(other.uid),
                        None => {
                            accounts::replace_email_key(conn, &row.uid, &row.email_key, email.key()).await?;
                            Moved::Yes
                        }
                    },
                };
                outcomes.push((row, outcome));
            }
            Ok::<_, mainstay_db::Error>(outcomes)
        })
    });
    moved.await.map_err(StartError::Database)
}
