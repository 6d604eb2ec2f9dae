//! Rules and filters that are meant to take long, all the way to the statement: each is refused with a number, or becomes a
//! statement that both engines take.
//!
//! What is asserted is the work that is left over, which is the same on every machine: how large the statement is. How long it
//! takes is shown by `cargo test -p mainstay-sql -- --ignored --nocapture --test-threads 1 hostile`.

use mainstay_expr::{ProblemKind, Program, compile_filter, compile_rule};
use mainstay_record::Piece;
use mainstay_sql::{Condition, Dialect, Select, Table, Truths, from_above, select};
use mainstay_testkit::cpu_time;

use crate::expression::{layout, nobody, tables};
use crate::fixture::{item, records, scope};
use crate::strategy::Caller;

/// How large a statement may become, in bytes. PostgreSQL takes a gigabyte, SQLite a megabyte by default.
const MAX_STATEMENT_BYTES: usize = 1_000_000;

/// SQLite takes no more values in one statement.
const MAX_BINDS: usize = 32_766;

/// The processor time within which each is to be refused or written, in a release build.
const WITHIN_MS: u128 = 50;

/// The accounts of the processor are coarse: each is done so many times.
const TIMES: u32 = 10;

fn joined(times: usize, part: impl Fn(usize) -> String, between: &str) -> String {
    (0..times).map(part).collect::<Vec<_>>().join(between)
}

fn nested(times: usize, begin: &str, step: impl Fn(usize, &str) -> String) -> String {
    (0..times).fold(begin.to_owned(), |inner, level| step(level, &inner))
}

/// What somebody writes into a contract.
fn rules() -> Vec<(&'static str, String)> {
    let one = |i: usize| format!("resource.stock == {i}");
    vec![
        ("terms of ||", joined(10_000, one, " || ")),
        ("terms of &&", joined(10_000, one, " && ")),
        ("terms of both", joined(10_000, |i| format!("{} && {} || {}", one(i), one(i + 1), one(i + 2)), " || ")),
        ("as many terms as there is room for", joined(330, one, " || ")),
        ("numbers in a list", format!("resource.stock in [{}]", joined(10_000, |i| i.to_string(), ", "))),
        ("as long a list as there is room for", format!("resource.stock in [{}]", joined(900, |i| i.to_string(), ","))),
        ("texts one after the other", format!("{} == 'x'", joined(10_000, |_| "resource.title".to_owned(), " + "))),
        ("brackets", format!("{}resource.active{}", "(".repeat(4_000), ")".repeat(4_000))),
        ("lists in lists", format!("resource.stock in {}1{}", "[".repeat(4_000), "]".repeat(4_000))),
        ("denials", format!("{}resource.active", "!".repeat(8_000))),
        ("minuses", format!("resource.stock == {}1", "-".repeat(8_000))),
        ("choices", format!("{}true", "resource.active ? true : ".repeat(300))),
        (
            "choices in conditions",
            nested(17, "resource.active", |_, inner| format!("({inner} ? resource.sealed : {inner})")),
        ),
        ("the same twice, in itself", nested(20, "resource.active", |_, inner| format!("({inner} && {inner})"))),
        (
            "maps of maps",
            format!("resource.codes{}.exists(y, y == 1)", joined(17, |i| format!(".map(x{i}, x{i} + x{i})"), "")),
        ),
        (
            "filters of filters",
            format!("resource.codes{}.sum() == 1", joined(17, |i| format!(".filter(x{i}, x{i} > {i})"), "")),
        ),
        ("quantifiers", nested(40, "true", |level, inner| format!("resource.codes.exists(x{level}, {inner})"))),
        (
            "denied quantifiers",
            nested(4, "resource.nick == 'a'", |level, inner| {
                format!("!resource.codes.all(x{level}, x{level} == resource.rating || {inner})")
            }),
        ),
        (
            "rows of rows",
            nested(4, "t3.label == resource.nick", |level, inner| {
                format!("Town.exists(t{}, !({inner}) && t{}.label == resource.nick)", 3 - level, 3 - level)
            }),
        ),
        ("predicates of predicates", joined(150, |i| format!("(resource.shared || resource.stock == {i})"), " && ")),
        (
            "climbs that are denied",
            joined(100, |i| format!("!(resource.shop.reachable && resource.stock == {i})"), " && "),
        ),
        ("references", format!("resource.{}title == 'a'", "shop.".repeat(1_000))),
        ("keys of keys", format!("resource.labels{} == 'a'", "['a']".repeat(1_000))),
        ("a pattern that repeats", format!("resource.title.matches('{}')", "(a{2}){2}".repeat(800))),
        (
            "a pattern that repeats what repeats",
            format!("resource.title.matches('{}')", nested(8, "a", |_, inner| format!("({inner}){{9}}"))),
        ),
        ("many patterns", joined(180, |i| format!("resource.title.matches('^(a|b){i}$')"), " || ")),
        ("a long name", format!("resource.{}", "a".repeat(8_000))),
        ("what does not end", "resource.title == '".repeat(400)),
        ("beyond what may be read", " ".repeat(1 << 20)),
    ]
}

/// What anybody sends with a List.
fn filters() -> Vec<(&'static str, String)> {
    vec![
        ("terms of OR", joined(10_000, |i| format!("stock = {i}"), " OR ")),
        ("terms of AND", joined(10_000, |i| format!("stock = {i}"), " ")),
        ("as many terms as there is room for", joined(99, |i| format!("stock = {i}"), " OR ")),
        ("denials", "NOT ".repeat(10_000)),
        ("minuses", format!("{}active", "-".repeat(8_000))),
        ("brackets", format!("{}active = true{}", "(".repeat(4_000), ")".repeat(4_000))),
        ("references", format!("{}title = a", "shop.".repeat(1_000))),
        ("as many references as may be", joined(40, |i| format!("shop.title = a{i}"), " OR ")),
        ("rows below rows", format!("{}label:a", "towns.item.".repeat(500))),
        ("as many looks below as may be", joined(13, |i| format!("towns.item.towns.label:a{i}"), " AND NOT ")),
        ("wildcards", joined(90, |i| format!("title = \"*{}*{i}*\"", "a*".repeat(20)), " OR ")),
        ("a long text", format!("title = \"{}\"", "ä".repeat(4_000))),
        ("names in names", format!("title{} = a", ".a".repeat(4_000))),
        ("quotes", "\"".repeat(8_000)),
        ("beyond what may be read", "a ".repeat(1 << 19)),
    ]
}

/// What becomes of an expression: how long the longest statement is, and how many values it takes; or why it is refused.
fn written(compiled: Result<Program, Vec<mainstay_expr::Problem>>) -> Result<(usize, usize), String> {
    let program = compiled.map_err(|problems| {
        let limit = problems.iter().find(|problem| problem.kind == ProblemKind::Limit).or(problems.first());
        limit.map(|problem| problem.message.clone()).unwrap_or_default()
    })?;
    let (layout, tables) = (layout(), tables());
    let split = program.split();
    let caller = Caller { uid: Some("u".to_owned()), ..nobody() };
    let residual = split.residual_for(split.decide(&caller.view()));
    let above = from_above(Dialect::Postgres, &residual, Table { name: "items", layout: &layout }, &tables, &[]);
    let all = [Some(&program.root), Some(&residual), above.as_ref()];
    let sizes = all.into_iter().flatten().flat_map(|expr| {
        Dialect::ALL.map(|dialect| {
            let table = Table { name: "items", layout: &layout };
            let condition = Condition::Expr(expr, &tables);
            let sql = select(
                dialect,
                &Select {
                    table,
                    columns: vec![0],
                    condition,
                    order: &[],
                    after: None,
                    limit_param: None,
                    lock: None,
                    truths: Truths::NONE,
                },
            );
            let binds = sql.pieces.iter().filter(|piece| matches!(piece, Piece::Bind { .. })).count();
            (sql.text(dialect).len(), binds)
        })
    });
    Ok(sizes.fold((0, 0), |(text, binds), (more, bound)| (text.max(more), binds.max(bound))))
}

fn of_rule(source: &str) -> Result<(usize, usize), String> {
    written(compile_rule(source, &scope()))
}

fn of_filter(source: &str) -> Result<(usize, usize), String> {
    written(compile_filter(source, &item(), &records()).map_err(|problem| vec![problem]))
}

type Written = fn(&str) -> Result<(usize, usize), String>;

fn all() -> impl Iterator<Item = (&'static str, String, Written)> {
    let rules = rules().into_iter().map(|(name, source)| (name, source, of_rule as Written));
    rules.chain(filters().into_iter().map(|(name, source)| (name, source, of_filter as Written)))
}

#[test]
fn what_is_meant_to_take_long_is_refused_or_stays_a_statement_that_engines_take() {
    for (name, source, write) in all() {
        match write(&source) {
            Ok((text, binds)) => {
                assert!(text <= MAX_STATEMENT_BYTES && binds <= MAX_BINDS, "{name}: {text} bytes, {binds} values");
            }
            Err(why) => assert!(!why.is_empty() && why.len() < source.len() + 1_000, "{name}: {why}"),
        }
    }
    for name in ["terms of ||", "numbers in a list", "quantifiers", "references", "a pattern that repeats what repeats"]
    {
        let source =
            rules().into_iter().find(|(known, _)| *known == name).map(|(_, source)| source).unwrap_or_default();
        assert!(of_rule(&source).is_err_and(|why| why.contains(char::is_numeric)), "{name}");
    }
}

#[test]
#[ignore = "shows how long each takes; meant for a release build, alone"]
fn each_is_refused_or_written_within_fifty_milliseconds_of_processor_time() {
    let mut late = Vec::new();
    for (name, source, write) in all() {
        let begin = cpu_time().expect("this is Linux");
        let mut outcome = write(&source);
        for _ in 1..TIMES {
            outcome = write(&source);
        }
        let spent = cpu_time().expect("this is Linux").saturating_sub(begin) / TIMES;
        let outcome = match outcome {
            Ok((text, binds)) => format!("{text} bytes, {binds} values"),
            Err(why) => format!("refused: {}", why.chars().take(90).collect::<String>()),
        };
        println!("{:>9.3} ms  {name}: {outcome}", spent.as_secs_f64() * 1_000.0);
        if spent.as_millis() > WITHIN_MS {
            late.push(name);
        }
    }
    assert!(late.is_empty() || cfg!(debug_assertions), "{late:?}");
}
