//! Arithmetic, sums, dates and regular expressions where an engine would fail, or say something else: what has no result is
//! NULL on both.

use mainstay_expr::{Scope, compile_rule, evaluate};
use mainstay_testkit::{both_engines, database};
use proptest::test_runner::TestRunner;

use crate::differential::{Generator, compare, store, store_towns};
use crate::expression::{dialect, nobody};
use crate::fixture::{full, on, scope};
use crate::strategy::Caller;

const RULES: &[&str] = &[
    "resource.stock + resource.rating > 0",
    "resource.stock - resource.rating > 0",
    "resource.stock * resource.rating > 0",
    "resource.stock / resource.rating > 0",
    "resource.stock % resource.rating >= 0",
    "-resource.stock < 0 || -resource.rating < 0",
    "(resource.stock + 1) * 2 - resource.rating / 2 == resource.address.floor",
    "size(resource.title) * size(auth.roles) - size(resource.tags) < 3",
    "9223372036854775807 - resource.stock >= 0 && resource.stock - -9223372036854775807 >= 0",
    "resource.price + resource.weight > 1.0",
    "resource.price - resource.weight < 0.5",
    "resource.price * resource.weight > 1.0",
    "resource.price / resource.weight == 1.0",
    "-resource.price > 0.0 || -resource.grade < 0.0",
    "resource.price * 1e150 * 1e150 > 1.0",
    "1e-150 * resource.price * 1e-150 == 0.0",
    "resource.grade * resource.share >= 0.01",
    "resource.create_time + resource.ttl > now",
    "resource.create_time + duration('80000000h') > now",
    "resource.create_time - resource.create_time == duration('0s')",
    "now - resource.create_time > resource.ttl",
    "resource.ttl + duration('87660000h') > duration('0s')",
    "date(resource.create_time) < date(now) && date(now) == date('2024-05-01')",
    "date(resource.create_time - duration('1us')) == date('2024-04-30')",
    "date(resource.create_time + resource.ttl) == resource.day",
    "resource.codes.sum() > 0",
    "resource.codes.sum(c, c - 1) > 0",
    "resource.codes.sum(c, c / resource.stock) == 0",
    "resource.codes.filter(c, c % 2 == 1).sum(c, c * resource.rating) > 3",
    "resource.codes.filter(c, resource.codes.sum(d, d - c) > 0).sum() < 7",
    "resource.lines.sum(l, l.quantity * l.item.stock) > 1",
    "resource.lines.sum(l, size(l.notes)) == size(resource.lines)",
    "resource.shop.codes.sum() == resource.codes.sum()",
    "resource.towns.exists(t, t.head_count * 2 > resource.stock + t.item.stock)",
    "Town.exists(t, t.head_count + resource.stock < 0) || resource.stock == 7",
    "!resource.towns.exists(t, t.item.codes.sum() > t.head_count)",
    "((((resource.active ? resource.sealed : true) ? resource.active : false) ? true : resource.sealed) ? 1 : 2) == 1",
    r"resource.title.matches(r'\W')",
    r"resource.title.matches(r'\bA\b') || resource.nick.matches(r'\Ba')",
    r"resource.title.matches(r'(?m)^b$')",
    r"resource.nick.matches(r'^\\b\n$')",
    r"resource.title.matches(r'^\pL+$')",
    r"resource.title.matches(r'[^\pL\pM]')",
    r"resource.title.matches(r'(?i)ä')",
    r"resource.title.matches(r'^.$')",
    r"resource.title.matches(r'(?s)^..$')",
    r"resource.title.matches(r'^(?:a|b){0,300}$')",
    r"resource.title.matches(r'a{260}|^b{1,257}$')",
    r"resource.title.matches(r'\x{ffff}\x{10ffff}$')",
    r"!resource.nick.matches(r'^$') || resource.shop.title.matches(r'\Aa\z')",
    r"auth.uid.matches(r'^u')",
];

both_engines! {
    async fn what_an_engine_would_fail_on_is_null_on_both(engine: Engine) {
        let (database, dialect) = (database::fresh(engine).await, dialect(engine));
        let mut generator = Generator(TestRunner::deterministic());
        let records = generator.records(64);
        store(&database, dialect, &records).await;
        store_towns(&database, dialect).await;
        let roles = vec!["a".to_owned(), "b".to_owned()];
        let callers = [nobody(), Caller { uid: Some("u".to_owned()), roles, ..nobody() }];
        for source in RULES {
            let program = compile_rule(source, &scope()).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
            for caller in &callers {
                compare(&database, dialect, source, &program.root, caller, &records).await;
            }
        }
    }
}

#[test]
fn the_rules_are_about_something() {
    let record = full();
    let told = RULES.iter().filter(|source| {
        let program = compile_rule(source, &scope()).expect("it compiles");
        evaluate(&program.root, &Scope { ..on(&record) }).is_some()
    });
    assert!(told.count() * 2 > RULES.len());
}
