use mainstay_record::Kind;
use mainstay_sql::{Constant, Dialect, IndexColumn, Limit, OnlyRows, Probe};

use crate::sample::{both, count, ids, run, sqlite};

fn table() -> diesel::SqliteConnection {
    let mut conn = sqlite();
    let rows =
        "INSERT INTO product VALUES ('a', 'x', 1), ('b', 'x', 1), ('c', '', 2), ('d', '', NULL), ('e', 'y', NULL)";
    run(&mut conn, &["CREATE TABLE product (_id TEXT, sku TEXT NOT NULL, batch BIGINT)".to_owned(), rows.to_owned()]);
    conn
}

fn ask(probe: &Probe) -> (i64, Vec<String>) {
    let mut conn = table();
    let counted = count(&mut conn, &probe.count_sql(Dialect::Sqlite).text(Dialect::Sqlite));
    let sample = probe.sample_sql(Dialect::Sqlite).map(|sql| ids(&mut conn, &sql.text(Dialect::Sqlite)));
    (counted, sample.unwrap_or_default())
}

fn duplicates(columns: &[(&str, Option<Kind>)]) -> Probe {
    let columns = columns.iter().map(|(name, unset_zero)| IndexColumn {
        name: (*name).to_owned(),
        nullable: unset_zero.is_none(),
        unset_zero: *unset_zero,
        ..IndexColumn::default()
    });
    let (table, keys, columns) = ("product".to_owned(), vec!["_id".to_owned()], columns.collect());
    Probe::Duplicates { table, keys, columns, only: None, condition: None, span: None }
}

fn unset(column: &str, zero: Option<Kind>) -> Probe {
    Probe::Unset { table: "product".to_owned(), keys: vec!["_id".to_owned()], column: column.to_owned(), zero }
}

#[test]
fn rows_are_counted() {
    assert_eq!(ask(&Probe::Rows { table: "product".to_owned() }), (5, Vec::new()));
}

#[test]
fn unset_rows_are_null_or_zero() {
    assert_eq!(ask(&unset("batch", None)), (2, vec!["d".to_owned(), "e".to_owned()]));
    assert_eq!(ask(&unset("sku", Some(Kind::Text))), (2, vec!["c".to_owned(), "d".to_owned()]));
}

#[test]
fn unset_rows_are_no_duplicates() {
    assert_eq!(ask(&duplicates(&[("sku", Some(Kind::Text))])), (2, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(ask(&duplicates(&[("batch", None)])).0, 2);
    assert_eq!(ask(&duplicates(&[("sku", None)])).0, 4);
    assert_eq!(ask(&duplicates(&[("sku", Some(Kind::Text)), ("batch", None)])).0, 2);
}

#[test]
fn rows_that_are_deleted_are_found_and_are_no_duplicates() {
    let set = Probe::Set { table: "product".to_owned(), keys: vec!["_id".to_owned()], column: "batch".to_owned() };
    assert_eq!(ask(&set), (3, vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
    let Probe::Duplicates { table, keys, columns, .. } = duplicates(&[("sku", None)]) else { panic!("it is one") };
    let only = Some(OnlyRows { column: "batch".to_owned(), set: false });
    assert_eq!(
        ask(&Probe::Duplicates { table, keys, columns, only, condition: None, span: None }).0,
        0,
        "x stands in deleted rows, and once each"
    );
}

fn outside(column: &str, limits: Vec<Limit>, zero: Option<Kind>) -> Probe {
    let (table, keys) = ("product".to_owned(), vec!["_id".to_owned()]);
    Probe::Outside { table, keys, column: column.to_owned(), limits, zero }
}

#[test]
fn rows_outside_a_limit_are_found() {
    let least = |bound| Limit::AtLeast { bound: Constant::Int(bound), exclusive: false };
    assert_eq!(ask(&outside("batch", vec![least(2)], None)), (2, vec!["a".to_owned(), "b".to_owned()]));
    let most = Limit::AtMost { bound: Constant::Int(2), exclusive: true };
    assert_eq!(ask(&outside("batch", vec![most], None)), (1, vec!["c".to_owned()]));
    assert_eq!(ask(&outside("sku", vec![Limit::MinLength { bound: 1 }], None)).0, 2);
    assert_eq!(ask(&outside("sku", vec![Limit::MinLength { bound: 1 }], Some(Kind::Text))).0, 0);
    let one = Limit::OneOf { values: vec![Constant::Text("x".to_owned()), Constant::Text(String::new())] };
    assert_eq!(ask(&outside("sku", vec![one], None)), (1, vec!["e".to_owned()]));
    let none = Limit::NoneOf { values: vec![Constant::Text("y".to_owned())] };
    assert_eq!(ask(&outside("sku", vec![none, Limit::MaxLength { bound: 0 }], None)).0, 3);
}

#[test]
fn texts_outside_a_limit_are_found() {
    let part = |part: &str| part.to_owned();
    // Of `x` twice, `y` once, and two that are empty.
    for (limit, count) in [
        (Limit::Prefix { part: part("x") }, 3),
        (Limit::Prefix { part: part("xx") }, 5),
        (Limit::Suffix { part: part("y") }, 4),
        (Limit::Suffix { part: part("") }, 0),
        (Limit::Contains { part: part("x") }, 3),
        (Limit::NotContains { part: part("x") }, 2),
        (Limit::MinBytes { bound: 1 }, 2),
        (Limit::MaxBytes { bound: 0 }, 3),
    ] {
        assert_eq!(ask(&outside("sku", vec![limit.clone()], None)).0, count, "{limit:?}");
    }
    let either = |low: i64, high: i64| Limit::Either {
        one: Box::new(Limit::AtLeast { bound: Constant::Int(high), exclusive: false }),
        other: Box::new(Limit::AtMost { bound: Constant::Int(low), exclusive: false }),
    };
    assert_eq!(ask(&outside("batch", vec![either(0, 2)], None)).0, 2);
    assert_eq!(ask(&outside("batch", vec![either(1, 2)], None)).0, 0);
}

#[test]
fn the_questions_in_both_dialects() {
    let probe = duplicates(&[("sku", Some(Kind::Text)), ("batch", None)]);
    insta::assert_snapshot!(both(|d| probe.count_sql(d)), @r#"SELECT CAST(COALESCE(SUM(g.n), 0) AS BIGINT) FROM (SELECT COUNT(*) AS n FROM "product" AS t WHERE t."sku" <> '' AND t."batch" IS NOT NULL GROUP BY t."sku", t."batch" HAVING COUNT(*) > 1) AS g"#);
    insta::assert_snapshot!(both(|d| probe.sample_sql(d).expect("a sample")), @r#"SELECT t."_id" FROM (SELECT t."_id", COUNT(*) OVER (PARTITION BY t."sku", t."batch") AS n FROM "product" AS t WHERE t."sku" <> '' AND t."batch" IS NOT NULL) AS t WHERE t.n > 1 ORDER BY t."_id" LIMIT 5"#);
    insta::assert_snapshot!(both(|d| unset("sku", Some(Kind::Bytes)).count_sql(d)), @r#"
    sqlite:   SELECT COUNT(*) FROM "product" AS t WHERE (t."sku" IS NULL OR t."sku" = x'')
    postgres: SELECT COUNT(*) FROM "product" AS t WHERE (t."sku" IS NULL OR t."sku" = '\x'::bytea)
    "#);
    let limits = vec![
        Limit::MinItems { bound: 1 },
        Limit::AtMost { bound: Constant::double(0.5), exclusive: false },
        Limit::OneOf { values: vec![Constant::Bool(true)] },
    ];
    insta::assert_snapshot!(both(|d| outside("c", limits.clone(), None).count_sql(d)), @r#"
    sqlite:   SELECT COUNT(*) FROM "product" AS t WHERE ((SELECT COUNT(*) FROM json_each(t."c")) < 1 OR t."c" > 0.5 OR t."c" NOT IN (TRUE))
    postgres: SELECT COUNT(*) FROM "product" AS t WHERE ((CASE jsonb_typeof(t."c") WHEN 'array' THEN jsonb_array_length(t."c") WHEN 'object' THEN (SELECT COUNT(*) FROM jsonb_object_keys(t."c")) ELSE 0 END) < 1 OR t."c" > 0.5 OR t."c" NOT IN (TRUE))
    "#);
}
