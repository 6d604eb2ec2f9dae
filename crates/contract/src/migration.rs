//! Data migrations: what becomes of the rows, in SQL, beside what the contract says of them.
//!
//! They lie in the folder `migrations`, each `NUMBER_NAME.sql`, or one file for each engine: `0001_titles.sqlite.sql` and
//! `0001_titles.postgres.sql`. A file has statements that end with a semicolon. Behind a line `-- repeat` a statement is run
//! until it changes no row, each time in a transaction of its own; behind `-- verify` stands a query that finds no row when
//! the migration has done what it should.

use std::collections::BTreeMap;

use crate::hash::hash;
use crate::source::{MIGRATIONS, is_migration};
use crate::{Diagnostic, Source};

/// How many migrations a contract has at most.
pub const MAX_MIGRATIONS: usize = 1_000;
/// What a statement begins with that changes rows.
const CHANGES: [&str; 4] = ["UPDATE", "INSERT", "DELETE", "WITH"];
/// How the service's own tables begin, which no migration is about.
const OWN_TABLES: &str = "mainstay_";

/// A numbered data migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    pub number: u32,
    /// `0001_titles`
    pub name: String,
    pub sqlite: Script,
    pub postgres: Script,
    /// Of its text, for every engine: a migration that ran is not changed.
    pub hash: String,
}

/// What a migration does on an engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    pub statements: Vec<Statement>,
    /// Finds no row when all is done.
    pub verify: String,
}

/// A statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub sql: String,
    /// Until it changes no row.
    pub repeat: bool,
}

/// Takes the migrations' files out of those of the contract.
pub(crate) fn split(sources: Vec<Source>) -> (Vec<Source>, Vec<Source>) {
    let (mut migrations, protos): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|source| is_migration(&source.path));
    migrations.sort_by(|a, b| a.path.cmp(&b.path));
    (protos, migrations)
}

/// Reads the migrations, in the order of their numbers.
pub(crate) fn read(sources: &[Source]) -> Result<Vec<Migration>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut found: BTreeMap<u32, Files<'_>> = BTreeMap::new();
    for source in sources {
        match Named::parse(&source.path) {
            None => problems.push(problem(
                source,
                1,
                "the name of the file is none of a migration",
                "call it migrations/0001_name.sql, or with .sqlite.sql and .postgres.sql one for each engine",
            )),
            Some(named) => {
                let files = found.entry(named.number).or_default();
                if let Some(other) = files.add(named, source) {
                    let help = format!("give one of them a number of its own: {other} has it already");
                    problems.push(problem(source, 1, "the number is another migration's", &help));
                }
            }
        }
    }
    let mut migrations = Vec::new();
    for (number, files) in found {
        migrations.extend(files.migration(number, &mut problems));
    }
    if migrations.len() > MAX_MIGRATIONS {
        problems.push(Diagnostic::general(
            format!("the contract has more than {MAX_MIGRATIONS} migrations"),
            None,
            None,
        ));
    }
    if problems.is_empty() { Ok(migrations) } else { Err(problems) }
}

/// What a file's name says.
struct Named {
    number: u32,
    /// `0001_titles`
    name: String,
    engine: Option<bool>,
}

impl Named {
    fn parse(path: &str) -> Option<Named> {
        let rest = path.strip_prefix(MIGRATIONS)?.strip_suffix(".sql")?;
        let (name, engine) = match rest.rsplit_once('.') {
            None => (rest, None),
            Some((name, "sqlite")) => (name, Some(true)),
            Some((name, "postgres")) => (name, Some(false)),
            Some(_) => return None,
        };
        let (digits, word) = name.split_once('_')?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let number = digits.parse().ok().filter(|number| *number > 0 && digits.len() >= 4)?;
        (!word.is_empty() && word.chars().all(plain)).then(|| Named { number, name: name.to_owned(), engine })
    }
}

/// The files of one number.
#[derive(Default)]
struct Files<'s> {
    name: String,
    both: Option<&'s Source>,
    sqlite: Option<&'s Source>,
    postgres: Option<&'s Source>,
}

impl<'s> Files<'s> {
    /// Says which file has the number already, where one has.
    fn add(&mut self, named: Named, source: &'s Source) -> Option<String> {
        let first = [self.both, self.sqlite, self.postgres].into_iter().flatten().next();
        if let Some(first) = first
            && (self.name != named.name || self.both.is_some() || named.engine.is_none())
        {
            return Some(first.path.clone());
        }
        self.name = named.name;
        match named.engine {
            None => self.both = Some(source),
            Some(true) => self.sqlite = Some(source),
            Some(false) => self.postgres = Some(source),
        }
        None
    }

    fn migration(&self, number: u32, problems: &mut Vec<Diagnostic>) -> Option<Migration> {
        let (Some(sqlite), Some(postgres)) = (self.sqlite.or(self.both), self.postgres.or(self.both)) else {
            let there = self.sqlite.or(self.postgres)?;
            let other = if self.sqlite.is_some() { "postgres" } else { "sqlite" };
            let help = format!(
                "write {MIGRATIONS}{}.{other}.sql, or one file for both: {MIGRATIONS}{}.sql",
                self.name, self.name
            );
            problems.push(problem(there, 1, "the other engine has no such migration", &help));
            return None;
        };
        let mut script = |source: &Source| match Script::parse(source) {
            Ok(script) => script,
            Err(problem) => {
                problems.push(*problem);
                Script::default()
            }
        };
        let (of_sqlite, of_postgres) =
            (script(sqlite), if self.both.is_some() { Script::default() } else { script(postgres) });
        let of_postgres = if self.both.is_some() { of_sqlite.clone() } else { of_postgres };
        let hash = hash(format!("{}\0{}", sqlite.text, postgres.text).as_bytes());
        Some(Migration { number, name: self.name.clone(), sqlite: of_sqlite, postgres: of_postgres, hash })
    }
}

impl Script {
    fn parse(source: &Source) -> Result<Script, Box<Diagnostic>> {
        let mut script = Script::default();
        for Piece { sql, directive, line } in pieces(&source.text) {
            let first = sql.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            if sql.to_ascii_lowercase().contains(OWN_TABLES) {
                return Err(problem(
                    source,
                    line,
                    "the service's own tables are nothing for a migration",
                    "leave them out",
                )
                .into());
            }
            match directive {
                Directive::Verify if !script.verify.is_empty() => {
                    return Err(
                        problem(source, line, "there is a second `-- verify`", "ask everything in one query").into()
                    );
                }
                Directive::Verify if first == "SELECT" => script.verify = sql,
                Directive::Verify => {
                    let help = "write a SELECT that finds no row when the migration has done what it should";
                    return Err(problem(source, line, "behind `-- verify` stands no query", help).into());
                }
                directive if CHANGES.contains(&first.as_str()) => {
                    script.statements.push(Statement { sql, repeat: directive == Directive::Repeat });
                }
                _ => {
                    let help = "write INSERT, UPDATE or DELETE; tables and columns are the contract's";
                    return Err(problem(source, line, &format!("a migration does not {first}"), help).into());
                }
            }
        }
        if script.statements.is_empty() || script.verify.is_empty() {
            let what = if script.verify.is_empty() { "`-- verify` is missing" } else { "the migration does nothing" };
            let help = "end the file with a line `-- verify` and a SELECT that finds no row when all is done";
            return Err(problem(source, 1, what, help).into());
        }
        Ok(script)
    }
}

/// What a line says of the statement behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Directive {
    #[default]
    Once,
    Repeat,
    Verify,
}

/// A statement as it stands in a file, without its semicolon.
struct Piece {
    sql: String,
    directive: Directive,
    line: u32,
}

/// The statements of a text. A semicolon inside quotes or a comment ends none.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let (mut sql, mut directive, mut line, mut begin) = (String::new(), Directive::Once, 1, 0);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => quoted(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            other => other.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        match token {
            ";" => {
                let sql = std::mem::take(&mut sql).trim().to_owned();
                if !sql.is_empty() {
                    found.push(Piece { sql, directive, line: begin });
                }
                (directive, begin) = (Directive::Once, 0);
            }
            comment if comment.starts_with("--") => match comment.trim_start_matches('-').trim() {
                "repeat" => directive = Directive::Repeat,
                "verify" => directive = Directive::Verify,
                _ => {}
            },
            comment if comment.starts_with("/*") => {}
            token => {
                if begin == 0 && !token.trim().is_empty() {
                    begin = line;
                }
                sql.push_str(token);
            }
        }
        line += u32::try_from(token.matches('\n').count()).unwrap_or(0);
        rest = after;
    }
    let sql = sql.trim().to_owned();
    if !sql.is_empty() {
        found.push(Piece { sql, directive, line: begin });
    }
    found
}

/// How long a quoted text is that begins here; a quote in it is doubled.
fn quoted(text: &str, quote: char) -> usize {
    let end = text.get(1..).and_then(|inside| inside.find(quote));
    end.map_or(text.len(), |end| end + 2)
}

fn problem(source: &Source, line: u32, message: &str, help: &str) -> Diagnostic {
    Diagnostic { line, column: 1, end_column: 2, ..Diagnostic::of_file(&source.path, message, Some(help.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<Source> {
        let source =
            |(path, text): &(&str, &str)| Source { path: format!("migrations/{path}"), text: (*text).to_owned() };
        files.iter().map(source).collect()
    }

    const GOOD: &str = "-- why\nUPDATE t SET a = ';' WHERE b = 'it''s';\n-- repeat\nDELETE FROM t /* ; */ WHERE c;\n-- verify\nSELECT 1 FROM t WHERE c;\n";

    #[test]
    fn a_script_is_statements_and_what_they_come_to() {
        let found = read(&files(&[
            ("0002_b.sqlite.sql", GOOD),
            ("0002_b.postgres.sql", "INSERT INTO t VALUES (1); -- verify\nSELECT 1 FROM t WHERE false"),
            ("0001_a.sql", GOOD),
        ]));
        let found = found.expect("they are right");
        let names: Vec<&str> = found.iter().map(|migration| migration.name.as_str()).collect();
        assert_eq!(names, ["0001_a", "0002_b"]);
        let script = &found[0].sqlite;
        assert_eq!(
            script.statements[0],
            Statement { sql: "UPDATE t SET a = ';' WHERE b = 'it''s'".to_owned(), repeat: false }
        );
        assert_eq!(script.statements[1], Statement { sql: "DELETE FROM t  WHERE c".to_owned(), repeat: true });
        assert_eq!((script.verify.as_str(), &found[0].postgres == script), ("SELECT 1 FROM t WHERE c", true));
        assert!(found[1].postgres.statements[0].sql.starts_with("INSERT") && found[1].hash != found[0].hash);
    }

    #[test]
    fn what_is_no_migration_is_told_with_its_place() {
        for (given, line, part) in [
            (&[("1_a.sql", GOOD)][..], 1, "none of a migration"),
            (&[("0001_a.mysql.sql", GOOD)], 1, "none of a migration"),
            (&[("0000_a.sql", GOOD)], 1, "none of a migration"),
            (&[("0001_a.sqlite.sql", GOOD)], 1, "the other engine"),
            (&[("0001_a.sql", GOOD), ("0001_b.sql", GOOD)], 1, "another migration's"),
            (&[("0001_a.sql", GOOD), ("0001_a.sqlite.sql", GOOD)], 1, "another migration's"),
            (&[("0001_a.sql", "UPDATE t SET a = 1;")], 1, "`-- verify` is missing"),
            (&[("0001_a.sql", "-- verify\nSELECT 1;")], 1, "does nothing"),
            (&[("0001_a.sql", "\nDROP TABLE t;")], 2, "does not DROP"),
            (&[("0001_a.sql", "UPDATE t SET a = 1;\n-- verify\nDELETE FROM t;")], 3, "no query"),
            (&[("0001_a.sql", "UPDATE mainstay_contracts SET ledger = '';")], 1, "own tables"),
        ] {
            let problems = read(&files(given)).expect_err("it is refused");
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].message.contains(part) && problems[0].line == line, "{problems:?}");
        }
    }
}
