//! A compiled expression, and its separation into what depends on the caller alone and the rest.

use std::collections::BTreeSet;

use mainstay_record::{Kind, Value};

use crate::claims::AuthName;
use crate::fold::{fold, when_true};
use crate::ir::Expr;
use crate::row::{Root, Row};
use crate::scope::{AuthView, Scope};

/// A compiled rule, default or filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub root: Expr,
}

impl Program {
    /// The program that is always true.
    pub fn always() -> Program {
        Program { root: Expr::TRUE }
    }

    /// The program that is true where all of these are.
    pub fn all(programs: impl IntoIterator<Item = Program>) -> Program {
        Program { root: fold(Expr::And(programs.into_iter().map(|program| program.root).collect())) }
    }

    /// The same program on another record of the same layout: a `write` rule is compiled on `resource` and asked of `old`
    /// and of `new`.
    pub fn on(self, root: Root) -> Program {
        Program { root: self.root.moved(Root::Resource, &Row::of(root)) }
    }

    /// The same filter where every row that it looks at must also pass the rule of its table: see [`Expr::under`].
    pub fn under(self, rule: &impl Fn(usize) -> Option<Expr>) -> Program {
        Program { root: when_true(fold(self.root.under(rule))) }
    }

    /// Whether the caller alone decides.
    pub fn uses_only_auth(&self) -> bool {
        self.root.uses_only_auth()
    }

    /// The columns of the records in hand that the program reads.
    pub fn columns(&self) -> BTreeSet<(Root, usize)> {
        self.root.columns()
    }

    /// The rows beside the records in hand that the program looks at, each after those on the way to it.
    pub fn looks(&self) -> BTreeSet<Row> {
        self.root.looks()
    }

    /// Whether the program can come out true for a caller whose e-mail address nobody has verified, and because of that
    /// address.
    pub fn trusts_unverified_email(&self) -> bool {
        let unverified = fold(without_verification(self.root.clone()));
        names_email(&when_true(unverified))
    }

    /// The quantifiers over other rows: see [`Expr::asks`].
    pub fn asks(&self) -> Vec<Expr> {
        self.root.asks().into_iter().cloned().collect()
    }

    /// Separates the maximal boolean parts that depend on the caller alone (at most [`MAX_ATOMS`]) from the rest.
    pub fn split(&self) -> Split {
        let mut atoms = nullable_claims(&self.root);
        let residual = separate(self.root.clone(), &mut atoms);
        Split { atoms, residual }
    }
}

fn without_verification(expr: Expr) -> Expr {
    match expr {
        Expr::Auth(AuthName::EmailVerified) => Expr::FALSE,
        other => other.map_children(&mut without_verification),
    }
}

fn names_email(expr: &Expr) -> bool {
    *expr == Expr::Auth(AuthName::Email) || expr.children().into_iter().any(names_email)
}

/// How many atoms a split has at most; further parts stay in the residual.
pub const MAX_ATOMS: usize = 32;

/// A program in two parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Boolean expressions over the caller and constants only.
    pub atoms: Vec<Expr>,
    /// The program with `Expr::Atom(i)` in their places.
    pub residual: Expr,
}

/// The outcome of each atom for one caller: two bits each, so that callers who are alike share one statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AtomValues(u64);

impl AtomValues {
    /// The outcome of atom `index`.
    pub fn get(self, index: usize) -> Option<bool> {
        match (self.0 >> (2 * index)) & 3 {
            1 => Some(false),
            2 => Some(true),
            _ => None,
        }
    }

    fn with(self, index: usize, outcome: Option<bool>) -> AtomValues {
        let bits = match outcome {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        AtomValues(self.0 | bits << (2 * index))
    }
}

impl Split {
    /// Evaluates the atoms for one caller.
    pub fn decide(&self, auth: &AuthView<'_>) -> AtomValues {
        let scope = Scope { auth: *auth, ..Scope::default() };
        let outcomes = self.atoms.iter().enumerate();
        outcomes.fold(AtomValues::default(), |values, (index, atom)| values.with(index, crate::evaluate(atom, &scope)))
    }

    /// The residual for callers with these outcomes, folded. It is true exactly where the program is; where the program
    /// is not true it may be NULL or false alike, so it must not be negated.
    pub fn residual_for(&self, values: AtomValues) -> Expr {
        let residual = substitute(self.residual.clone(), values);
        let known = self.atoms.iter().enumerate().filter_map(|(index, atom)| match atom {
            Expr::IsNull(of) => Some((&**of, values.get(index)?)),
            _ => None,
        });
        when_true(fold(known.fold(residual, |residual, (claim, is_null)| told(residual, claim, is_null, false))))
    }
}

/// What a caller may lack and a quantifier compares: whether he has it is known before, and then the comparison is never
/// NULL. So an index can serve what says that there is no such row.
fn nullable_claims(root: &Expr) -> Vec<Expr> {
    let mut claims = Vec::new();
    root.any_node(&mut |node| {
        if let Expr::Exists { over, holds, .. } = node
            && over.table().is_some()
        {
            holds.any_node(&mut |inner| {
                match inner {
                    Expr::Auth(name) if name.claim().nullable => {
                        let is_null = Expr::is_null(inner.clone());
                        if !claims.contains(&is_null) {
                            claims.push(is_null);
                        }
                    }
                    _ => {}
                }
                false
            });
        }
        false
    });
    claims
}

/// The same expression for callers who lack a claim, or have it.
fn told(expr: Expr, claim: &Expr, is_null: bool, quantified: bool) -> Expr {
    if expr == *claim {
        let zero = expr.kind().map_or(Value::Null, Kind::zero);
        return match (is_null, quantified) {
            (true, _) => Expr::NULL,
            (false, true) => Expr::Coalesce(Box::new(expr), Box::new(Expr::Literal(zero))),
            (false, false) => expr,
        };
    }
    let quantified = quantified || matches!(&expr, Expr::Exists { over, .. } if over.table().is_some());
    expr.map_children(&mut |child| told(child, claim, is_null, quantified))
}

fn substitute(expr: Expr, values: AtomValues) -> Expr {
    match expr {
        Expr::Atom(index) => match values.get(index) {
            None => Expr::NULL,
            Some(true) => Expr::TRUE,
            Some(false) => Expr::FALSE,
        },
        other => other.map_children(&mut |child| substitute(child, values)),
    }
}

fn separate(expr: Expr, atoms: &mut Vec<Expr>) -> Expr {
    if expr.constant().is_some() {
        return expr;
    }
    if expr.kind() == Some(mainstay_record::Kind::Bool) && expr.uses_only_auth() && expr.is_closed() {
        return atom(expr, atoms);
    }
    match expr {
        Expr::And(list) => Expr::And(gather(list, atoms, Expr::And)),
        Expr::Or(list) => Expr::Or(gather(list, atoms, Expr::Or)),
        other => other.map_children(&mut |child| separate(child, atoms)),
    }
}

/// Of the members of one conjunction (or disjunction), those over the caller alone become one atom together.
fn gather(list: Vec<Expr>, atoms: &mut Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Vec<Expr> {
    let (mut alone, rest): (Vec<Expr>, Vec<Expr>) =
        list.into_iter().partition(|member| member.uses_only_auth() && member.is_closed());
    let together = match alone.len() {
        0 => None,
        1 => alone.pop().map(|member| separate(member, atoms)),
        _ => Some(atom(join(alone), atoms)),
    };
    together.into_iter().chain(rest.into_iter().map(|member| separate(member, atoms))).collect()
}

fn atom(expr: Expr, atoms: &mut Vec<Expr>) -> Expr {
    if let Some(index) = atoms.iter().position(|known| *known == expr) {
        return Expr::Atom(index);
    }
    if atoms.len() == MAX_ATOMS {
        return expr;
    }
    atoms.push(expr);
    Expr::Atom(atoms.len() - 1)
}
