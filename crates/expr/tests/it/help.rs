//! What is said beside a problem: how to write what was meant.

use mainstay_expr::{Type, compile_conjuncts, compile_default, compile_filter, compile_order, compile_rule, evaluate};

use crate::fixture::{full, item, records, scope, state};

/// What a problem covers and what helps, of a rule's problems in their order.
fn of_rule(source: &str) -> Vec<(String, String)> {
    let problems = compile_rule(source, &scope()).expect_err(source);
    problems.into_iter().map(|p| (source[p.span].to_owned(), p.help.unwrap_or_default())).collect()
}

#[test]
fn an_unknown_name_in_a_rule_is_told_what_was_meant() {
    let cases = [
        ("resource.stokc == 1", "stokc", "did you mean `stock`?"),
        ("resource.createTime > now", "createTime", "did you mean `create_time`?"),
        ("has(resource.titel)", "titel", "did you mean `title`?"),
        ("resource.address.citty == 'x'", "citty", "did you mean `city`?"),
        ("resource.address.street == 'x'", "street", "its fields are city, floor"),
        ("auth.uuid == 'x'", "uuid", "did you mean `uid`?"),
        (
            "auth.id == 'x'",
            "id",
            "it has uid, email, email_verified, roles, amr, aal, org, fresh, permissions, kind, claims",
        ),
        ("resorce.stock == 1", "resorce", "did you mean `resource`?"),
        ("ressource.address.city == 'x'", "ressource", "did you mean `resource`?"),
        ("ath.uid == 'x'", "ath", "did you mean `auth`?"),
        ("stock == 1", "stock", "a field is named with its record: `resource.stock`"),
        ("address.city == 'x'", "address.city", "a field is named with its record: `resource.address.city`"),
        ("resource.state == Stat.CART", "Stat.CART", "did you mean `State.CART`?"),
        ("resource.state == State.CRAT", "CRAT", "did you mean `CART`?"),
        ("resource.title.startWith('x')", "resource.title.startWith('x')", "did you mean `startsWith`?"),
        ("True", "True", "did you mean `true`?"),
    ];
    for (source, covered, help) in cases {
        assert_eq!(of_rule(source), [(covered.to_owned(), help.to_owned())], "{source}");
    }
}

#[test]
fn what_other_languages_write_is_told_in_the_words_of_filters() {
    let cases = [
        ("stock == 5", "=", "write one `=`"),
        ("stock <> 5", ">", "write `!=`"),
        ("stock => 5", ">", "write `>=`"),
        ("stock > 5 && stock < 9", "&&", "write `AND`"),
        ("stock > 5 and stock < 9", "and", "write `AND`"),
        ("stock > 5 || stock < 1", "||", "write `OR`"),
        ("not stock > 5", "not", "write `NOT`"),
        ("stock gt 5", "gt", "write `>`"),
        ("title LIKE 'a%'", "LIKE", "a star stands for the rest of a text: `field = \"abc*\"`"),
        ("title in ('a', 'b')", "in", "write `field = a OR field = b`"),
        ("title is null", "is", "write `field = null`, or `field:*` for what is set"),
        ("title.startsWith('a')", "title.startsWith", "write `field = \"abc*\"`"),
        ("has(title)", "has", "write `field:*`"),
        ("blue cup", "blue", "compare a field: `field = value`"),
    ];
    for (source, covered, help) in cases {
        let problem = compile_filter(source, &item(), &records()).expect_err(source);
        let told = (&source[problem.span.clone()], problem.help.as_deref().unwrap_or_default());
        assert_eq!(told, (covered, help), "{source}: {problem}");
    }
    for (source, help) in [("-stock", "write `stock desc`"), ("title, +stock", "write `stock`")] {
        let problem = compile_order(source, &item()).expect_err(source);
        assert_eq!(problem.help.as_deref(), Some(help), "{source}: {problem}");
    }
}

#[test]
fn what_other_languages_write_is_told_in_cel() {
    let cases: [(&str, &[(&str, &str)]); 8] = [
        ("resource.stock = 3", &[("=", "write `==`")]),
        ("resource.stock=3 && resource.title = 'a = b'", &[("=", "write `==`"), ("=", "write `==`")]),
        ("resource.stock === 3", &[("===", "write `==`")]),
        ("resource.stock <> 3", &[("<>", "write `!=`")]),
        ("resource.active and resource.sealed", &[("and", "write `&&`")]),
        ("resource.active OR not resource.sealed", &[("OR", "write `||`"), ("not", "write `!`")]),
        ("resource.active & resource.sealed", &[("&", "write `&&`")]),
        ("resource.title like 'x'", &[("like", "write `contains(…)`")]),
    ];
    for (source, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(of_rule(source), expected, "{source}");
    }
}

#[test]
fn a_rule_that_is_no_condition_is_told_to_compare() {
    let cases = [
        ("resource.stock + 1", "compare what it is made of, for example `resource.stock == …`"),
        ("resource.stock", "compare it, for example `resource.stock == 0`"),
        ("resource.title", "compare it, for example `resource.title == '…'`"),
        ("resource.state", "compare it, for example `resource.state == State."),
        ("resource.tags", "ask for what is in it, for example `'…' in resource.tags` or `size(resource.tags) > 0`"),
        ("resource.address", "ask whether it is set: `has(resource.address)`"),
        ("resource.active && resource.price * 2.0", "compare what it is made of, for example `resource.price == …`"),
    ];
    for (source, help) in cases {
        let problems = compile_rule(source, &scope()).expect_err(source);
        assert!(problems[0].message.contains("must be true or false"), "{source}: {problems:?}");
        assert!(problems[0].help.as_deref().unwrap_or_default().starts_with(help), "{source}: {problems:?}");
    }
}

#[test]
fn a_default_that_is_written_as_it_is_meant_is_told_how_to_write_it() {
    let cases = [
        ("new", Type::Text, "a text is written in quotes: 'new'"),
        (" draft ", Type::Text, "a text is written in quotes: 'draft'"),
        ("hello world", Type::Text, "a text is written in quotes: 'hello world'"),
        ("blue-green", Type::Text, "a text is written in quotes: 'blue-green'"),
        ("www.example.org", Type::Text, "a text is written in quotes: 'www.example.org'"),
        ("3", Type::Text, "a text is written in quotes: '3'"),
        ("true", Type::Text, "a text is written in quotes: 'true'"),
        ("CART", Type::Enum(state()), "write `State.CART`"),
        ("cart", Type::Enum(state()), "write `State.CART`"),
        ("unspecified", Type::Enum(state()), "write `State.STATE_UNSPECIFIED`"),
        ("'CART'", Type::Enum(state()), "name the value without quotes: `State.CART`"),
        ("State.CRAT", Type::Enum(state()), "write `State.CART`"),
        ("Stat.CART", Type::Enum(state()), "write `State.CART`"),
        ("True", Type::Bool, "write true"),
        ("'false'", Type::Bool, "write false without quotes"),
        ("many", Type::Int, "write a whole number, for example 42"),
        ("'3'", Type::Int, "write the number without quotes: 3"),
        ("'2026-01-31'", Type::Timestamp, "write timestamp('2026-01-31T12:00:00Z')"),
        ("today", Type::Timestamp, "write now, or timestamp('2026-01-31T12:00:00Z')"),
        ("90", Type::Duration, "write duration('90s')"),
        ("auth.uuid", Type::Text, "did you mean `uid`?"),
        ("", Type::Text, "leave it out: a text that is not set is empty; '' would say the same"),
        (" ", Type::Int, "write a value, or leave the default out"),
        ("abc", Type::Bytes, "bytes are written in quotes after a b: b'abc'"),
        ("2026-01-31", Type::Date, "write a date as '2026-01-31'"),
        ("morning", Type::TimeOfDay, "write a time of day as '08:30' or '08:30:15.5'"),
        ("free", Type::Decimal, "write a decimal as '12.50'"),
    ];
    for (source, ty, help) in cases {
        let problems = compile_default(source, &ty).expect_err(source);
        assert_eq!(problems.len(), 1, "{source}: {problems:?}");
        assert_eq!(problems[0].help.as_deref(), Some(help), "{source}: {problems:?}");
        assert!(source.contains(&source[problems[0].span.clone()]), "{source}");
    }
    let far = compile_default("shipped_long_ago", &Type::Enum(state())).expect_err("no value");
    assert!(far[0].help.as_deref().is_some_and(|help| help.contains("its values are")), "{far:?}");
}

#[test]
fn an_unknown_name_in_a_filter_or_an_order_is_told_what_was_meant() {
    for (source, help) in [
        ("stokc = 1", "did you mean `stock`?"),
        ("createTmie > \"2024-05-01T12:00:00Z\"", "did you mean `create_time`?"),
        ("address.citty = x", "did you mean `city`?"),
        ("address:citty", "did you mean `city`?"),
        ("lines.prodct:x", "did you mean `product`?"),
        ("state = CRAT", "did you mean `CART`?"),
        ("address.street = x", "its fields are city, floor"),
    ] {
        let problem = compile_filter(source, &item(), &records()).expect_err(source);
        assert_eq!(problem.help.as_deref(), Some(help), "{source}: {problem}");
    }
    for (source, help) in [("stokc desc", "did you mean `stock`?"), ("address.citty", "did you mean `city`?")] {
        let problem = compile_order(source, &item()).expect_err(source);
        assert_eq!(problem.help.as_deref(), Some(help), "{source}: {problem}");
    }
}

#[test]
fn a_rule_falls_into_the_conditions_that_it_joins() {
    let source = "resource.stock == 5 && ((resource.active) && !resource.sealed) && (resource.stock < 0 || false)";
    let parts = compile_conjuncts(source, &scope()).expect("the rule compiles");
    let texts: Vec<&str> = parts.iter().map(|part| &source[part.span.clone()]).collect();
    assert_eq!(texts, ["resource.stock == 5", "resource.active", "!resource.sealed", "resource.stock < 0 || false"]);
    let record = full();
    let on_full = mainstay_expr::Scope { resource: Some(&record), ..mainstay_expr::Scope::default() };
    let held: Vec<_> = parts.iter().map(|part| evaluate(&part.program.root, &on_full)).collect();
    assert_eq!(held, [Some(true), Some(true), Some(true), Some(false)]);
    assert!(compile_conjuncts("resource.stock && resource.nothing", &scope()).is_err());
}
