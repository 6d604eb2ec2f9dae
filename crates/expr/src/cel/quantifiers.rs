//! `exists` and `all` over rows and lists, and what `map` and `filter` make of lists.

use cel::common::ast::{ComprehensionExpr, Expr as Ast, IdedExpr, LiteralValue, operators};
use mainstay_record::Kind;

use super::check::Checker;
use super::operand::{Operand, Sequence, may_be_null};
use crate::arithmetic::Numbers;
use crate::claims::AuthName;
use crate::ir::{Expr, Over};
use crate::problem::{Problem, ProblemKind};
use crate::row::{Root, Row};
use crate::schema::Type;
use crate::target::{Form, Target};

/// How many quantifiers may stand in one another.
pub const MAX_QUANTIFIERS: usize = 4;

/// What the parser made of a macro.
enum Macro<'a> {
    Exists(&'a IdedExpr),
    All(&'a IdedExpr),
    One(&'a IdedExpr),
    Map { keep: Option<&'a IdedExpr>, value: &'a IdedExpr },
}

/// Reads a macro back from the loop that the parser writes for it.
fn read(of: &ComprehensionExpr) -> Option<Macro<'_>> {
    let is = |of: &IdedExpr, name: &str| matches!(&of.expr, Ast::Call(call) if call.func_name == name);
    match &of.accu_init.expr {
        Ast::Literal(LiteralValue::Boolean(initial)) => {
            let name = if *initial.inner() { operators::LOGICAL_AND } else { operators::LOGICAL_OR };
            let condition = argument(&of.loop_step, 1).filter(|_| is(&of.loop_step, name))?;
            Some(if *initial.inner() { Macro::All(condition) } else { Macro::Exists(condition) })
        }
        Ast::Literal(LiteralValue::Int(_)) => argument(&of.loop_step, 0).map(Macro::One),
        Ast::List(_) if is(&of.loop_step, operators::CONDITIONAL) => {
            Some(Macro::Map { keep: argument(&of.loop_step, 0), value: added(argument(&of.loop_step, 1)?)? })
        }
        Ast::List(_) => Some(Macro::Map { keep: None, value: added(&of.loop_step)? }),
        _ => None,
    }
}

/// What a macro says of each element, and whether it must hold of all of them; nothing where it says something else.
pub(super) fn said_of_each(of: &ComprehensionExpr) -> Option<(&IdedExpr, bool)> {
    match read(of).filter(|_| of.iter_var2.is_none())? {
        Macro::All(condition) => Some((condition, true)),
        Macro::Exists(condition) => Some((condition, false)),
        Macro::One(_) | Macro::Map { .. } => None,
    }
}

fn argument(of: &IdedExpr, position: usize) -> Option<&IdedExpr> {
    if let Ast::Call(call) = &of.expr { call.args.get(position) } else { None }
}

/// The element in `@result + [element]`.
fn added(of: &IdedExpr) -> Option<&IdedExpr> {
    match &argument(of, 1)?.expr {
        Ast::List(list) => list.elements.first(),
        _ => None,
    }
}

impl Sequence {
    /// Says whether something holds of one of the values.
    pub fn exists(&self, holds: Expr) -> Expr {
        let one = |holds| Expr::Exists { level: self.level, over: self.over.clone(), holds: Box::new(holds) };
        let result = one(Expr::And(self.keep.iter().cloned().chain([holds]).collect()));
        self.unless_failed(one(Expr::Or(self.fails.clone())), result)
    }

    /// The result, unless the list could not be made.
    fn unless_failed(&self, failed: Expr, result: Expr) -> Expr {
        if self.fails.is_empty() {
            return result;
        }
        Expr::If { condition: Box::new(failed), then: Box::new(Expr::NULL), otherwise: Box::new(result) }
    }

    /// How large what is said of an element is.
    pub fn nodes(&self) -> usize {
        self.keep.iter().chain(&self.fails).map(Expr::nodes).sum::<usize>() + self.value.nodes()
    }

    /// Notes that making the list fails where something of an element that is kept so far is an error.
    fn needs(&mut self, of: &Expr) {
        if may_be_null(of) {
            let fails = Expr::And(self.keep.iter().cloned().chain([Expr::is_null(of.clone())]).collect());
            // Whether it was kept may itself be unknown, which was noted before.
            self.fails.push(Expr::Coalesce(Box::new(fails), Box::new(Expr::FALSE)));
        }
    }

    /// The sum of something over the elements that are kept; nothing where it goes over rows.
    pub fn sum(&self, value: Expr, within: Numbers) -> Option<Expr> {
        let Over::List(list) = &self.over else { return None };
        let keep = Box::new(self.unless_failed(Expr::Or(self.fails.clone()), Expr::And(self.keep.clone())));
        Some(Expr::Sum { level: self.level, list: list.clone(), keep, value: Box::new(value), within })
    }

    /// How many elements are kept; nothing where it goes over rows.
    pub fn count(&self) -> Option<Expr> {
        self.sum(Expr::int(1), Numbers::Integer)
    }
}

impl Checker<'_> {
    /// A macro over rows or a list.
    pub fn comprehension(&mut self, of: &ComprehensionExpr, at: &IdedExpr) -> Option<Operand> {
        let sequence = self.sequence(&of.iter_range);
        let Some(of_macro) = read(of).filter(|_| of.iter_var2.is_none()) else {
            return self.unsupported(
                at,
                "this macro",
                "there are exists(), exists_one(), all(), map(), filter() and sum()",
            );
        };
        let sequence = sequence?;
        self.spend(sequence.nodes(), at)?;
        match of_macro {
            Macro::Exists(condition) => {
                let holds = self.within(&of.iter_var, &sequence, at, |checker| checker.condition(condition))?;
                Some(Operand::bool(sequence.exists(holds)))
            }
            Macro::All(condition) => {
                let holds = self.within(&of.iter_var, &sequence, at, |checker| checker.condition(condition))?;
                Some(Operand::bool(Expr::negate(sequence.exists(Expr::negate(holds)))))
            }
            Macro::One(_) | Macro::Map { .. } if let Some(table) = sequence.over.table() => {
                self.no_list(table, &of.iter_range, &of.iter_var, at)
            }
            Macro::One(condition) => {
                let mut sequence = sequence;
                let holds = self.within(&of.iter_var, &sequence, at, |checker| checker.condition(condition))?;
                sequence.keep.push(holds);
                Some(Operand::bool(Expr::eq(sequence.count()?, Expr::int(1))))
            }
            Macro::Map { keep, value } => self.mapped(&of.iter_var, sequence, (keep, value), at),
        }
    }

    fn mapped(
        &mut self,
        name: &str,
        mut sequence: Sequence,
        (keep, value): (Option<&IdedExpr>, &IdedExpr),
        at: &IdedExpr,
    ) -> Option<Operand> {
        if let Some(keep) = keep {
            let keep = self.within(name, &sequence, at, |checker| checker.condition(keep))?;
            sequence.needs(&keep);
            sequence.keep.push(keep);
        }
        sequence.value = self.within(name, &sequence, at, |checker| checker.operand(value))?;
        if let Some(value) = sequence.value.read() {
            sequence.needs(&value.bound());
        }
        Some(Operand::Sequence(Box::new(sequence)))
    }

    /// Rows have no order, and there may be any number of them.
    pub fn no_list<T>(&mut self, table: usize, rows: &IdedExpr, name: &str, at: &IdedExpr) -> Option<T> {
        let span = self.span(at);
        let text = self.parsed.text(&self.span(rows)).to_owned();
        let message =
            format!("`{text}` are rows of {}: there are only exists() and all() of them", self.short_name(table));
        let problem = Problem::new(span, ProblemKind::Unsupported, message);
        self.report(problem.help(format!("ask with `{text}.exists({name}, …)`")))
    }

    /// What a macro goes over.
    pub fn sequence(&mut self, range: &IdedExpr) -> Option<Sequence> {
        let level = self.level;
        match self.operand(range)? {
            Operand::Sequence(sequence) => Some(*sequence),
            Operand::Rows { table, keys } => {
                let row = Row::of(Root::Bound(level));
                let record = self.scope.records.get(table)?.clone();
                let key = |(index, key)| Expr::eq(Expr::Column { row: row.clone(), index, kind: Kind::Text }, key);
                let all = if keys.is_empty() && record.tenant { vec![self.organisation()] } else { keys };
                let keep = all.into_iter().enumerate().map(key).collect();
                let form = Form::Flat { record: record.clone(), row, presence: Some(Expr::TRUE) };
                let value = Operand::Target(Target { ty: Type::Message(record), form });
                Some(Sequence { level, over: Over::Rows(table), keep, fails: Vec::new(), value })
            }
            Operand::Target(Target { ty: Type::List(ty), form: Form::Document(document) }) => {
                let value = Operand::Target(Target::element(level, &ty, &document));
                let over = Over::List(Box::new(document.expr));
                Some(Sequence { level, over, keep: Vec::new(), fails: Vec::new(), value })
            }
            other => {
                let span = self.span(range);
                let text = self.parsed.text(&span).to_owned();
                let message = format!("exists() and all() need a list or rows, `{text}` is {}", other.describe());
                self.report(Problem::new(span, ProblemKind::Type, message))
            }
        }
    }

    /// Whose rows a rule sees where it asks all of a resource: those of the organisation that its own row belongs to, else of
    /// the one that the caller acts in.
    fn organisation(&self) -> Expr {
        let in_hand =
            [(Root::Resource, &self.scope.resource), (Root::Old, &self.scope.old), (Root::New, &self.scope.new)];
        let own = in_hand.into_iter().find(|(_, record)| record.as_ref().is_some_and(|record| record.tenant));
        match own {
            Some((root, _)) => Expr::column(root, 0, Kind::Text),
            None => Expr::Auth(AuthName::Org),
        }
    }

    /// Checks something that a quantifier says of what it goes over, under the name that it gives it.
    pub fn within<T>(
        &mut self,
        name: &str,
        sequence: &Sequence,
        at: &IdedExpr,
        check: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        if usize::from(sequence.level) >= MAX_QUANTIFIERS {
            let span = self.span(at);
            let message = format!("more than {MAX_QUANTIFIERS} exists() and all() stand in one another");
            let problem = Problem::new(span, ProblemKind::Limit, message);
            return self.report(problem.help("name a part of the rule with a predicate, or ask for less"));
        }
        let outer = std::mem::replace(&mut self.level, sequence.level + 1);
        self.variables.push((name.to_owned(), sequence.value.clone()));
        let checked = check(self);
        self.variables.pop();
        self.level = outer;
        checked
    }

    /// What is named after rows is asked of one of them.
    pub fn of_rows<T>(&mut self, table: usize, name: &str, at: &IdedExpr) -> Option<T> {
        let span = self.span(at);
        let short = self.short_name(table).to_owned();
        let rows = self.parsed.text(&span).rsplit_once('.').map_or("", |(rows, _)| rows).to_owned();
        let problem =
            Problem::new(span, ProblemKind::Type, format!("`{rows}` are rows of {short}, any number of them"));
        self.report(problem.help(format!("ask what one of them says: `{rows}.exists(x, x.{name} == …)`")))
    }

    /// The name of a resource's message, without its package.
    pub fn short_name(&self, table: usize) -> &str {
        self.scope.records.get(table).map_or("", |record| record.name.rsplit('.').next().unwrap_or_default())
    }
}
