//! Rules and filters that follow references: what they mean, what they refuse, and that an oracle agrees.

use mainstay_expr::{
    AuthView, Expr, MAX_FILTER_HOPS, MAX_HOPS, ProblemKind, Program, Root, RuleScope, Scope, compile_filter,
    compile_order, compile_rule, evaluate,
};
use mainstay_record::{Kind, Value};
use proptest::prelude::*;
use proptest::sample::select;

use crate::fixture::{self, ITEM, TOWN, World, column, empty, full, item, on, records, scope, town, town_row};
use crate::strategy;

const T: Option<bool> = Some(true);
const F: Option<bool> = Some(false);
const N: Option<bool> = None;

/// The full item names the shop `corner`, whose own shop is the item `cup` itself, and lies in Rome; the town's item is
/// `corner`, and so is the parent of the town.
fn world() -> World {
    let mut corner = empty();
    corner[0] = Value::Text("corner".into());
    corner[column("title")] = Value::Text("u1".into());
    corner[column("stock")] = Value::Int(5);
    corner[column("shop")] = Value::Text("cup".into());
    corner[column("tags")] = Value::Json(r#"["a"]"#.into());
    let rome = town_row("it", "rome", Some("Roma"), 7, Some("corner"));
    let mut italy = empty();
    italy[0] = Value::Text("it".into());
    italy[column("title")] = Value::Text("Italy".into());
    World { items: vec![full(), corner, italy], towns: vec![rome] }
}

fn program(source: &str) -> Program {
    compile_rule(source, &scope()).unwrap_or_else(|problems| panic!("{source}: {problems:?}"))
}

fn outcome(program: &Program, record: &[Value]) -> Option<bool> {
    let around = world().around(program, record);
    let auth = AuthView { uid: Some("u1"), ..AuthView::default() };
    evaluate(&program.root, &Scope { auth, around: Some(&around), ..on(record) })
}

/// A record whose references lead nowhere: one unset, one whose row is gone.
fn lost() -> Vec<Value> {
    let mut record = empty();
    record[column("place_country")] = Value::Text("it".into());
    record[column("place_town")] = Value::Text("atlantis".into());
    record
}

#[test]
fn a_rule_reads_what_a_reference_leads_to() {
    for (source, expected) in [
        ("resource.shop.title == auth.uid", T),
        ("resource.shop.stock == resource.stock", T),
        ("resource.shop.shop.stock == resource.shop.stock", T),
        ("resource.shop.nick == ''", T),
        ("has(resource.shop.nick)", F),
        ("!has(resource.shop.nick)", T),
        ("'a' in resource.shop.tags && size(resource.shop.tags) == 1", T),
        ("resource.shop.name == 'items/corner'", T),
        ("resource.shop.shop == 'shops/cup'", T),
        ("resource.place.label == 'Roma' && resource.place.head_count > 5", T),
        ("resource.place.title == 'Roma'", T),
        ("resource.place.item.title.startsWith('u')", T),
        ("resource.place.item.shop.title == resource.title", T),
        ("resource.place.country.title == 'Italy'", T),
        ("old.shop.title == new.shop.title", T),
        ("old.shop.title == resource.nick", F),
        ("resource.shop.active ? false : resource.shop.title == auth.uid", T),
        ("(resource.shop.title == 'x') == false", T),
        ("resource.shop.title in ['x', 'u1']", T),
        ("resource.labels[resource.place.label] == ''", N),
    ] {
        assert_eq!(outcome(&program(source), &full()), expected, "{source}");
    }
}

#[test]
fn what_a_reference_that_leads_nowhere_would_say_is_unknown() {
    for (source, expected) in [
        ("resource.shop.title == auth.uid", N),
        ("resource.shop.title != auth.uid", N),
        ("!(resource.shop.title == auth.uid)", N),
        ("resource.shop.title == ''", N),
        ("has(resource.shop.title)", N),
        ("!has(resource.shop.title)", N),
        ("resource.shop.active", N),
        ("!resource.shop.active", N),
        ("resource.place.item.title == ''", N),
        ("'a' in resource.shop.tags", N),
        ("!('a' in resource.shop.tags)", N),
        ("resource.shop.title in []", N),
        ("resource.shop.name != 'no item'", N),
        ("resource.shop.place == 'no town'", N),
        ("resource.shop.etag != 'none'", N),
        ("has(resource.shop.name) && has(resource.shop.etag)", N),
        // What is beside it decides alone.
        ("resource.shop.title == 'x' || true", T),
        ("resource.shop.title == 'x' && false", F),
        ("!has(resource.shop) || resource.shop.title == 'x'", T),
        ("resource.shop == '' || resource.shop.active", T),
        ("has(resource.shop) ? resource.shop.title == 'x' : resource.stock == 0", T),
        ("(has(resource.shop) ? resource.shop.title : 'none') == 'none'", T),
        ("(true ? resource.shop.title : 'none') == 'none'", N),
        ("resource.shop.active || resource.place.label == 'x'", N),
    ] {
        assert_eq!(outcome(&program(source), &lost()), expected, "{source}");
    }
}

#[test]
fn what_was_not_looked_for_is_unknown_and_says_nothing() {
    for (source, expected) in [
        ("resource.shop.title == 'x' || true", T),
        ("resource.shop.title == 'x' && false", F),
        ("resource.shop.title == 'x'", N),
        ("resource.shop.active ? true : false", N),
    ] {
        assert_eq!(evaluate(&program(source).root, &on(&full())), expected, "{source}");
    }
    let old = full();
    let program = program("old.shop.title == 'x' && new.shop.title == 'y'");
    let around = world().around(&program, &old);
    let scope = Scope { old: Some(&old), around: Some(&around), ..Scope::default() };
    assert_eq!(evaluate(&program.root, &scope), F, "what is known of the row before forbids it already");
}

#[test]
fn an_ancestor_is_named_by_the_variable_of_the_pattern() {
    let scope = RuleScope { resource: Some(town()), records: records(), ..RuleScope::default() };
    let towns = world().towns;
    for source in ["country.title == 'Italy'", "resource.country.title == 'Italy'", "country == 'items/it'"] {
        let program = compile_rule(source, &scope).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
        assert_eq!(outcome(&program, &towns[0]), T, "{source}");
    }
    let update = RuleScope { old: Some(town()), new: Some(town()), records: records(), ..RuleScope::default() };
    let program = compile_rule("country.title == 'Italy' && new.country.stock == 0", &update).expect("it compiles");
    assert_eq!(outcome(&program, &towns[0]), T);
    for (source, help) in [
        ("countri.title == 'x'", "did you mean `country`?"),
        ("resource.countri.title == 'x'", "did you mean `country`?"),
        ("country.titel == 'x'", "did you mean `title`?"),
    ] {
        let problems = compile_rule(source, &scope).expect_err(source);
        assert!(problems[0].help.as_deref().is_some_and(|said| said.contains(help)), "{source}: {problems:?}");
    }
    assert!(compile_order("country", &town()).is_err(), "the key has an order by `name`");
}

#[test]
fn an_unknown_name_behind_a_reference_is_underlined_and_told_what_was_meant() {
    for (source, covered, help) in [
        ("resource.shop.titel == 'x'", "titel", Some("did you mean `title`?")),
        ("resource.place.item.stokc > 1", "stokc", Some("did you mean `stock`?")),
        ("resource.place.lable == 'x'", "lable", Some("did you mean `label`?")),
        ("resource.place.headCount == 1", "headCount", Some("did you mean `head_count`?")),
        ("resource.place.item == resource.shop", "resource.place.item == resource.shop", None),
    ] {
        let problems = compile_rule(source, &scope()).expect_err(source);
        assert_eq!(&source[problems[0].span.clone()], covered, "{source}: {problems:?}");
        if help.is_some() {
            assert_eq!(problems[0].help.as_deref(), help, "{source}: {problems:?}");
        }
    }
    for (source, covered, help) in [
        ("shop.titel = x", "titel", "did you mean `title`?"),
        ("place.item.stokc = 1", "stokc", "did you mean `stock`?"),
        ("place.headCuont = 1", "headCuont", "did you mean `head_count`?"),
        ("place.item.state = CRAT", "CRAT", "did you mean `CART`?"),
    ] {
        let problem = compile_filter(source, &item(), &records()).expect_err(source);
        assert_eq!(&source[problem.span.clone()], covered, "{source}: {problem:?}");
        assert_eq!(problem.help.as_deref(), Some(help), "{source}: {problem:?}");
    }
}

#[test]
fn a_circle_of_references_is_followed_so_far_and_no_further() {
    let rule = |hops: usize| format!("resource.{}title == 'x'", "shop.".repeat(hops));
    compile_rule(&rule(MAX_HOPS), &scope()).unwrap();
    let problems = compile_rule(&rule(MAX_HOPS + 1), &scope()).unwrap_err();
    assert_eq!((problems.len(), problems[0].kind), (1, ProblemKind::Limit), "{problems:?}");
    let path = |hops: usize| format!("{}title = x", "shop.".repeat(hops));
    compile_filter(&path(MAX_HOPS), &item(), &records()).unwrap();
    let problem = compile_filter(&path(MAX_HOPS + 1), &item(), &records()).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Limit, "{problem}");
    let wide = |hops: usize| "shop.title = x ".repeat(hops);
    compile_filter(&wide(MAX_FILTER_HOPS), &item(), &records()).unwrap();
    let problem = compile_filter(&wide(MAX_FILTER_HOPS + 1), &item(), &records()).unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Limit, "{problem}");
}

fn finds(source: &str, record: &[Value], rule: impl Fn(usize) -> Option<Expr>) -> bool {
    let filter = compile_filter(source, &item(), &records()).unwrap_or_else(|problem| panic!("{source}: {problem}"));
    outcome(&filter.under(&rule), record) == T
}

#[test]
fn a_filter_goes_on_behind_a_reference_and_skips_what_leads_nowhere() {
    for (source, found) in [
        ("shop.title = u1", true),
        ("shop.title != u1", false),
        ("NOT shop.title = u1", false),
        ("shop.tags:a", true),
        ("shop.nick = null", true),
        ("shop.nick:*", false),
        ("shop.shop.stock = 5 AND shop.stock = 5", true),
        ("place.label = \"Ro*\"", true),
        ("place.headCount > 5 place.title = Roma", true),
        ("place.item.shop.address.city = Rome", true),
        ("place.country.title = Italy", true),
        ("shop = \"shops/corner\"", true),
    ] {
        assert_eq!(finds(source, &full(), |_| None), found, "{source}");
    }
    for source in ["shop.title = x", "shop.title != x", "NOT shop.title = x", "shop.nick = null", "place.label = null"]
    {
        assert!(!finds(source, &lost(), |_| None), "{source}");
    }
    assert!(finds("shop = null", &lost(), |_| None));
    assert!(finds("shop.title = x OR stock = 0", &lost(), |_| None));
}

#[test]
fn a_filter_sees_nothing_of_a_row_that_its_rule_hides() {
    let hidden = |table: usize| (table == ITEM).then_some(Expr::FALSE);
    for source in [
        "shop.title = u1",
        "shop.title != u1",
        "NOT shop.title = u1",
        "NOT shop.title = x",
        "shop.nick = null",
        "place.item.title = u1",
        "place.label = Roma AND place.item.title != x",
        "shop.name = \"items/corner\"",
        "shop.name != x",
        "shop.title = \"**\"",
    ] {
        assert!(!finds(source, &full(), hidden), "{source}");
    }
    // Nor where rows below others are looked through on the way to it.
    let mut italy = full();
    italy[0] = Value::Text("it".into());
    for source in [
        "towns.item.title:u1",
        "towns.item.tags:a",
        "towns.item.tags:*",
        "towns.item.shop.tags:red",
        "towns.item.shop.lines.notes:n1",
        "towns.item.shop.labels:color",
    ] {
        assert!(finds(source, &italy, |_| None), "{source}");
        assert!(!finds(source, &italy, hidden), "{source}");
    }
    assert!(finds("place.label = Roma", &full(), hidden));
    assert!(finds("place.item = \"items/corner\"", &full(), hidden), "the reference is the town's");
    assert!(finds("place.label = Roma OR place.item.title = u1", &full(), hidden));
    // A rule may look further by itself, as the system.
    let looks = compile_rule(
        "resource.item.title == 'u1'",
        &RuleScope { resource: Some(town()), records: records(), ..RuleScope::default() },
    );
    let root = looks.expect("it compiles").root;
    let by_item = |table: usize| (table == TOWN).then(|| root.clone());
    assert!(finds("place.label = Roma", &full(), by_item));
    assert!(finds("place.item.stock = 5", &full(), by_item));
}

#[test]
fn what_is_asked_of_one_row_is_asked_in_one_look() {
    let looks = |expr: &Expr| {
        let mut count = 0;
        expr.any_node(&mut |node| {
            count += usize::from(matches!(node, Expr::Look { .. }));
            false
        });
        count
    };
    for (source, wanted) in [
        ("resource.shop.title == 'x' && resource.shop.stock > 1 && !resource.shop.active", 1),
        ("resource.shop.title == 'x' || resource.shop.nick == auth.uid", 1),
        ("resource.shop.shop.title == resource.shop.title", 2),
        ("resource.shop.title == 'x' && resource.place.label == 'y'", 2),
        ("resource.shop.title == resource.place.label && resource.place.head_count > 0", 3),
    ] {
        let program = program(source);
        assert!(looks(&program.root) <= wanted, "{source}: {:?}", program.root);
    }
    // What the caller alone decides is decided ahead, within a look, too.
    let split = program("'merchant' in auth.roles || resource.shop.title == auth.uid").split();
    let roles = ["merchant".to_owned()];
    let merchant = AuthView { uid: Some("u"), roles: &roles, ..AuthView::default() };
    assert_eq!(split.residual_for(split.decide(&merchant)), Expr::TRUE);
    let nobody = program("resource.shop.title == 'x' && resource.shop.stock > 1 && auth.email_verified").split();
    assert_eq!(nobody.residual_for(nobody.decide(&AuthView::default())), Expr::FALSE);
}

#[test]
fn a_program_says_what_it_reads_in_hand_and_around() {
    let program = program("resource.shop.title == 'x' && resource.place.item.stock > resource.stock");
    let columns = ["shop", "place_country", "place_town", "stock"].map(|name| (Root::Resource, column(name)));
    assert_eq!(program.columns(), columns.into_iter().collect());
    let tables: Vec<Vec<usize>> =
        program.looks().iter().map(|row| row.hops.iter().map(|hop| hop.table).collect()).collect();
    assert_eq!(tables, [vec![ITEM], vec![TOWN], vec![TOWN, ITEM]]);
    let moved = program.on(Root::New);
    assert!(moved.looks().iter().all(|row| row.root == Root::New));
    assert!(!moved.uses_only_auth());
    let kind = fixture::COLUMNS[column("title")].1;
    assert_eq!(Expr::column(Root::Old, column("title"), kind).kind(), Some(Kind::Text));
}

/// What is stored: items and towns that refer to one another, and to what is not there.
pub fn worlds() -> impl Strategy<Value = World> {
    let keys = || select(vec!["a", "A", "b"]);
    let town = (
        (keys(), keys(), proptest::option::of(keys())),
        (select(&strategy::INTS[..]), proptest::option::of(keys()), proptest::bool::weighted(0.2)),
    );
    let towns = proptest::collection::vec(town, 4);
    (proptest::collection::vec(strategy::record(), 2), towns).prop_map(|(mut items, towns)| {
        for (item, id) in items.iter_mut().zip(["a", "A"]) {
            item[0] = Value::Text(id.to_owned());
        }
        let mut world = World { items, towns: Vec::new() };
        for ((country, id, label), (size, item, is_deleted)) in towns {
            let mut town = town_row(country, id, label, size, item);
            if is_deleted {
                town[fixture::TOWN_DELETED] = Value::Timestamp(1);
            }
            if world.find(TOWN, &town[..2]).is_none() {
                world.towns.push(town);
            }
        }
        world
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_filter_finds_the_same_whatever_is_in_a_row_that_is_hidden(
        filter in strategy::filter_over_relations(),
        world in worlds(),
        record in strategy::record(),
        hidden in strategy::record(),
    ) {
        let mut other = world.clone();
        other.items[0] = hidden;
        other.items[0][0] = world.items[0][0].clone();
        let is_hidden = Expr::eq(Expr::column(Root::Resource, 0, Kind::Text), Expr::Literal(world.items[0][0].clone()));
        let rule = |table: usize| (table == ITEM).then(|| Expr::negate(is_hidden.clone()));
        let filter = compile_filter(&filter, &item(), &records()).expect("it compiles").under(&rule);
        let found = |world: &World| {
            let around = world.around(&filter, &record);
            evaluate(&filter.root, &Scope { around: Some(&around), ..on(&record) }) == T
        };
        prop_assert_eq!(found(&world), found(&other));
    }
}
