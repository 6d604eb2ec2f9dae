//! Data migrations: those that ran, and those that are still to.

use mainstay_contract::{Migration, Place};

use super::planner::Planner;
use super::{Change, Safety, Step};
use crate::MigrationEntry;

impl<'a> Planner<'a> {
    /// A step for each migration that is not done, in the order of their numbers; they run when everything else is done.
    pub(super) fn migrations(&mut self, outside: &mut Vec<Step>) {
        for migration in &self.contract.migrations {
            let ran = self.before.migrations.get(&migration.number);
            match ran {
                Some(ran) if ran.done && ran.hash == migration.hash => {}
                Some(ran) if ran.done => self.steps.push(step(migration, changed(ran), None)),
                ran => outside.push(step(migration, pending(), progress(migration, ran))),
            }
        }
    }
}

fn step(migration: &Migration, safety: Safety, note: Option<String>) -> Step {
    let (number, hash, statements) = (migration.number, migration.hash.clone(), statements_of(migration));
    let change = match safety {
        Safety::Refused { .. } => Change::ChangeMigration { number },
        _ => Change::RunMigration { number, hash, statements },
    };
    let place = Place { file: format!("migrations/{}", migration.name), line: 1, column: 1 };
    Step { resource: migration.name.clone(), change, safety, schema: Vec::new(), note, place: Some(place), path: None }
}

fn pending() -> Safety {
    Safety::Reviewed {
        why: "it writes rows, and what it writes over is gone".to_owned(),
        remedy: "try it on a copy (mainstay restore), then accept".to_owned(),
    }
}

fn changed(ran: &MigrationEntry) -> Safety {
    Safety::Refused {
        why: format!("{} ran already, with {} rows, and says something else now", ran.name, ran.rows),
        remedy: "give it the text that ran, and write another migration with a number of its own".to_owned(),
    }
}

/// How far it came before it was broken off; nothing where its text is another one since.
fn progress(migration: &Migration, ran: Option<&MigrationEntry>) -> Option<String> {
    let ran = ran.filter(|ran| ran.hash == migration.hash)?;
    Some(format!(
        "{} of {} statements are done, with {} rows; it goes on from there",
        ran.statement,
        statements_of(migration),
        ran.rows
    ))
}

/// Of the engine that has more.
fn statements_of(migration: &Migration) -> usize {
    migration.sqlite.statements.len().max(migration.postgres.statements.len())
}
