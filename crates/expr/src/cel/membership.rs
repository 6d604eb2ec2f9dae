//! `in`.

use cel::common::ast::IdedExpr;
use mainstay_record::{Kind, Value};

use super::check::Checker;
use super::operand::{Operand, Sequence, claimed_as, is_scalar, unless_null};
use crate::claims::AuthName;
use crate::ir::{CompareOp, Expr};
use crate::problem::{Problem, ProblemKind};
use crate::schema::Type;
use crate::suggest::suggest;
use crate::target::{Document, Form, Target};

impl Checker<'_> {
    /// `needle in list`, in a list written out, a repeated field, `auth.roles`, `auth.permissions` or the keys of a map.
    pub fn membership(&mut self, needle: &IdedExpr, list: &IdedExpr, at: &IdedExpr) -> Option<Operand> {
        let (wanted, within) = (self.operand(needle), self.operand(list));
        let (wanted, within) = (wanted?, within?);
        self.granted(needle, (&wanted, &within))?;
        let needle = wanted;
        let result = match &within {
            Operand::List(items) => self.in_written_list(&needle, items, at),
            Operand::Target(Target { ty: Type::List(ty), form: Form::Document(document) }) => {
                self.in_list(needle, ty, document, at)
            }
            Operand::Sequence(sequence) => self.in_sequence(needle, sequence, at),
            Operand::Rows { table, .. } => {
                let name = self.short_name(*table);
                let span = self.span(list);
                let text = self.parsed.text(&span).to_owned();
                let problem =
                    Problem::new(span, ProblemKind::Type, format!("`{text}` are rows of {name}, and no list"));
                self.report(problem.help(format!("ask what one of them says: `{text}.exists(x, x.name == …)`")))
            }
            Operand::Target(Target { ty: Type::Map(_), form: Form::Document(document) }) => {
                self.in_keys(&needle, document, at)
            }
            Operand::Target(Target { ty: Type::MapOther { .. }, .. }) => {
                self.unsupported(at, "`in` on a map without string keys", "give the map string keys, or keep a list")
            }
            Operand::Target(Target { ty: Type::Struct, .. }) => {
                self.unsupported(at, "`in` on a google.protobuf.Struct", "give what rules ask for a field of its own")
            }
            other => self.type_problem(list, format!("`in` needs a list or a map, this is {}", other.describe())),
        };
        result.map(Operand::bool)
    }

    /// Checks that a permission which is written out is one that somebody can have.
    fn granted(&mut self, at: &IdedExpr, (needle, within): (&Operand, &Operand)) -> Option<()> {
        let (Some(known), Operand::Constant { value: Value::Text(name), .. }, Operand::Target(target)) =
            (&self.scope.permissions, needle, within)
        else {
            return Some(());
        };
        let is_asked = matches!(&target.form, Form::Document(of) if of.expr == Expr::Auth(AuthName::Permissions));
        if !is_asked || known.contains(name) {
            return Some(());
        }
        let problem =
            Problem::new(self.span(at), ProblemKind::UnknownName, format!("no role grants the permission '{name}'"));
        let help = suggest(name, known.iter().map(String::as_str), "the permissions that roles grant are");
        let declare = || {
            format!(
                "declare who has it: option (mainstay.v1.roles) = {{role {{name: \"…\" permissions: \"{name}\"}}}};"
            )
        };
        self.report(problem.help(help.unwrap_or_else(declare)))
    }

    fn in_written_list(
        &mut self,
        needle: &Operand,
        items: &[(Operand, std::ops::Range<usize>)],
        at: &IdedExpr,
    ) -> Option<Expr> {
        let parts = items.iter().map(|(item, _)| needle.nodes().saturating_add(item.nodes()));
        self.spend(parts.fold(0, usize::saturating_add), at)?;
        let members: Vec<_> =
            items.iter().map(|(item, _)| self.comparison(CompareOp::Eq, needle.clone(), item.clone(), at)).collect();
        let members: Option<Vec<_>> = members.into_iter().collect();
        let members = members?;
        if members.is_empty() {
            return needle.read().map(|needle| unless_null(&needle, Expr::said_of(&needle, false)));
        }
        // Making the list is strict: one item that is an error makes the whole an error, whatever the others are.
        let reads = items.iter().filter_map(|(item, _)| item.read());
        Some(reads.fold(Expr::Or(members), |result, item| unless_null(&item, result)))
    }

    fn in_list(&mut self, needle: Operand, ty: &Type, list: &Document, at: &IdedExpr) -> Option<Expr> {
        if !is_scalar(ty) || *ty == Type::Bytes {
            return self.unsupported(
                at,
                &format!("looking for {} in a list", ty.describe()),
                "ask what one of them says: `list.exists(x, x.field == …)`",
            );
        }
        let needle = claimed_as(needle, ty);
        let read = match needle.read() {
            Some(read) => read,
            None => {
                return self.type_problem(at, format!("a list cannot hold {}", needle.describe()));
            }
        };
        let element = match Target::element(self.level, ty, list) {
            Target { form: Form::Scalar { expr, .. }, .. } => Operand::Computed { ty: ty.clone(), expr },
            link @ Target { form: Form::Link { to: None, .. }, .. } => Operand::Target(link),
            // To know the name is to need no look at what it names.
            Target { form: Form::Link { expr, .. }, .. } => Operand::Computed { ty: ty.clone(), expr },
            _ => return self.unsupported(at, "`in` on this list", "ask with exists()"),
        };
        let holds = self.comparison(CompareOp::Eq, element, needle, at)?;
        Some(unless_null(&read, Expr::any(self.level, list.expr.clone(), holds)))
    }

    fn in_sequence(&mut self, needle: Operand, sequence: &Sequence, at: &IdedExpr) -> Option<Expr> {
        let Some(read) = needle.read() else {
            return self.type_problem(at, format!("a list cannot hold {}", needle.describe()));
        };
        let holds = self.comparison(CompareOp::Eq, sequence.value.clone(), needle, at)?.bound();
        Some(unless_null(&read, sequence.exists(holds)))
    }

    fn in_keys(&mut self, needle: &Operand, map: &Document, at: &IdedExpr) -> Option<Expr> {
        let (Some(Type::Text), Some(key)) = (needle.ty(), needle.read()) else {
            return self.type_problem(at, format!("the keys of the map are strings, this is {}", needle.describe()));
        };
        let of = Box::new(map.expr.clone());
        let value = Expr::Json { of, key: Box::new(key.clone()), kind: Kind::Json };
        Some(unless_null(&key, Expr::is_set(value)))
    }
}
