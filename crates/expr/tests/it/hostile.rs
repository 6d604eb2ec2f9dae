//! Rules and filters that are meant to take long, to grow or to go too deep: they are refused, or stay small. What is counted
//! is how large they become; each of these is told, whatever the machine, at once.

use mainstay_expr::{
    Expr, MAX_FILTER_HOPS, MAX_QUANTIFIERS, MAX_RULE_DEPTH, MAX_RULE_NODES, PredicateSource, ProblemKind, RuleScope,
    compile_filter, compile_predicates, compile_rule,
};

use crate::fixture::{ITEM, item, records, scope, state};

fn nodes(expr: &Expr) -> usize {
    1 + expr.children().into_iter().map(nodes).sum::<usize>()
}

/// Refused for a limit, with what to do instead; or not larger than a rule may be.
fn held(source: &str) -> Option<usize> {
    match compile_rule(source, &scope()) {
        Ok(program) => {
            let nodes = nodes(&program.root);
            assert!(nodes <= MAX_RULE_NODES, "{nodes} of {}", &source[..source.len().min(200)]);
            Some(nodes)
        }
        Err(problems) => {
            let limit = problems.iter().find(|problem| problem.kind == ProblemKind::Limit);
            let limit = limit.unwrap_or_else(|| panic!("{}: {problems:?}", &source[..source.len().min(200)]));
            assert!(limit.message.contains(char::is_numeric), "{limit}");
            None
        }
    }
}

fn repeated(times: usize, begin: &str, step: impl Fn(&str) -> String) -> String {
    (0..times).fold(begin.to_owned(), |rule, _| step(&rule))
}

#[test]
fn what_repeats_itself_does_not_grow_beyond_bounds() {
    for times in [1, 3, 8, 12, 17] {
        held(&repeated(times, "resource.active", |rule| format!("({rule} in [resource.sealed, {rule}])")));
        held(&repeated(times, "resource.active", |rule| format!("({rule} in [true, false, resource.sealed])")));
        held(&repeated(times, "resource.active", |rule| format!("({rule} ? resource.sealed : resource.active)")));
        let text = repeated(times, "'a'", |text| format!("(resource.title.endsWith({text}) ? 'a' : 'b')"));
        held(&format!("{text} == 'a'"));
        let maps: String = (0..times).map(|i| format!(".map(x{i}, x{i} + x{i})")).collect();
        held(&format!("resource.codes{maps}.exists(y, y == 1)"));
        let filters: String = (0..times).map(|i| format!(".filter(x{i}, x{i} + x{i} > x{i})")).collect();
        held(&format!("resource.codes{filters}.sum() == 1"));
    }
    let maps: String = (0..17).map(|i| format!(".map(x{i}, x{i} + x{i})")).collect();
    assert_eq!(
        held(&format!("resource.codes{maps}.exists(y, y == 1)")),
        None,
        "it would have a hundred thousand parts"
    );
}

#[test]
fn what_is_nested_as_deep_as_may_be_finds_room_and_deeper_is_refused() {
    let brackets = |depth: usize| format!("{}resource.active{}", "(".repeat(depth), ")".repeat(depth));
    assert!(held(&brackets(MAX_RULE_DEPTH)).is_some());
    assert_eq!(held(&brackets(MAX_RULE_DEPTH + 1)), None);
    assert_eq!(held(&"resource.active ? true : ".repeat(300)), None);
    let choices = format!("{}false", "resource.active ? true : ".repeat(MAX_RULE_DEPTH - 2));
    assert!(held(&choices).is_some());
    assert!(held(&format!("{}resource.active", "!".repeat(900))).is_some_and(|nodes| nodes < 10));
}

#[test]
fn ten_thousand_terms_are_too_many_and_as_many_as_may_be_are_read() {
    let rule = |terms: usize| vec!["resource.stock == 1"; terms].join(" || ");
    assert_eq!(held(&rule(10_000)), None);
    assert!(held(&rule(200)).is_some());
    let sum = |terms: usize| format!("{} == 1", vec!["resource.stock"; terms].join(" + "));
    assert_eq!(held(&sum(10_000)), None);
    assert_eq!(held(&sum(300)), None, "it is too deep");
    assert!(held(&sum(30)).is_some());
    assert_eq!(held(&format!("resource.title.matches('{}')", "(a{2}){2}".repeat(900))), None);
}

#[test]
fn quantifiers_stand_in_one_another_a_few_deep() {
    let nested = |times: usize| {
        let inner = |rule: &str| format!("resource.codes.exists(x, {rule})");
        repeated(times, "true", inner)
    };
    assert!(held(&nested(MAX_QUANTIFIERS)).is_some());
    assert_eq!(held(&nested(MAX_QUANTIFIERS + 1)), None);
}

#[test]
fn predicates_in_circles_and_in_one_another_are_refused() {
    let of = |name: &str, rule: &str| PredicateSource { table: ITEM, name: name.into(), rule: rule.into() };
    let scope = RuleScope { records: records(), enums: vec![state()], ..RuleScope::default() };
    let circle = [of("a", "resource.b"), of("b", "resource.shop.c"), of("c", "!resource.a")];
    let (_, problems) = compile_predicates(&circle, &scope);
    assert!(
        problems.iter().flat_map(|(_, problems)| problems).any(|p| p.message.contains("lead back")),
        "{problems:?}"
    );
    let itself = [of("a", "!resource.shop.a || resource.active")];
    assert_eq!(compile_predicates(&itself, &scope).1.len(), 1);
    // Each says the next one twice, within a quantifier.
    let mut chain = vec![of("p0", "resource.stock == 1")];
    for i in 1..12 {
        let one = format!("resource.towns.exists(t, t.item.p{0}) || resource.shop.p{0}", i - 1);
        chain.push(of(&format!("p{i}"), &one));
    }
    let (_, problems) = compile_predicates(&chain, &scope);
    let limits = problems.iter().flat_map(|(_, problems)| problems).filter(|p| p.kind == ProblemKind::Limit);
    assert!(limits.clone().count() >= 1, "{problems:?}");
    assert!(limits.into_iter().all(|problem| problem.help.is_some()));
}

#[test]
fn a_filter_goes_through_relations_a_few_steps() {
    let filter = |source: &str| compile_filter(source, &item(), &records());
    let refused = |source: &str| filter(source).expect_err(source);
    assert!(filter("towns.item.towns.item.towns.item.towns:*").is_ok());
    assert_eq!(refused(&format!("{}lable:a", "towns.item.".repeat(3))).kind, ProblemKind::UnknownName);
    assert_eq!(refused(&format!("{}towns:*", "towns.item.".repeat(4))).kind, ProblemKind::Limit);
    assert_eq!(refused(&format!("{}title = a", "shop.".repeat(60))).kind, ProblemKind::Limit);
    let many = vec!["towns.label:a"; MAX_FILTER_HOPS + 1].join(" OR ");
    assert_eq!(refused(&many).kind, ProblemKind::Limit);
    assert_eq!(refused(&"NOT ".repeat(10_000)).kind, ProblemKind::Limit);
    for (source, part) in [("towns = a", "only `:`"), ("towns:a", "only `:`"), ("towns.label = a", "only `:`")] {
        let problem = refused(source);
        assert!(problem.message.contains(part) && problem.help.is_some(), "{problem}");
    }
}
