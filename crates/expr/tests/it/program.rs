//! Splitting a program into what the caller alone decides and the rest.

use mainstay_expr::{AuthView, Expr, MAX_ATOMS, Program, Root, Scope, compile_rule, evaluate};
use proptest::prelude::*;

use crate::fixture::{NOW, column, full, scope};
use crate::strategy;

fn program(source: &str) -> Program {
    compile_rule(source, &scope()).unwrap_or_else(|problems| panic!("{source}: {problems:?}"))
}

#[test]
fn a_rule_over_the_caller_alone_is_decided_without_a_record() {
    let program = program("'merchant' in auth.roles || auth.email_verified");
    assert!(program.uses_only_auth());
    assert!(program.columns().is_empty());
    let split = program.split();
    assert_eq!(split.atoms.len(), 1);
    let roles = ["merchant".to_owned()];
    let merchant = split.decide(&AuthView { roles: &roles, ..AuthView::default() });
    assert_eq!(split.residual_for(merchant), Expr::TRUE);
    let nobody = split.decide(&AuthView::default());
    assert_eq!(split.residual_for(nobody), Expr::FALSE);
    assert_ne!(merchant, nobody);
}

#[test]
fn what_is_left_for_a_caller_is_the_plain_comparison() {
    let split = program("resource.title == auth.uid || 'support' in auth.roles || 'warehouse' in auth.roles").split();
    assert_eq!(split.atoms.len(), 1, "the two roles are one atom");
    let caller = split.decide(&AuthView { uid: Some("u1"), ..AuthView::default() });
    let left = split.residual_for(caller);
    assert!(matches!(left, Expr::Compare { .. }), "{left:?}");
    let roles = ["warehouse".to_owned()];
    let warehouse = split.decide(&AuthView { roles: &roles, ..AuthView::default() });
    assert_eq!(split.residual_for(warehouse), Expr::TRUE);
}

#[test]
fn a_program_names_its_columns_and_moves_to_another_record() {
    let program = program("resource.stock == old.stock && has(resource.address)");
    let stock = column("stock");
    let columns = [(Root::Resource, stock), (Root::Resource, column("_has_address")), (Root::Old, stock)];
    assert_eq!(program.columns(), columns.into_iter().collect());
    let moved = program.on(Root::New);
    assert!(moved.columns().contains(&(Root::New, stock)) && moved.columns().contains(&(Root::Old, stock)));
}

#[test]
fn all_programs_must_hold() {
    let both = Program::all([program("resource.stock == 5"), program("resource.active"), Program::always()]);
    let record = full();
    assert_eq!(evaluate(&both.root, &Scope { resource: Some(&record), ..Scope::default() }), Some(true));
    assert_eq!(Program::all([]).root, Expr::TRUE);
}

#[test]
fn more_parts_than_atoms_stay_in_the_residual() {
    let parts: Vec<String> =
        (0..MAX_ATOMS + 3).map(|i| format!("(resource.stock == {i} && 'r{i}' in auth.roles)")).collect();
    let program = program(&parts.join(" || "));
    let split = program.split();
    assert_eq!(split.atoms.len(), MAX_ATOMS);
    let roles = [format!("r{}", MAX_ATOMS + 1)];
    let auth = AuthView { roles: &roles, ..AuthView::default() };
    let mut record = full();
    record[column("stock")] = mainstay_record::Value::Int(i64::try_from(MAX_ATOMS + 1).unwrap());
    let scope = Scope { auth, resource: Some(&record), ..Scope::default() };
    assert_eq!(evaluate(&split.residual_for(split.decide(&auth)), &scope), Some(true));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_outcome_without_a_record_stands_whatever_the_record_is(
        rule in strategy::rule(),
        on_old in proptest::collection::vec(any::<bool>(), 8),
        resource in strategy::record(),
        olds in proptest::collection::vec(strategy::record(), 8),
        caller in strategy::caller(),
    ) {
        let mut pieces = rule.split("resource.");
        let mut mixed = pieces.next().unwrap_or_default().to_owned();
        for (piece, old) in pieces.zip(on_old.iter().cycle()) {
            mixed = format!("{mixed}{}.{piece}", if *old { "old" } else { "resource" });
        }
        let program = program(&mixed);
        let scope = Scope { auth: caller.view(), now: NOW, resource: Some(&resource), ..Scope::default() };
        if let Some(outcome) = evaluate(&program.root, &scope) {
            for old in &olds {
                prop_assert_eq!(evaluate(&program.root, &Scope { old: Some(old), ..scope }), Some(outcome), "{}", mixed);
            }
        }
    }

    #[test]
    fn the_residual_is_true_where_the_program_is(
        rule in strategy::rule(),
        records in proptest::collection::vec(strategy::record(), 4),
        caller in strategy::caller(),
    ) {
        let program = program(&rule);
        let split = program.split();
        let residual = split.residual_for(split.decide(&caller.view()));
        prop_assert!(!residual.any_node(&mut |node| matches!(node, Expr::Atom(_))));
        for record in records {
            let scope = Scope { auth: caller.view(), now: NOW, resource: Some(&record), ..Scope::default() };
            prop_assert_eq!(
                evaluate(&residual, &scope) == Some(true),
                evaluate(&program.root, &scope) == Some(true),
                "{}", rule
            );
        }
    }
}
