//! The one row of `gateway_contract`.

use diesel::prelude::*;
use mainstay_db::{Atomic, Conn, Database, Error, Lane};

use crate::schema::gateway_contract;

/// There is one row, and this is its key.
const ONLY: i64 = 1;

/// The application's contract as it was fetched last.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = gateway_contract)]
pub struct StoredContract {
    pub revision: i64,
    pub hash: String,
    /// An encoded `google.protobuf.FileDescriptorSet`.
    pub descriptor_set: Vec<u8>,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fetched_at_us: i64,
}

impl StoredContract {
    /// Reads it; nothing where none was ever fetched.
    pub async fn load(database: &Database) -> Result<Option<StoredContract>, Error> {
        database.read(Lane::Inline, |conn| Box::pin(find(conn))).await
    }

    /// Puts it in the place of the one before.
    pub async fn save(self, database: &Database) -> Result<(), Error> {
        database
            .write(Atomic::Statement, move |conn| {
                let contract = self.clone();
                Box::pin(async move { replace(conn, &contract).await })
            })
            .await
    }
}

/// Reads the revision and the hash of the contract in a store.
pub async fn revision(conn: &mut Conn<'_>) -> Result<Option<(i64, String)>, Error> {
    let known = gateway_contract::table.find(ONLY).select((gateway_contract::revision, gateway_contract::hash));
    mainstay_db::first!(conn, known => (i64, String))
}

async fn find(conn: &mut Conn<'_>) -> Result<Option<StoredContract>, Error> {
    mainstay_db::first!(
        conn,
        gateway_contract::table.find(ONLY).select(StoredContract::as_select()) => StoredContract
    )
}

async fn replace(conn: &mut Conn<'_>, contract: &StoredContract) -> Result<(), Error> {
    mainstay_db::execute!(
        conn,
        diesel::insert_into(gateway_contract::table)
            .values((gateway_contract::id.eq(ONLY), contract))
            .on_conflict(gateway_contract::id)
            .do_update()
            .set(contract)
    )
    .map(|_| ())
}
