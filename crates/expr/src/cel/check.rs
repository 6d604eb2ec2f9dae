//! The type checker: from CEL's syntax tree to operands and expressions.

use std::ops::Range;

use cel::common::ast::{CallExpr, Expr as Ast, IdedExpr, LiteralValue, SelectExpr, operators};
use mainstay_record::{Kind, Value};

use super::named::Named;
use super::operand::{Operand, adapted, claim, claimed_as, is_scalar};
use super::parse::Parsed;
use super::{MAX_RULE_NODES, RuleScope, names, unsupported};
use crate::claims::{AuthName, CLAIMS, Claim};
use crate::ir::{CompareOp, Expr};
use crate::problem::{Problem, ProblemKind};
use crate::row::{Root, Row};
use crate::schema::{Child, RecordType, Type};
use crate::suggest::{nearest, suggest};
use crate::target::{Document, Form, Target, followed, recurs};

/// Checks one rule. Functions give nothing where they have reported a problem.
pub(crate) struct Checker<'r> {
    pub parsed: &'r Parsed<'r>,
    pub scope: &'r RuleScope,
    pub problems: Vec<Problem>,
    /// The rules that have names.
    pub predicates: &'r dyn Named,
    /// The names that quantifiers around here give to what they go over.
    pub variables: Vec<(String, Operand)>,
    /// How many quantifiers are around here.
    pub level: u8,
    /// How much has been put in the places of named rules.
    pub size: usize,
    /// A named rule has problems, which are told where it stands.
    pub failed: bool,
}

impl<'r> Checker<'r> {
    pub fn new(parsed: &'r Parsed<'r>, scope: &'r RuleScope) -> Checker<'r> {
        Checker::with(parsed, scope, &*scope.predicates)
    }

    /// The same with the rules that have names until now.
    pub fn with(parsed: &'r Parsed<'r>, scope: &'r RuleScope, predicates: &'r dyn Named) -> Checker<'r> {
        let this = scope.element.as_ref().map(|element| {
            let (shape, message) = (element.shape.clone(), element.message);
            let list = Document { expr: Expr::NULL, shape, message, links: None };
            ("this".to_owned(), Operand::Target(Target::element(0, &element.ty, &list)))
        });
        Checker {
            parsed,
            scope,
            problems: Vec::new(),
            predicates,
            // Quantifiers stand within what goes over the elements.
            level: u8::from(this.is_some()),
            variables: this.into_iter().collect(),
            size: 0,
            failed: false,
        }
    }

    pub fn span(&self, at: &IdedExpr) -> Range<usize> {
        self.parsed.span(at)
    }

    /// Where the last name of a dotted expression is.
    fn name_span(&self, at: &IdedExpr, name: &str) -> Range<usize> {
        self.parsed.name_span(at, name)
    }

    /// Reports a problem.
    pub fn report<T>(&mut self, problem: Problem) -> Option<T> {
        self.problems.push(problem);
        None
    }

    pub fn type_problem<T>(&mut self, at: &IdedExpr, message: impl Into<String>) -> Option<T> {
        let span = self.span(at);
        self.report(Problem::new(span, ProblemKind::Type, message))
    }

    /// Reports something that CEL has and this does not, and what to do instead.
    pub fn unsupported<T>(&mut self, at: &IdedExpr, what: &str, instead: &str) -> Option<T> {
        let span = self.span(at);
        self.report(unsupported(span, what).help(instead))
    }

    /// Counts what is put in the place of something that names it: what is named often, and names others often, would grow
    /// beyond all bounds.
    pub fn spend(&mut self, nodes: usize, at: &IdedExpr) -> Option<()> {
        self.size = self.size.saturating_add(nodes);
        if self.size <= MAX_RULE_NODES {
            return Some(());
        }
        let message = format!("the rule becomes larger than {MAX_RULE_NODES} parts when what it names is put in");
        let problem = Problem::new(self.span(at), ProblemKind::Limit, message);
        self.report(problem.help("name less often what is computed: keep it in a field, or ask for less"))
    }

    /// Checks a sub-expression that must be a text.
    pub fn text(&mut self, at: &IdedExpr) -> Option<Expr> {
        let operand = claimed_as(self.operand(at)?, &Type::Text);
        match (operand.ty(), operand.read()) {
            (Some(Type::Text), Some(expr)) => Some(expr),
            _ => self.type_problem(at, format!("expected a string, this is {}", operand.describe())),
        }
    }

    /// The value of an operand as the type that a field wants.
    pub fn converted(&mut self, operand: &Operand, wanted: &Type, at: &IdedExpr) -> Option<Expr> {
        let expr = match &claimed_as(operand.clone(), wanted) {
            Operand::Constant { ty, value } => adapted(ty, value, wanted, &Expr::NULL).map(Expr::Literal),
            Operand::Computed { ty, expr } if super::operand::comparable(ty, wanted) => Some(expr.clone()),
            _ => None,
        };
        if expr.is_none() {
            let message = format!("the field is {}, this is {}", wanted.describe(), operand.describe());
            return self.type_problem(at, message);
        }
        expr
    }

    /// Checks any sub-expression.
    pub fn operand(&mut self, at: &IdedExpr) -> Option<Operand> {
        match &at.expr {
            Ast::Literal(literal) => self.literal(literal, at),
            Ast::Ident(name) => self.ident(name, at),
            Ast::Select(select) => self.select(select, at),
            Ast::Call(call) => self.call(call, at),
            Ast::List(list) => {
                let checked: Vec<_> = list.elements.iter().map(|item| (self.operand(item), self.span(item))).collect();
                let items: Option<Vec<_>> = checked.into_iter().map(|(item, span)| Some((item?, span))).collect();
                items.map(Operand::List)
            }
            Ast::Comprehension(comprehension) => self.comprehension(comprehension, at),
            Ast::Map(_) => self.unsupported(at, "a map literal", "compare the fields one by one"),
            Ast::Struct(_) => self.unsupported(at, "a message literal", "compare the fields one by one"),
            Ast::Unspecified => self.type_problem(at, "an expression is missing here"),
        }
    }

    fn literal(&mut self, literal: &LiteralValue, at: &IdedExpr) -> Option<Operand> {
        let (ty, value) = match literal {
            LiteralValue::Null => return Some(Operand::Null),
            LiteralValue::Boolean(value) => (Type::Bool, Value::Bool(*value.inner())),
            LiteralValue::Int(value) => (Type::Int, Value::Int(*value.inner())),
            LiteralValue::UInt(value) => match i64::try_from(*value.inner()) {
                Ok(value) => (Type::Int, Value::Int(value)),
                Err(_) => return self.type_problem(at, "integers above 9223372036854775807 are not stored"),
            },
            // Adding a positive zero turns −0 into 0, which is how it is stored.
            LiteralValue::Double(value) => (Type::Double, Value::Double(value.inner() + 0.0)),
            LiteralValue::String(value) if value.inner().contains('\0') => {
                return self.type_problem(at, "U+0000 cannot be stored, so nothing can be compared with it");
            }
            LiteralValue::String(value) => (Type::Text, Value::Text(value.inner().to_owned())),
            LiteralValue::Bytes(value) => (Type::Bytes, Value::Bytes(value.inner().to_owned())),
        };
        Some(Operand::constant(ty, value))
    }

    fn ident(&mut self, name: &str, at: &IdedExpr) -> Option<Operand> {
        if let Some((_, variable)) = self.variables.iter().rev().find(|(known, _)| known == name) {
            let variable = variable.clone();
            return self.spend(variable.nodes(), at).map(|()| variable);
        }
        let (root, record) = match name {
            "auth" => return Some(Operand::Auth),
            "now" => return Some(Operand::Computed { ty: Type::Timestamp, expr: Expr::Now { offset_us: 0 } }),
            name if name == self.scope.record_name() => (Root::Resource, &self.scope.resource),
            "old" => (Root::Old, &self.scope.old),
            "new" => (Root::New, &self.scope.new),
            _ => {
                return match self.scope.ancestor(name) {
                    Some((root, ancestor)) => Some(Operand::Target(Target::of_record(ancestor, &Row::of(root)))),
                    None => self.named(&[name], at),
                };
            }
        };
        let field = self.scope.field.filter(|_| root == Root::Resource);
        if let (Some(record), Some(number)) = (record, field)
            && let Some(field) = record.fields.iter().find(|field| field.number == number)
        {
            return Some(Operand::Target(Target::of_record(field, &Row::of(root))));
        }
        match record {
            Some(record) => Some(Operand::Target(Target {
                ty: Type::Message(record.clone()),
                form: Form::Flat { record: record.clone(), row: Row::of(root), presence: Some(Expr::TRUE) },
            })),
            None => {
                let known = [
                    (self.scope.record_name(), &self.scope.resource),
                    ("old", &self.scope.old),
                    ("new", &self.scope.new),
                ];
                let known: Vec<&str> =
                    known.into_iter().filter(|(_, record)| record.is_some()).map(|(name, _)| name).collect();
                let span = self.span(at);
                let help = match (known.as_slice(), name) {
                    ([], _) => "there are auth and now".to_owned(),
                    (["old", "new"], _) => "write `old` for the row before, and `new` for the row after".to_owned(),
                    ([one], "old" | "new") => format!("write `{one}`: the rows before and after are an update's"),
                    (known, _) => format!("there are auth, now and {}", known.join(", ")),
                };
                let message = format!("there is no `{name}` here");
                self.report(Problem::new(span, ProblemKind::UnknownName, message).help(help))
            }
        }
    }

    /// All rows of the resource of this name, or a value of an enum.
    fn named(&mut self, path: &[&str], at: &IdedExpr) -> Option<Operand> {
        match names::resource(path, self.scope) {
            Some(table) => Some(Operand::Rows { table, keys: Vec::new() }),
            None => self.enum_value(path, at),
        }
    }

    fn enum_value(&mut self, path: &[&str], at: &IdedExpr) -> Option<Operand> {
        match names::enum_value(path, self.scope, &self.parsed.path_spans(at, path)) {
            Ok((ty, number)) => Some(Operand::constant(Type::Enum(ty), Value::Int(i64::from(number)))),
            Err(problem) => self.report(problem),
        }
    }

    fn select(&mut self, select: &SelectExpr, at: &IdedExpr) -> Option<Operand> {
        if let (false, Some(path)) = (select.test, qualified(at))
            && !matches!(path[0], "auth" | "old" | "new" | "now")
            && path[0] != self.scope.record_name()
            && self.scope.ancestor(path[0]).is_none()
            && !self.variables.iter().any(|(variable, _)| variable == path[0])
        {
            return self.named(&path, at);
        }
        let of = self.operand(&select.operand)?;
        let member = self.member(&of, &select.field, select.test, at)?;
        if !select.test {
            return Some(member);
        }
        let present = match &member {
            Operand::Target(target) => target.is_present(),
            Operand::Computed { expr, .. } => Expr::is_set(expr.clone()),
            Operand::Claim(name) => Expr::is_set(claim(name, Kind::Json)),
            _ => return self.type_problem(at, "has() asks for a field"),
        };
        Some(Operand::bool(present))
    }

    /// The member `name` of an operand. `test` is whether only its presence is asked.
    fn member(&mut self, of: &Operand, name: &str, test: bool, at: &IdedExpr) -> Option<Operand> {
        let target = match of {
            Operand::Auth => return self.auth(name, at),
            Operand::Claims => return Some(Operand::Claim(name.to_owned())),
            Operand::Claim(_) => {
                return self.unsupported(at, "what is inside of a claim", "give it a claim of its own");
            }
            Operand::Target(target) => target,
            Operand::Rows { table, .. } => return self.of_rows(*table, name, at),
            Operand::Constant { .. }
            | Operand::Computed { .. }
            | Operand::List(_)
            | Operand::Sequence(_)
            | Operand::Null => {
                return self.type_problem(at, format!("{} has no field `{name}`", of.describe()));
            }
        };
        match (&target.form, &target.ty) {
            (Form::Flat { record, row, .. }, _) => self.field(record, row, name, at),
            (Form::Name { to: Some(row), .. } | Form::Link { to: Some(row), .. }, _) => {
                match followed(row, &self.scope.records, name, self.name_span(at, name)) {
                    Ok(record) => self.field(record, row, name, at),
                    Err(problem) => self.report(problem),
                }
            }
            (Form::Document(document), Type::Message(record)) if document.is_cut(record) => {
                let span = self.span(at);
                self.report(recurs(span, record, name))
            }
            (Form::Document(document), Type::Message(record)) => match record.field(name) {
                Some(field) => match Target::in_document(field, document) {
                    Some(target) => Some(Operand::Target(target)),
                    None => self.unsupported(
                        at,
                        &format!("the field `{name}` here"),
                        "keep what is asked for in a field of the resource itself",
                    ),
                },
                None => self.unknown_field(record, name, at),
            },
            (Form::Document(document), Type::Map(ty)) => self.entry(ty, document, Expr::text(name), test, at),
            (Form::Document(_), Type::Struct) => self.unsupported(
                at,
                "a field of a google.protobuf.Struct",
                "its fields have no types: give what rules ask for a field of its own",
            ),
            (_, ty) => self.type_problem(at, format!("{} has no field `{name}`", ty.describe())),
        }
    }

    fn field(&mut self, record: &RecordType, row: &Row, name: &str, at: &IdedExpr) -> Option<Operand> {
        if let Some(field) = record.member(name) {
            return Some(Operand::Target(Target::of_record(field, row)));
        }
        if let Some(Child { table, keys, .. }) = record.children.iter().find(|child| child.name == name) {
            let column = |index| Expr::Column { row: row.clone(), index, kind: Kind::Text };
            return Some(Operand::Rows { table: *table, keys: (0..*keys).map(column).collect() });
        }
        match self.predicate(record, row, name, at) {
            Some(found) => found,
            None => self.unknown_field(record, name, at),
        }
    }

    fn unknown_field<T>(&mut self, record: &RecordType, name: &str, at: &IdedExpr) -> Option<T> {
        let span = self.name_span(at, name);
        let message = format!("{} has no field `{name}`", record.name);
        self.report(Problem::new(span, ProblemKind::UnknownName, message).maybe_help(self.meant(record, name)))
    }

    /// What to write instead of a name that a record does not have.
    fn meant(&self, record: &RecordType, name: &str) -> Option<String> {
        let table = self.scope.records.iter().position(|known| known.name == record.name);
        let predicates = table.map(|table| self.predicates.names(table)).unwrap_or_default();
        match nearest(name, predicates.iter().map(String::as_str)) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None => record.suggest(name),
        }
    }

    fn auth(&mut self, name: &str, at: &IdedExpr) -> Option<Operand> {
        let claim = CLAIMS.iter().find(|claim| claim.name == name);
        match claim.map(|claim| (claim.ty(), Expr::Auth(claim.id))) {
            Some((_, Expr::Auth(AuthName::Claims))) => Some(Operand::Claims),
            Some((ty @ Type::List(_), expr)) => {
                let document = Document { expr, shape: std::sync::Arc::default(), message: None, links: None };
                Some(Operand::Target(Target { ty, form: Form::Document(document) }))
            }
            Some((ty, expr)) => Some(Operand::Computed { ty, expr }),
            None => {
                let span = self.name_span(at, name);
                let problem = Problem::new(span, ProblemKind::UnknownName, format!("auth has no `{name}`"));
                let known = CLAIMS.iter().map(|Claim { name, .. }| *name);
                self.report(problem.maybe_help(suggest(name, known, "it has")))
            }
        }
    }

    /// The value of a map under a key, or with `test` something that is NULL iff the key is missing.
    pub fn entry(&mut self, ty: &Type, map: &Document, key: Expr, test: bool, at: &IdedExpr) -> Option<Operand> {
        if test {
            let of = Box::new(map.expr.clone());
            let expr = Expr::Json { of, key: Box::new(key), kind: Kind::Json };
            return Some(Operand::Computed { ty: Type::Struct, expr });
        }
        if !is_scalar(ty) || *ty == Type::Bytes {
            return self.unsupported(
                at,
                &format!("reading {} from a map", ty.describe()),
                "ask whether the key is there, or keep such values in a list of messages",
            );
        }
        match Target::entry(ty, map, &key).form {
            Form::Scalar { expr, .. } => Some(Operand::Computed { ty: ty.clone(), expr }),
            _ => self.unsupported(at, "this map", "keep such values in a list of messages"),
        }
    }

    fn call(&mut self, call: &CallExpr, at: &IdedExpr) -> Option<Operand> {
        let args = &call.args;
        match (call.func_name.as_str(), args.as_slice()) {
            (operators::LOGICAL_AND, args) => self.junction(args, true),
            (operators::LOGICAL_OR, args) => self.junction(args, false),
            (operators::LOGICAL_NOT, [of]) => Some(Operand::bool(Expr::negate(self.condition(of)?))),
            (operators::CONDITIONAL, [condition, then, otherwise]) => self.conditional(condition, then, otherwise, at),
            (operators::IN, [needle, list]) => self.membership(needle, list, at),
            (operators::INDEX, [of, key]) => self.index(of, key, at),
            (name, [left, right]) if comparator(name).is_some() => {
                let op = comparator(name)?;
                let (left_operand, right_operand) = (self.operand(left), self.operand(right));
                self.comparison(op, left_operand?, right_operand?, at).map(Operand::bool)
            }
            (name, args) if is_arithmetic(name) => {
                let operands: Vec<_> = args.iter().map(|arg| self.operand(arg)).collect();
                let operands: Option<Vec<_>> = operands.into_iter().collect();
                self.arithmetic(&call.func_name, &operands?, at)
            }
            _ => self.function(call, at),
        }
    }

    fn junction(&mut self, args: &[IdedExpr], and: bool) -> Option<Operand> {
        let members: Vec<_> = args.iter().map(|arg| self.condition(arg)).collect();
        let members: Option<Vec<_>> = members.into_iter().collect();
        Some(Operand::bool(if and { Expr::And(members?) } else { Expr::Or(members?) }))
    }

    fn conditional(
        &mut self,
        condition: &IdedExpr,
        then: &IdedExpr,
        otherwise: &IdedExpr,
        at: &IdedExpr,
    ) -> Option<Operand> {
        let (condition, first, second) = (self.condition(condition), self.operand(then), self.operand(otherwise));
        let (condition, first, second) = (condition?, first?, second?);
        let (Some(ty), Some(one), Some(other)) = (first.ty().cloned(), first.read(), second.read()) else {
            return self.unsupported(
                at,
                "?: on anything but single values",
                "let it choose what is asked of them: `c ? size(a) > 0 : size(b) > 0`",
            );
        };
        // What an arm looks at matters only where it is the one that is taken.
        let (one, other) = (one.bound(), other.bound());
        let fits = second.ty().is_some_and(|other| super::operand::comparable(&ty, other));
        let Some((one, other)) = fits.then(|| super::operand::stored_alike(one, other)).flatten() else {
            let message = format!("both results must be of one type: {} and {}", first.describe(), second.describe());
            return self.type_problem(at, message);
        };
        // Of a float and a double, the result is compared as a double.
        let ty = if ty == Type::Float { second.ty().cloned().unwrap_or(ty) } else { ty };
        let expr = Expr::If { condition: Box::new(condition), then: Box::new(one), otherwise: Box::new(other) };
        Some(Operand::Computed { ty, expr })
    }

    fn index(&mut self, of: &IdedExpr, key: &IdedExpr, at: &IdedExpr) -> Option<Operand> {
        let operand = self.operand(of)?;
        match &operand {
            Operand::Target(Target { ty: Type::Map(ty), form: Form::Document(map) }) => {
                let key = self.text(key)?;
                self.entry(ty, map, key, false, at)
            }
            Operand::Claims => match self.text(key)? {
                Expr::Literal(Value::Text(name)) => Some(Operand::Claim(name)),
                _ => self.unsupported(at, "a name of a claim that is not written out", "write auth.claims['name']"),
            },
            Operand::Target(Target { ty: Type::List(_) | Type::MapOther { .. } | Type::Struct, .. })
            | Operand::List(_) => self.unsupported(
                at,
                "[ ] on anything but a map with string keys",
                "ask what holds of its elements with exists(), all() or sum()",
            ),
            other => self.type_problem(of, format!("[ ] needs a map, this is {}", other.describe())),
        }
    }
}

/// Whether a call computes a number, a text or a time.
pub(super) fn is_arithmetic(name: &str) -> bool {
    matches!(
        name,
        operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::NEGATE
    )
}

/// The comparison that CEL's operator stands for.
fn comparator(name: &str) -> Option<CompareOp> {
    match name {
        operators::EQUALS => Some(CompareOp::Eq),
        operators::NOT_EQUALS => Some(CompareOp::Ne),
        operators::LESS => Some(CompareOp::Lt),
        operators::LESS_EQUALS => Some(CompareOp::Le),
        operators::GREATER => Some(CompareOp::Gt),
        operators::GREATER_EQUALS => Some(CompareOp::Ge),
        _ => None,
    }
}

/// The segments of a dotted name; nothing for any other expression.
fn qualified(at: &IdedExpr) -> Option<Vec<&str>> {
    match &at.expr {
        Ast::Ident(name) => Some(vec![name]),
        Ast::Select(select) if !select.test => {
            let mut path = qualified(&select.operand)?;
            path.push(&select.field);
            Some(path)
        }
        _ => None,
    }
}
