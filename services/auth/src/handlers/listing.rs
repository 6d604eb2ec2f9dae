//! Accounts a page at a time: all, or those that a filter finds.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use mainstay_db::Lane;
use mainstay_layers::caller;
use mainstay_proto::auth::v1 as pb;
use tonic::Request;

use super::account_to_pb;
use super::pages::page_size;
use crate::core::Core;
use crate::domain::account::Account;
use crate::domain::page_token;
use crate::domain::search::{self, Condition};
use crate::error::Error;
use crate::store::accounts::{self as store, AccountRow};
use crate::store::search::{self as found, Place};

pub(super) async fn list_accounts(
    core: &Core,
    request: Request<pb::ListAccountsRequest>,
) -> Result<pb::ListAccountsResponse, Error> {
    let caller = caller(&request).map_err(Error::Stack)?;
    list(core, caller.uid().unwrap_or_default(), request.into_inner()).await
}

/// Gives a page of the accounts that a filter finds to its reader.
pub(crate) async fn list(
    core: &Core,
    reader: &str,
    request: pb::ListAccountsRequest,
) -> Result<pb::ListAccountsResponse, Error> {
    let size = page_size(request.page_size)?;
    let conditions = search::parse(&request.filter).map_err(Error::Filter)?;
    let now = core.clock.now_seconds();
    // A token is good for the list that it was given for.
    let reader = format!("{reader} {}", request.filter);
    let after = match request.page_token.as_str() {
        "" => None,
        token => Some(page_token::open::<Cursor>(&core.key_encryption_key, &reader, token, now)?.0),
    };
    let mut accounts = read_page(core, conditions, after, size + 1).await?;
    let more = accounts.len() > size;
    accounts.truncate(size);
    let last = accounts.last().filter(|_| more);
    let last = last.map(|(account, order)| Cursor(Place { order: order.clone(), uid: account.id.to_string() }));
    let seal = |last| page_token::seal(&core.key_encryption_key, &reader, last, now);
    let next_page_token = last.map(seal).transpose()?.unwrap_or_default();
    let accounts = accounts.iter().map(|(account, _)| account_to_pb(account)).collect();
    Ok(pb::ListAccountsResponse { accounts, next_page_token })
}

/// Where a page ends, as a token holds it.
struct Cursor(Place);

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.0.uid, self.0.order)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Cursor, ()> {
        let (uid, order) = text.split_once(' ').ok_or(())?;
        Ok(Cursor(Place { order: order.to_owned(), uid: uid.to_owned() }))
    }
}

/// Reads the accounts behind a place with what each is ordered by, the roles of all at once.
async fn read_page(
    core: &Core,
    conditions: Vec<Condition>,
    after: Option<Place>,
    limit: usize,
) -> Result<Vec<(Account, String)>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    core.database
        .read(Lane::Heavy, move |conn| {
            let (conditions, after) = (conditions.clone(), after.clone());
            Box::pin(async move {
                let rows = found::page(conn, &conditions, after.as_ref(), limit).await?;
                let uids: Vec<String> = rows.iter().map(|(row, _)| row.uid.clone()).collect();
                let mut roles: HashMap<String, Vec<String>> = HashMap::new();
                for (uid, role) in store::roles_of(conn, &uids).await? {
                    roles.entry(uid).or_default().push(role);
                }
                let complete = |(row, order): (AccountRow, String)| {
                    let roles = roles.remove(&row.uid).unwrap_or_default();
                    row.into_account(roles).map(|account| (account, order))
                };
                Ok(rows.into_iter().map(complete).collect::<Result<_, _>>()?)
            })
        })
        .await
}
