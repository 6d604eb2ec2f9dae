//! An access rule, ready to be asked.

use mainstay_expr::{AtomValues, AuthName, AuthView, Expr, Program, Scope, Split, evaluate, fold};
use mainstay_record::Value;

use crate::domain::caller::Caller;
use crate::domain::checks::Obstacle;
use crate::error::Result;

/// One rule in the two forms in which it is asked: whole, on records in memory, and split into what depends on the caller
/// alone and the rest, which becomes SQL.
#[derive(Debug)]
pub struct Guard {
    program: Program,
    split: Split,
    /// Whether the rule holds for no row where nobody is signed in: `resource.owner == auth.uid` is such a rule, because
    /// the id of nobody is NULL.
    closed_to_nobody: bool,
}

/// What the caller alone decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The rule holds for every row.
    Always,
    /// The rule holds for no row.
    Never,
    /// The row decides, by this condition.
    Depends(Expr),
}

impl Guard {
    /// Splits the rule once.
    pub fn new(program: Program) -> Guard {
        let split = program.split();
        let for_nobody = Program { root: fold(without_caller(program.root.clone())) }.split();
        let atoms = for_nobody.decide(&AuthView::default());
        let closed_to_nobody = matches!(for_nobody.residual_for(atoms).constant(), Some(truth) if truth != Some(true));
        Guard { program, split, closed_to_nobody }
    }

    /// Says whether the rule holds for no row, whoever else may see some, as far as the caller alone decides.
    pub fn is_closed_to(&self, caller: &Caller) -> bool {
        self.is_closed_to_nobody(caller) || self.verdict(self.atoms(caller)) == Verdict::Never
    }

    /// The same for callers that are nobody, without a look at the rule: found out once.
    pub fn is_closed_to_nobody(&self, caller: &Caller) -> bool {
        self.closed_to_nobody && caller.is_nobody()
    }

    /// The outcome of the parts that need only the caller. Callers with the same outcome share their statements.
    pub fn atoms(&self, caller: &Caller) -> AtomValues {
        self.split.decide(&caller.auth())
    }

    /// What is left of the rule for callers with this outcome.
    pub fn verdict(&self, atoms: AtomValues) -> Verdict {
        let residual = self.split.residual_for(atoms);
        match residual.constant() {
            Some(Some(true)) => Verdict::Always,
            Some(_) => Verdict::Never,
            None => Verdict::Depends(residual),
        }
    }

    /// Says whether the rule holds. An error inside it, or an unknown, is not true.
    pub fn allows(&self, scope: &Scope<'_>) -> bool {
        evaluate(&self.program.root, scope) == Some(true)
    }

    /// Says whether the rule can no longer hold, whatever the records that the scope leaves out turn out to be.
    pub fn forbids(&self, scope: &Scope<'_>) -> bool {
        evaluate(&self.program.root, scope) == Some(false)
    }
}

/// Checks the part of a verb's rule that needs only the caller, and hands out the guard for the rest: nothing for the
/// system, to which rules do not apply.
pub fn admit<'g>(guard: Option<&'g Guard>, caller: &Caller) -> Result<Option<&'g Guard>> {
    if caller.is_system() {
        return Ok(None);
    }
    let guard = guard.ok_or_else(|| caller.denied(Obstacle::NoRule))?;
    if guard.is_closed_to(caller) { Err(caller.denied(Obstacle::AuthRule)) } else { Ok(Some(guard)) }
}

/// Puts NULL in the place of who is signed in.
fn without_caller(expr: Expr) -> Expr {
    match expr {
        Expr::Auth(AuthName::Uid | AuthName::Email) => Expr::Literal(Value::Null),
        other => other.map_children(&mut without_caller),
    }
}
