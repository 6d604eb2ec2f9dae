//! `!(auth.uid in list)` where nobody is signed in: `auth.uid` is then null, and so is what is asked of it.

use mainstay_expr::{AuthName, Expr, Program};

use super::Linted;
use super::callers::Caller;
use crate::report::Report;

pub(super) fn check(report: &mut Report<'_>, linted: &Linted<'_>) {
    let nobody = Caller::nobody();
    for (stands, rule) in linted.all_rules() {
        let meant = Program { root: without_denials(rule.program.root.clone()) };
        // Who has no id is nobody's owner: what is denied by that is meant.
        let meant = Program { root: without_uid(meant.root) };
        if nobody.asks(&rule.program) != Expr::FALSE || nobody.asks(&meant) == Expr::FALSE {
            continue;
        }
        let spot = linted.spot(report, stands);
        report
            .warning(&spot, format!("{stands} denies everybody who is not signed in"))
            .because("auth.uid is then null, and `!(…)` over null is not true")
            .help("write `auth.uid == null || !(…)` to let them in, or `auth.uid != null && !(…)` to say that they are not");
        // Once is enough: what holds for one verb is seen at the others.
        return;
    }
}

/// The rule as if each denial that names `auth.uid` were fulfilled.
fn without_denials(expr: Expr) -> Expr {
    match expr {
        Expr::Not(of) if names_uid(&of) && !asks_whether_null(&of) => Expr::TRUE,
        other => other.map_children(&mut without_denials),
    }
}

/// The rule for who is not signed in.
pub(crate) fn without_uid(expr: Expr) -> Expr {
    match expr {
        Expr::Auth(AuthName::Uid | AuthName::Kind) => Expr::NULL,
        other => other.map_children(&mut without_uid),
    }
}

fn names_uid(expr: &Expr) -> bool {
    *expr == Expr::Auth(AuthName::Uid) || expr.children().into_iter().any(names_uid)
}

/// `auth.uid != null` is such a denial, and means what it says.
fn asks_whether_null(expr: &Expr) -> bool {
    matches!(expr, Expr::IsNull(of) if **of == Expr::Auth(AuthName::Uid))
}
