//! Which rows an index has.

use mainstay_expr::{Expr, Program, compile_rule};

use super::reader::Reader;
use crate::model::Rule;
use crate::text::Step;

impl Reader<'_, '_> {
    /// Compiles its `where`. Nothing where that is wrong; nothing inside where there is none.
    pub fn condition(&mut self, written: Option<String>) -> Option<Option<Rule>> {
        let Some(source) = written else { return Some(None) };
        let spot = self.spot(&[Step::Field("where")]);
        let rules = self.declared.rules;
        let program = match compile_rule(&source, &rules.row()) {
            Ok(program) => program,
            Err(problems) => {
                let what = format!("the condition of the {}", self.noun());
                rules.report(self.report, &what, &source, &spot, problems);
                return None;
            }
        };
        if let Some((cause, help)) = refused(&program) {
            let noun = self.noun();
            self.report
                .error(&spot, format!("the condition of the {noun} is not about the row alone"))
                .because(cause)
                .help(help);
            return None;
        }
        let place = self.report.files.place(&self.report.files.within(&spot, 0..1));
        Some(Some(Rule { source, program, place }))
    }

    pub fn noun(&self) -> &'static str {
        if self.option == "exclude" { "exclusion" } else { "index" }
    }
}

/// What an engine has no index for.
fn refused(program: &Program) -> Option<(&'static str, &'static str)> {
    let mut found = None;
    program.root.any_node(&mut |node| {
        found = found.or(match node {
            Expr::Auth(_) => Some((
                "it asks who calls, and an index is the same for everybody",
                "write a rule over the fields of `resource`",
            )),
            Expr::Now { .. } => Some((
                "it asks for the time, and a row does not move in or out as time goes by",
                "compare fields with each other or with a constant",
            )),
            Expr::Look { .. } => Some((
                "it asks another row, which changes without this one",
                "copy what it asks into a field of the resource",
            )),
            Expr::Literal(_)
            | Expr::Column { .. }
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::If { .. }
            | Expr::IsNull(_)
            | Expr::Coalesce(..)
            | Expr::Compare { .. }
            | Expr::TextMatch { .. }
            | Expr::Concat(_)
            | Expr::AsciiCase { .. } => None,
            Expr::Arithmetic { .. } | Expr::Micros(_) | Expr::DateOf(_) | Expr::Matches { .. } => Some((
                "it computes, or asks for a regular expression, which is more than an engine's index does",
                "compare a field with a constant or another field",
            )),
            Expr::Size { measure, .. } if !matches!(measure, mainstay_expr::Measure::Entries) => None,
            _ => Some((
                "it looks inside a list, a map or a message that is stored as JSON, where no engine's index can",
                "write it over fields that have a column of their own",
            )),
        });
        found.is_some()
    });
    found
}
