//! Pages that PostgreSQL could not read, and whether that is still so.

use std::sync::Arc;

use mainstay_record::{Kind, Piece, Value};

use crate::conn::Conn;
use crate::error::Error;
use crate::row::Rows;
use crate::statement::Statement;

/// A page of a file, as PostgreSQL names it where it cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DamagedPage {
    block: u32,
    /// The path of the relation's file, without the number of a segment.
    file: String,
    /// Whether it is of the rows themselves, not of what PostgreSQL keeps beside them.
    is_main: bool,
}

impl DamagedPage {
    /// Finds the page in the cause of [`Error::Corrupt`]. Damage that is of no page has none.
    pub fn of(damage: &Error) -> Option<DamagedPage> {
        let Error::Corrupt { source, .. } = damage else { return None };
        DamagedPage::named(&source.to_string())
    }

    /// `invalid page in block 7 of relation base/1/2`, `could not read block 7 in file "base/1/2.1": …`.
    fn named(said: &str) -> Option<DamagedPage> {
        let (_, rest) = said.split_once("page in block ").or_else(|| said.split_once("could not read block"))?;
        let digits = rest.trim_start_matches(['s', ' ']);
        let block = digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
        let (_, path) = rest.split_once(" of relation ").or_else(|| rest.split_once(" in file "))?;
        let path = path.trim_start_matches('"').split(['"', ' ', ':']).next()?;
        let (folder, name) = path.rsplit_once('/')?;
        let name = name.split('.').next()?;
        let (number, is_main) = name.split_once('_').map_or((name, true), |(number, _)| (number, false));
        Some(DamagedPage { block, file: format!("{folder}/{number}"), is_main })
    }

    /// Says whether it still is a page of a table, or of an index, and still cannot be read.
    pub async fn is_there(&self, conn: &mut Conn<'_>) -> Result<bool, Error> {
        let Some((relation, kind)) = self.relation(conn).await? else { return Ok(false) };
        // The pages of an index are read by nobody's choice: it is mended by making it anew, in another file.
        if !self.is_main || !["r", "m", "t"].contains(&kind.as_str()) {
            return Ok(true);
        }
        let read = format!("SELECT count(*) FROM {relation} WHERE ctid = '({},1)'", self.block);
        Ok(conn.fetch(&once(read), &[], &mut Rows::of(&[Kind::Int])).await.is_err())
    }

    /// The relation whose file it is now, and its kind.
    async fn relation(&self, conn: &mut Conn<'_>) -> Result<Option<(String, String)>, Error> {
        let ask = format!(
            "SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = \
             c.relnamespace WHERE pg_relation_filepath(c.oid) = '{}'",
            self.file.replace('\'', "''")
        );
        let mut found = Rows::of(&[Kind::Text, Kind::Text]);
        conn.fetch(&once(ask), &[], &mut found).await?;
        Ok(found.rows.into_iter().find_map(|row| match <[Value; 2]>::try_from(row) {
            Ok([Value::Text(name), Value::Text(kind)]) => Some((name, kind)),
            _ => None,
        }))
    }
}

/// A statement that nobody keeps.
fn once(text: String) -> Arc<Statement> {
    Statement::new(vec![Piece::Text(text)], false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_in_what_every_version_says() {
        for (said, block, file, is_main) in [
            ("invalid page in block 7 of relation base/1/2", 7, "base/1/2", true),
            ("invalid page in block 7 of relation \"base/1/2\"", 7, "base/1/2", true),
            ("invalid page in block 0 of relation pg_tblspc/9/PG_15_2/1/2_vm", 0, "pg_tblspc/9/PG_15_2/1/2", false),
            (
                "could not read block 131080 in file \"base/1/2.1\": read only 0 of 8192 bytes",
                131_080,
                "base/1/2",
                true,
            ),
            ("could not read blocks 3..4 in file \"base/1/2\": Input/output error", 3, "base/1/2", true),
        ] {
            let found = DamagedPage::named(said);
            assert_eq!(found, Some(DamagedPage { block, file: file.to_owned(), is_main }), "{said}");
        }
        assert_eq!(DamagedPage::named("missing chunk number 0 for toast value 1 in pg_toast_2"), None);
    }
}
