//! Writes that are known whole before the store is asked. How many statements and which transaction they take is decided
//! here.

use std::sync::Arc;

use crate::conn::Conn;
use crate::step::{Step, StepError};
use crate::terms::{Atomic, Engine};

/// A place that only one write can have. It is asked in the transaction of the write.
pub trait Gate: Send + Sync {
    /// Finds a row where somebody has it. None where it is known without the store that nobody has.
    fn taken(&self) -> Option<Step>;

    /// Takes it: changes no row where somebody has it.
    fn take(&self) -> Step;
}

/// A write that asks nothing of the store.
#[derive(Clone, Default)]
pub struct Known {
    /// Where somebody has this place, nothing is stored.
    pub gate: Option<Arc<dyn Gate>>,
    /// What is stored, in this order.
    pub steps: Vec<Step>,
    /// The gate and the steps as one statement, for an engine that has such: it changes no row where the gate would not.
    pub together: Option<Step>,
}

/// What became of a known write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    All,
    /// Somebody had the place.
    Nothing,
}

/// The fewest statements that do the same.
#[derive(Debug, Clone, Copy)]
enum Way {
    Step,
    Together,
    Steps,
}

impl Known {
    fn way(&self) -> Way {
        match (&self.gate, &self.together, self.steps.as_slice()) {
            (_, Some(_), _) => Way::Together,
            (None, None, [_]) => Way::Step,
            _ => Way::Steps,
        }
    }

    /// What a job that stores it promises.
    pub(crate) fn atomic(&self) -> Atomic {
        match self.way() {
            Way::Step | Way::Together => Atomic::Statement,
            // What is taken is locked. Of several steps each may be the one that fails.
            Way::Steps if self.steps.len() > 1 => Atomic::Tentative,
            Way::Steps => Atomic::Locked,
        }
    }

    pub(crate) async fn store(&self, conn: &mut Conn<'_>) -> Result<Stored, StepError> {
        match (self.way(), &self.gate, &self.together) {
            (Way::Together, _, Some(together)) => {
                let changed = conn.execute(&together.statement, &together.binds).await;
                let changed = changed.map_err(|error| StepError { at: Some(0), error })?;
                Ok(if changed > 0 { Stored::All } else { Stored::Nothing })
            }
            (_, Some(gate), _) => self.pass(&**gate, conn).await,
            (_, None, _) => conn.execute_all(&self.steps).await.map(|_| Stored::All),
        }
    }

    /// On PostgreSQL others wait for who has taken the place. On SQLite nobody else writes meanwhile; there it is taken last,
    /// so that a step that fails has nothing before it that had to be undone.
    async fn pass(&self, gate: &dyn Gate, conn: &mut Conn<'_>) -> Result<Stored, StepError> {
        match conn.engine() {
            Engine::Sqlite => {
                if let Some(taken) = gate.taken()
                    && conn.query(&taken.statement, &taken.binds, &mut |_| ()).await? > 0
                {
                    return Ok(Stored::Nothing);
                }
                conn.execute_all(&self.steps).await?;
                let take = gate.take();
                conn.execute(&take.statement, &take.binds).await?;
                Ok(Stored::All)
            }
            Engine::Postgres => {
                let take = gate.take();
                if conn.execute(&take.statement, &take.binds).await? == 0 {
                    return Ok(Stored::Nothing);
                }
                conn.execute_all(&self.steps).await.map(|_| Stored::All)
            }
        }
    }
}
