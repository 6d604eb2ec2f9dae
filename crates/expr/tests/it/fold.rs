//! Folding and parsing, on generated sources.

use mainstay_expr::{Scope, compile_filter, compile_order, compile_rule, evaluate, fold};
use proptest::prelude::*;

use crate::fixture::{NOW, item, records, scope};
use crate::strategy;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_a_front_end_panic(source in "\\PC{0,60}") {
        let _ = compile_rule(&source, &scope());
        let _ = compile_filter(&source, &item(), &records());
        let _ = compile_order(&source, &item());
    }

    #[test]
    fn no_pieces_of_a_filter_make_it_panic(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "stock", "title", "lines", "labels", "address", ".", ":", "=", "!=", "<", "(", ")", " ", "AND", "OR",
                "NOT", "-", "*", "\"", "'", "\\", "5", "1.5", "20s", "null", ",", "🍵", "state", "CART", "\u{0}",
            ]),
            0..24,
        ),
    ) {
        let source = pieces.concat();
        if let Err(problem) = compile_filter(&source, &item(), &records()) {
            prop_assert!(source.get(problem.span.clone()).is_some(), "{problem:?}");
        }
        let _ = compile_order(&source, &item());
    }

    #[test]
    fn no_pieces_of_a_rule_make_it_panic(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "resource", "auth", "now", "old", ".stock", ".tags", ".uid", ".roles", ".labels", ".state", "State",
                ".CART", "==", "&&", "||", "!", "(", ")", "[", "]", "{", "}", "?", ":", " in ", "has(", "size(", "'x'",
                "1", "1.5", "b'x'", "null", "true", "+", "-", ",", "🍵", "'", ".contains(", ".exists(x, true)",
            ]),
            0..14,
        ),
    ) {
        let source = pieces.concat();
        if let Err(problems) = compile_rule(&source, &scope()) {
            for problem in problems {
                prop_assert!(source.get(problem.span.clone()).is_some(), "{problem:?}");
            }
        }
    }

    #[test]
    fn folding_changes_no_outcome(
        rule in strategy::rule(),
        record in strategy::record(),
        caller in strategy::caller(),
    ) {
        let program = compile_rule(&rule, &scope()).unwrap();
        let scope = Scope { auth: caller.view(), now: NOW, resource: Some(&record), ..Scope::default() };
        let twice = fold(program.root.clone());
        prop_assert_eq!(evaluate(&twice, &scope), evaluate(&program.root, &scope));
    }

    #[test]
    fn a_filter_or_its_negation_is_true_unless_a_path_leads_through_something_unset(
        filter in strategy::filter(),
        record in strategy::record(),
    ) {
        let compile = |source: &str| {
            compile_filter(source, &item(), &records()).map_err(|problem| TestCaseError::fail(problem.to_string()))
        };
        let scope = Scope { resource: Some(&record), ..Scope::default() };
        let holds = evaluate(&compile(&filter)?.root, &scope) == Some(true);
        let negated = evaluate(&compile(&format!("NOT ({filter})"))?.root, &scope) == Some(true);
        prop_assert!(!(holds && negated), "{}", filter);
        prop_assert!(holds || negated || filter.contains('.'), "{}", filter);
    }
}
