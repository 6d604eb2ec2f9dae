//! An access rule, ready to be asked.

use std::sync::{Arc, OnceLock};

use mainstay_contract::{Place, Rule};
use mainstay_expr::{AtomValues, AuthView, Expr, Program, Row, Scope, Split, evaluate, fold};
use mainstay_record::Value;
use mainstay_sql::{Dialect, Given, Tables, ask};

use super::compiled::{Compiled, Shapes};
use crate::rights::Caller;

/// One rule in the two forms in which it is asked: whole, on records in memory, and split into what depends on the caller
/// alone and the rest, which becomes SQL.
#[derive(Debug)]
pub struct Guard {
    /// As they are written; all of them must hold.
    rules: Vec<Rule>,
    program: Program,
    split: Split,
    /// Whether the rule holds for no row where nobody is signed in: `resource.owner == auth.uid` is such a rule, because
    /// the id of nobody is NULL.
    closed_to_nobody: bool,
    /// Whether the rule holds whatever is asked: `true`.
    open: bool,
    /// The rows that the rule looks at beside the records in hand, each after those on the way to it.
    looks: Vec<Row>,
    /// The quantifiers over other rows, whose values the store knows.
    asks: Vec<Ask>,
}

/// A quantifier of a rule, and the statement that evaluates it for records in hand.
#[derive(Debug)]
pub struct Ask {
    pub expr: Expr,
    pub given: Given,
    /// Whether it looks at what names inside lists lead to.
    pub follows_names: bool,
    statement: OnceLock<Arc<Compiled>>,
}

impl Ask {
    /// Compiles its statement when it is first asked. Params: what is given.
    pub fn statement(&self, dialect: Dialect, tables: &Tables, shapes: &Shapes) -> &Arc<Compiled> {
        self.statement.get_or_init(|| shapes.compile(ask(dialect, &self.expr, &self.given, tables)))
    }
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
    /// Splits rules, all of which must hold, once.
    pub fn new(rules: Vec<Rule>) -> Guard {
        let program = match rules.as_slice() {
            [rule] => rule.program.clone(),
            all => Program::all(all.iter().map(|rule| rule.program.clone())),
        };
        let split = program.split();
        let for_nobody = Program { root: fold(without_caller(program.root.clone())) }.split();
        let atoms = for_nobody.decide(&AuthView::default());
        let closed_to_nobody = matches!(for_nobody.residual_for(atoms).constant(), Some(truth) if truth != Some(true));
        let open = program.root.constant() == Some(Some(true));
        let looks = program.looks().into_iter().collect();
        let ask = |expr: Expr| Ask {
            given: Given::of(&expr),
            follows_names: follows_names(&expr),
            expr,
            statement: OnceLock::new(),
        };
        let asks = program.asks().into_iter().map(ask).collect();
        Guard { rules, program, split, closed_to_nobody, open, looks, asks }
    }

    /// The rows that the rule looks at beside the records in hand, each after those on the way to it.
    pub fn looks(&self) -> &[Row] {
        &self.looks
    }

    /// The quantifiers over other rows.
    pub fn asks(&self) -> &[Ask] {
        &self.asks
    }

    /// Says whether the rule is over the records in hand alone.
    pub fn is_alone(&self) -> bool {
        self.looks.is_empty() && self.asks.is_empty()
    }

    /// Says whether the records in hand decide, or whoever asks must look at others.
    pub fn looks_around(&self, scope: &Scope<'_>) -> bool {
        !self.is_alone() && !self.is_decided(scope)
    }

    /// Says whether what is known decides.
    pub fn is_decided(&self, scope: &Scope<'_>) -> bool {
        evaluate(&self.program.root, scope).is_some()
    }

    /// Says whether the rule holds for no row, whoever else may see some, as far as the caller alone decides.
    pub fn is_closed_to(&self, caller: &Caller) -> bool {
        !self.open && (self.is_closed_to_nobody(caller) || self.verdict(self.atoms(caller)) == Verdict::Never)
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
        self.open || evaluate(&self.program.root, scope) == Some(true)
    }

    /// Finds what in a rule that does not hold says no: what is false, else what is unknown.
    pub fn refusal(&self, scope: &Scope<'_>) -> Option<Refusal<'_>> {
        let find = |is_refusal: &dyn Fn(Option<bool>) -> bool| {
            self.rules.iter().find_map(|rule| {
                let (texts, parts) = conjuncts(rule);
                let at = parts.iter().position(|part| is_refusal(evaluate(part, scope)))?;
                Some(Refusal { place: &rule.place, conjunct: texts[at] })
            })
        };
        find(&|truth| truth == Some(false)).or_else(|| find(&|truth| truth != Some(true)))
    }

    /// Says whether the rule can no longer hold, whatever the records that the scope leaves out turn out to be.
    pub fn forbids(&self, scope: &Scope<'_>) -> bool {
        !self.open && evaluate(&self.program.root, scope) == Some(false)
    }
}

/// Whether an expression looks at what names inside lists lead to.
fn follows_names(expr: &Expr) -> bool {
    expr.any_node(&mut |node| match node {
        Expr::Look { row, .. } => row.hops.iter().any(|relation| relation.link.is_some()),
        _ => false,
    })
}

/// The part of a rule that says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal<'g> {
    /// Where the rule stands.
    pub place: &'g Place,
    /// The part as it is written, between two `&&`.
    pub conjunct: &'g str,
}

/// The parts of a rule between its outermost `&&`, as they are written and as they are evaluated; the whole rule where it is
/// not such a list.
fn conjuncts(rule: &Rule) -> (Vec<&str>, &[Expr]) {
    let texts = split_conjunction(&rule.source);
    match &rule.program.root {
        Expr::And(parts) if parts.len() == texts.len() => (texts, parts),
        whole => (vec![rule.source.trim()], std::slice::from_ref(whole)),
    }
}

fn split_conjunction(source: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut depth) = (Vec::new(), 0, 0_usize);
    let mut quote = None;
    let bytes = source.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            (None, b'&') if depth == 0 && bytes.get(at + 1) == Some(&b'&') => {
                parts.push(source[begin..at].trim());
                begin = at + 2;
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(source[begin..].trim());
    parts
}

/// Puts NULL in the place of who is signed in.
fn without_caller(expr: Expr) -> Expr {
    match expr {
        Expr::Auth(name) if name.claim().nullable => Expr::Literal(Value::Null),
        other => other.map_children(&mut without_caller),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_split_at_its_outermost_ands() {
        for (source, parts) in [
            ("a", vec!["a"]),
            ("a && b", vec!["a", "b"]),
            ("(a && b) && x.all(i, i && y) && c", vec!["(a && b)", "x.all(i, i && y)", "c"]),
            (r#"t == 'x && y' && u == "\" && '" && v"#, vec!["t == 'x && y'", r#"u == "\" && '""#, "v"]),
        ] {
            assert_eq!(split_conjunction(source), parts, "{source}");
        }
    }
}
