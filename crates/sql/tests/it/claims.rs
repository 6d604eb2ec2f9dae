//! What administrators have tokens say (`auth.claims`), beside columns and alone: of one type or of another, or missing.

use mainstay_expr::{Scope, compile_rule, evaluate};
use mainstay_testkit::{both_engines, database};
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use crate::differential::{Generator, compare, store, store_towns};
use crate::expression::{dialect, nobody};
use crate::fixture::{full, on, scope};
use crate::strategy::Caller;

const RULES: &[&str] = &[
    "resource.title == auth.claims.value",
    "!(resource.title == auth.claims.value)",
    "resource.nick != auth.claims.value",
    "resource.nick == auth.claims.value || resource.stock == 1",
    "resource.title < auth.claims.value",
    "resource.title.startsWith(auth.claims.value)",
    "resource.title + auth.claims.value.lowerAscii() == 'aa'",
    "auth.claims.value in resource.tags",
    "auth.claims.value in [resource.title, 'a']",
    "resource.tags.exists(t, t == auth.claims.value)",
    "resource.towns.exists(t, t.label == auth.claims.value)",
    "!resource.towns.exists(t, t.label == auth.claims.value)",
    "resource.stock == auth.claims.value",
    "resource.stock >= auth.claims.value",
    "resource.price == auth.claims.value",
    "resource.price < auth.claims.value",
    "resource.active == auth.claims.value",
    "auth.claims.value && resource.active",
    "auth.claims.value == 1 && resource.active",
    "auth.claims.value > 0.5 || resource.active",
    "has(auth.claims.value) ? resource.active : resource.sealed",
    "auth.claims.value == null || resource.title == ''",
    "(resource.active ? 'a' : resource.title) == auth.claims['value']",
];

fn claimed(value: &Json) -> Caller {
    let claims = json!({"value": value, "other": "a"}).as_object().cloned().unwrap_or_default();
    Caller { uid: Some("u".to_owned()), claims, ..nobody() }
}

fn callers() -> Vec<Caller> {
    let values =
        [json!("a"), json!(""), json!("A"), json!(1), json!(-1), json!(2.5), json!(1e300), json!(true), json!(false)];
    let odd = [json!(null), json!(["a"]), json!({"a": 1}), json!("a\u{0}b")];
    [nobody()].into_iter().chain(values.into_iter().chain(odd).map(|value| claimed(&value))).collect()
}

both_engines! {
    async fn a_claim_says_on_both_engines_what_it_says_in_memory(engine: Engine) {
        let (database, dialect) = (database::fresh(engine).await, dialect(engine));
        let records = Generator(TestRunner::deterministic()).records(48);
        store(&database, dialect, &records).await;
        store_towns(&database, dialect).await;
        for source in RULES {
            let program = compile_rule(source, &scope()).unwrap_or_else(|problems| panic!("{source}: {problems:?}"));
            for caller in callers() {
                compare(&database, dialect, source, &program.root, &caller, &records).await;
            }
        }
    }
}

#[test]
fn the_rules_are_about_something() {
    let (record, callers) = (full(), callers());
    // Towns are rows of another table: what is said of them is compared above.
    for source in RULES.iter().filter(|source| !source.contains("towns")) {
        let program = compile_rule(source, &scope()).expect("it compiles");
        let told = callers.iter().filter_map(|caller| {
            let scope = on(&record);
            evaluate(&program.root, &Scope { auth: caller.view(), ..scope })
        });
        assert!(told.count() > 0, "{source}");
    }
}
