//! A whole copy of a file of one moment, made beside the process that uses it.

use std::path::Path;

use diesel::connection::SimpleConnection;
use futures_util::future::BoxFuture;

use super::open::{self, Role};
use crate::conn::{Conn, Promise};
use crate::error::{Error, classify};

/// Copies the store in `from` to the file `to`, which must not exist, and compacts it on the way. The process that uses the
/// store goes on; nobody waits. Its write-ahead log grows meanwhile, for the copy is of the moment at which this begins.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    // Who opens a file that is not there makes it.
    if !from.is_file() {
        return Err(Error::Config(format!("{} is not there", from.display())));
    }
    let target = to.to_str().ok_or_else(|| Error::Config(format!("{} is not UTF-8", to.display())))?;
    let mut link = open::connect(from, Role::Copier)?;
    let copy = format!("VACUUM INTO '{}'", target.replace('\'', "''"));
    link.batch_execute(&copy).map_err(|error| classify::sqlite(error, from, &mut link))
}

/// Runs a job on a file, which sees one snapshot and changes nothing of it. Another process may use the file.
pub(crate) async fn look<T, E, F>(file: &Path, job: F) -> Result<T, E>
where
    F: for<'a, 'c> FnOnce(&'a mut Conn<'c>) -> BoxFuture<'a, Result<T, E>> + Send,
    E: From<Error>,
{
    if !file.is_file() {
        return Err(Error::Config(format!("{} is not there", file.display())).into());
    }
    let mut link = open::connect(file, Role::Reader)?;
    link.batch_execute("BEGIN").map_err(|error| classify::sqlite(error, file, &mut link))?;
    let mut conn = Conn::sqlite(&mut link, file, Promise::Read);
    job(&mut conn).await
}
