//! What a predicate that names itself says of a row and of all above it, said as one thing.

use mainstay_record::Kind;

use crate::ir::{Climb, Expr, Over};
use crate::row::{Relation, Root, Row};

/// Members of a disjunction that say something of a row, or of one above it.
struct Above<'e> {
    /// The row.
    from: Row,
    /// The first step upwards.
    by: Relation,
    climb: &'e Climb,
    holds: &'e Expr,
}

/// Finds in a disjunction what is said of a row and, in the other members, of all that relations lead to from there: as one
/// quantifier that begins at the row itself, and the members that say something else. Both together are true where the
/// disjunction is, if the row is in its table as it is.
pub fn whole_climb(members: &[Expr]) -> Option<(Expr, Vec<Expr>)> {
    let members: Vec<Expr> = members.iter().flat_map(ways).collect();
    let all: Vec<(usize, Above<'_>)> =
        members.iter().enumerate().filter_map(|(at, member)| Some((at, above(member)?))).collect();
    let (_, first) = all.first()?;
    let steps: Vec<&(usize, Above<'_>)> = all.iter().filter(|(_, step)| step.is_of(first)).collect();
    let has_step = |columns: &Vec<usize>| steps.iter().any(|(_, step)| step.by.columns == *columns);
    if !first.climb.relations.iter().all(has_step) {
        return None;
    }
    let own: Vec<Option<Expr>> = members.iter().map(|member| said_of_bound(member, &first.from)).collect();
    let mut said: Vec<usize> = steps.iter().map(|(at, _)| *at).collect();
    for way in ways(first.holds) {
        let way = without_defaults(way);
        said.push(own.iter().position(|own| own.as_ref() == Some(&way))?);
    }
    let key = |index: usize| Expr::Column { row: first.from.clone(), index, kind: Kind::Text };
    let start = (0..first.climb.start.len()).map(key).collect();
    let over = Over::Climb(Climb { start, most: first.climb.most + 1, ..first.climb.clone() });
    let whole = Expr::Exists { level: 0, over, holds: Box::new(first.holds.clone()) };
    let others = members.iter().enumerate().filter(|(at, _)| !said.contains(at)).map(|(_, member)| member.clone());
    Some((whole, others.collect()))
}

impl Above<'_> {
    /// Whether it says the same of the same row, perhaps by another first step.
    fn is_of(&self, first: &Above<'_>) -> bool {
        let alike = (self.climb.table, self.climb.most) == (first.climb.table, first.climb.most);
        alike && self.from == first.from && self.climb.relations == first.climb.relations && self.holds == first.holds
    }
}

/// The ways in which a condition may be true.
pub fn ways(expr: &Expr) -> Vec<Expr> {
    match expr {
        Expr::Or(list) => list.iter().flat_map(ways).collect(),
        Expr::Look { row, then } => ways(then).into_iter().map(|then| Expr::look(row.clone(), then)).collect(),
        other => vec![other.clone()],
    }
}

/// Takes `the reference is set && what it leads to, or a row above that, is such a one` apart.
fn above(member: &Expr) -> Option<Above<'_>> {
    let parts = match member {
        Expr::And(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let (looks, others): (Vec<&Expr>, Vec<&Expr>) = parts.iter().partition(|part| matches!(part, Expr::Look { .. }));
    let [Expr::Look { row, then }] = looks.as_slice() else { return None };
    let Expr::Exists { level: 0, over: Over::Climb(climb), holds } = &**then else { return None };
    let (from, by) = row.found_from()?;
    let is_key = |(index, part): (usize, &Expr)| is_column(part, row, &[index]);
    let is_set = |part: &&Expr| match part {
        Expr::Not(of) => matches!(&**of, Expr::IsNull(of) if is_column(of, &from, &by.columns)),
        _ => false,
    };
    let is_such = by.table == climb.table
        && climb.relations.contains(&by.columns)
        && from.root.is_in_hand()
        && climb.start.iter().enumerate().all(is_key)
        && others.iter().all(is_set);
    is_such.then(|| Above { from, by: by.clone(), climb, holds })
}

fn is_column(expr: &Expr, of: &Row, among: &[usize]) -> bool {
    matches!(expr, Expr::Column { row, index, .. } if row == of && among.contains(index))
}

/// What is said of a row, as a quantifier says it of what it goes over; nothing where another row is named.
fn said_of_bound(expr: &Expr, from: &Row) -> Option<Expr> {
    let is_other = |row: &Row| row.root.is_in_hand() && (row.root != from.root || !row.hops.starts_with(&from.hops));
    let names_other = expr.any_node(&mut |node| match node {
        Expr::Column { row, .. } | Expr::Look { row, .. } => is_other(row),
        Expr::Atom(_) => true,
        _ => false,
    });
    if names_other {
        return None;
    }
    let own = begun(expr.clone(), from).moved(Root::Resource, &Row::of(Root::Bound(0)));
    Some(without_defaults(own))
}

/// The same expression where what was found from the row is found from `Root::Resource`.
fn begun(expr: Expr, from: &Row) -> Expr {
    let shorter = |row: Row| match row.root.is_in_hand() {
        true => Row { root: Root::Resource, hops: row.hops[from.hops.len()..].to_vec() },
        false => row,
    };
    match expr {
        Expr::Column { row, index, kind } => Expr::Column { row: shorter(row), index, kind },
        Expr::Look { row, then } => Expr::Look { row: shorter(row), then: Box::new(begun(*then, from)) },
        other => other.map_children(&mut |child| begun(child, from)),
    }
}

/// The same where what the caller has stands alone: beside a quantifier it has a default for where he had it not, which is
/// told before (see [`crate::Split::residual_for`]).
fn without_defaults(expr: Expr) -> Expr {
    match expr {
        Expr::Coalesce(first, second) if matches!((&*first, &*second), (Expr::Auth(_), Expr::Literal(_))) => *first,
        other => other.map_children(&mut without_defaults),
    }
}
