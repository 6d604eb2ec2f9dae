use mainstay_record::Kind;
use mainstay_sql::{
    ColumnSpec, Dialect, ForeignKey, IndexColumn, Literal, MadeColumn, MadeFrom, OnlyRows, PrimaryKey, SchemaStep,
    same_rows, schema_sql,
};

use crate::sample::{count, explain, run, sqlite};

fn both(step: &SchemaStep) -> String {
    let [sqlite, postgres] = [Dialect::Sqlite, Dialect::Postgres].map(|d| schema_sql(d, step).join(";\n"));
    if sqlite == postgres { sqlite } else { format!("-- sqlite\n{sqlite}\n-- postgres\n{postgres}") }
}

fn spec(name: &str, ty: Kind, nullable: bool) -> ColumnSpec {
    ColumnSpec { name: name.to_owned(), ty, nullable }
}

fn key() -> ForeignKey {
    ForeignKey {
        name: "review_product_fkey".to_owned(),
        columns: vec!["product".to_owned()],
        target: "product".to_owned(),
        target_columns: vec!["_id".to_owned()],
    }
}

fn create() -> SchemaStep {
    let types = [
        ("flag", Kind::Bool),
        ("number", Kind::Int),
        ("rate", Kind::Double),
        ("title", Kind::Text),
        ("data", Kind::Bytes),
    ];
    let mut columns = vec![spec("_id", Kind::Text, false)];
    columns.extend(types.map(|(name, ty)| spec(name, ty, false)));
    columns.push(spec("time", Kind::Timestamp, true));
    columns.push(spec("lines", Kind::Json, true));
    columns.push(spec("product", Kind::Text, true));
    let primary_key = PrimaryKey { name: "review_pkey".to_owned(), columns: vec!["_id".to_owned()] };
    SchemaStep::CreateTable { table: "review".to_owned(), columns, primary_key, foreign_keys: vec![key()] }
}

fn index(unique: bool, concurrently: bool) -> SchemaStep {
    let column = |name: &str, descending, nullable, unset_zero| IndexColumn {
        name: name.to_owned(),
        descending,
        nullable,
        unset_zero,
        ..IndexColumn::default()
    };
    SchemaStep::CreateIndex {
        name: "review_title_time_idx".to_owned(),
        table: "review".to_owned(),
        columns: vec![
            column("title", false, false, unique.then_some(Kind::Text)),
            column("time", true, true, None),
            column("_id", true, false, None),
        ],
        unique,
        only: None,
        condition: None,
        span: None,
        concurrently,
    }
}

fn add(name: &str, ty: Kind, nullable: bool, fill: Option<Literal>) -> SchemaStep {
    SchemaStep::AddColumn { table: "review".to_owned(), column: spec(name, ty, nullable), fill, references: None }
}

#[test]
fn a_table_has_every_type() {
    insta::assert_snapshot!(both(&create()), @r#"
    -- sqlite
    CREATE TABLE "review" (
      "_id" TEXT NOT NULL,
      "flag" BOOLEAN NOT NULL DEFAULT FALSE,
      "number" BIGINT NOT NULL DEFAULT 0,
      "rate" DOUBLE NOT NULL DEFAULT 0.0,
      "title" TEXT NOT NULL DEFAULT '',
      "data" BLOB NOT NULL DEFAULT x'',
      "time" BIGINT,
      "lines" TEXT,
      "product" TEXT,
      CONSTRAINT "review_pkey" PRIMARY KEY ("_id"),
      CONSTRAINT "review_product_fkey" FOREIGN KEY ("product") REFERENCES "product" ("_id")
    )
    -- postgres
    CREATE TABLE "review" (
      "_id" TEXT COLLATE "C" NOT NULL,
      "flag" BOOLEAN NOT NULL DEFAULT FALSE,
      "number" BIGINT NOT NULL DEFAULT 0,
      "rate" DOUBLE PRECISION NOT NULL DEFAULT 0.0,
      "title" TEXT COLLATE "C" NOT NULL DEFAULT '',
      "data" BYTEA NOT NULL DEFAULT '\x'::bytea,
      "time" TIMESTAMPTZ,
      "lines" JSONB,
      "product" TEXT COLLATE "C",
      CONSTRAINT "review_pkey" PRIMARY KEY ("_id")
    )
    "#);
    insta::assert_snapshot!(both(&SchemaStep::AddForeignKey { table: "review".to_owned(), key: key() }), @r#"
    -- sqlite

    -- postgres
    ALTER TABLE "review" ADD CONSTRAINT "review_product_fkey" FOREIGN KEY ("product") REFERENCES "product" ("_id")
    "#);
}

#[test]
fn an_index_says_where_the_unset_ones_stand_and_leaves_zeroes_out_where_unique() {
    insta::assert_snapshot!(both(&index(false, false)), @r#"
    -- sqlite
    CREATE INDEX "review_title_time_idx" ON "review" ("title", "time" DESC, "_id" DESC)
    -- postgres
    CREATE INDEX "review_title_time_idx" ON "review" ("title", "time" DESC NULLS LAST, "_id" DESC)
    "#);
    insta::assert_snapshot!(both(&index(true, true)), @r#"
    -- sqlite
    DROP INDEX IF EXISTS "review_title_time_idx";
    CREATE UNIQUE INDEX "review_title_time_idx" ON "review" ("title", "time" DESC, "_id" DESC) WHERE "title" <> ''
    -- postgres
    DROP INDEX CONCURRENTLY IF EXISTS "review_title_time_idx";
    CREATE UNIQUE INDEX CONCURRENTLY "review_title_time_idx" ON "review" ("title", "time" DESC NULLS LAST, "_id" DESC) WHERE "title" <> ''
    "#);
}

#[test]
fn an_index_is_dropped_without_blocking() {
    let step =
        SchemaStep::DropIndex { name: "i".to_owned(), table: "review".to_owned(), spans: false, concurrently: true };
    insta::assert_snapshot!(both(&step), @r#"
    -- sqlite
    DROP INDEX IF EXISTS "i"
    -- postgres
    DROP INDEX CONCURRENTLY IF EXISTS "i"
    "#);
}

#[test]
fn names_change() {
    let table = SchemaStep::RenameTable { from: "review".to_owned(), to: "opinion".to_owned() };
    insta::assert_snapshot!(both(&table), @r#"ALTER TABLE "review" RENAME TO "opinion""#);
    let column =
        SchemaStep::RenameColumn { table: "order".to_owned(), from: "a\"b".to_owned(), to: "select".to_owned() };
    insta::assert_snapshot!(both(&column), @r#"ALTER TABLE "order" RENAME COLUMN "a""b" TO "select""#);
}

#[test]
fn a_new_column_fills_the_rows_that_stand() {
    insta::assert_snapshot!(both(&add("note", Kind::Text, false, None)), @r#"
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "note" TEXT NOT NULL DEFAULT ''
    -- postgres
    ALTER TABLE "review" ADD COLUMN "note" TEXT COLLATE "C" NOT NULL DEFAULT ''
    "#);
    insta::assert_snapshot!(both(&add("state", Kind::Int, false, Some(Literal::Int(1)))), @r#"
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "state" BIGINT NOT NULL DEFAULT 1
    -- postgres
    ALTER TABLE "review" ADD COLUMN "state" BIGINT NOT NULL DEFAULT 1;
    ALTER TABLE "review" ALTER COLUMN "state" SET DEFAULT 0
    "#);
    insta::assert_snapshot!(both(&add("who", Kind::Text, true, Some(Literal::Text("it's".to_owned())))), @r#"
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "who" TEXT DEFAULT 'it''s'
    -- postgres
    ALTER TABLE "review" ADD COLUMN "who" TEXT COLLATE "C" DEFAULT 'it''s';
    ALTER TABLE "review" ALTER COLUMN "who" DROP DEFAULT
    "#);
    insta::assert_snapshot!(both(&add("at", Kind::Timestamp, true, Some(Literal::Now))), @r#"
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "at" BIGINT;
    UPDATE "review" SET "at" = CAST(unixepoch('subsec') * 1000000 AS INTEGER)
    -- postgres
    ALTER TABLE "review" ADD COLUMN "at" TIMESTAMPTZ DEFAULT now();
    ALTER TABLE "review" ALTER COLUMN "at" DROP DEFAULT
    "#);
    let reference = SchemaStep::AddColumn {
        table: "review".to_owned(),
        column: spec("product", Kind::Text, true),
        fill: None,
        references: Some(key()),
    };
    insta::assert_snapshot!(both(&reference), @r#"
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "product" TEXT REFERENCES "product" ("_id")
    -- postgres
    ALTER TABLE "review" ADD COLUMN "product" TEXT COLLATE "C"
    "#);
}

#[test]
fn constants_are_written_exactly() {
    let literals = [
        Literal::Bool(true),
        Literal::Int(i64::MIN),
        Literal::Double(0.1),
        Literal::Double(f64::INFINITY),
        Literal::Double(1e300),
        Literal::Bytes(vec![0, 255]),
        Literal::Timestamp(-1),
        Literal::Json("[\"it's\"]".to_owned()),
    ];
    let ty = Kind::Text;
    let all = literals.map(|literal| both(&add("c", ty, true, Some(literal)))).join("\n");
    insta::assert_snapshot!(all, @r#"
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "c" TEXT DEFAULT TRUE
    -- postgres
    ALTER TABLE "review" ADD COLUMN "c" TEXT COLLATE "C" DEFAULT TRUE;
    ALTER TABLE "review" ALTER COLUMN "c" DROP DEFAULT
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "c" TEXT DEFAULT -9223372036854775808
    -- postgres
    ALTER TABLE "review" ADD COLUMN "c" TEXT COLLATE "C" DEFAULT -9223372036854775808;
    ALTER TABLE "review" ALTER COLUMN "c" DROP DEFAULT
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "c" TEXT DEFAULT 0.1
    -- postgres
    ALTER TABLE "review" ADD COLUMN "c" TEXT COLLATE "C" DEFAULT 0.1;
    ALTER TABLE "review" ALTER COLUMN "c" DROP DEFAULT
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "c" TEXT DEFAULT 9e999
    -- postgres
    ALTER TABLE "review" ADD COLUMN "c" TEXT COLLATE "C" DEFAULT 'inf'::double precision;
    ALTER TABLE "review" ALTER COLUMN "c" DROP DEFAULT
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "c" TEXT DEFAULT 1e300
    -- postgres
    ALTER TABLE "review" ADD COLUMN "c" TEXT COLLATE "C" DEFAULT 1e300;
    ALTER TABLE "review" ALTER COLUMN "c" DROP DEFAULT
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "c" TEXT DEFAULT x'00ff'
    -- postgres
    ALTER TABLE "review" ADD COLUMN "c" TEXT COLLATE "C" DEFAULT '\x00ff'::bytea;
    ALTER TABLE "review" ALTER COLUMN "c" DROP DEFAULT
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "c" TEXT DEFAULT -1
    -- postgres
    ALTER TABLE "review" ADD COLUMN "c" TEXT COLLATE "C" DEFAULT '1969-12-31T23:59:59.999999Z'::timestamptz;
    ALTER TABLE "review" ALTER COLUMN "c" DROP DEFAULT
    -- sqlite
    ALTER TABLE "review" ADD COLUMN "c" TEXT DEFAULT '["it''s"]'
    -- postgres
    ALTER TABLE "review" ADD COLUMN "c" TEXT COLLATE "C" DEFAULT '["it''s"]'::jsonb;
    ALTER TABLE "review" ALTER COLUMN "c" DROP DEFAULT
    "#);
}

#[test]
fn sqlite_takes_every_step_and_an_unset_value_never_conflicts() {
    let mut conn = sqlite();
    let dialect = Dialect::Sqlite;
    run(&mut conn, &["CREATE TABLE product (_id TEXT PRIMARY KEY)".to_owned()]);
    for step in [
        create(),
        index(true, true),
        add("state", Kind::Int, false, Some(Literal::Int(7))),
        add("low", Kind::Int, false, Some(Literal::Int(i64::MIN))),
        add("blob", Kind::Bytes, false, Some(Literal::Bytes(vec![1]))),
    ] {
        run(&mut conn, &schema_sql(dialect, &step));
    }
    let insert = |id: &str, title: &str| format!("INSERT INTO review (_id, title, time) VALUES ('{id}', '{title}', 1)");
    run(&mut conn, &[insert("a", ""), insert("b", ""), insert("c", "x")]);
    run(&mut conn, &schema_sql(dialect, &add("at", Kind::Timestamp, true, Some(Literal::Now))));
    let filled = count(&mut conn, "SELECT COUNT(*) FROM review WHERE at > 1600000000000000 AND state = 7");
    assert_eq!(filled, 3);
    assert_eq!(
        count(&mut conn, "SELECT COUNT(*) FROM review WHERE low = -9223372036854775808 AND typeof(low) = 'integer'"),
        3
    );
}

#[test]
fn an_index_has_the_rows_that_are_deleted_or_those_that_are_not() {
    let only = |set, unique| match index(unique, false) {
        SchemaStep::CreateIndex { name, table, columns, concurrently, .. } => {
            let only = Some(OnlyRows { column: "delete_time".to_owned(), set });
            SchemaStep::CreateIndex { name, table, columns, unique, only, condition: None, span: None, concurrently }
        }
        other => panic!("{other:?}"),
    };
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let ends = |step: &SchemaStep, end: &str| {
            let [text] = &schema_sql(dialect, step)[..] else { panic!("one statement") };
            assert!(text.ends_with(end), "{text}");
        };
        ends(&only(false, true), r#" WHERE "delete_time" IS NULL AND "title" <> ''"#);
        ends(&only(false, false), r#" WHERE "delete_time" IS NULL"#);
        ends(&only(true, false), r#" WHERE "delete_time" IS NOT NULL"#);
    }
    assert!(only(false, true).to_string().ends_with(") where delete_time is unset"), "{}", only(false, true));
}

#[test]
fn lists_and_whoever_purges_find_their_rows_by_such_an_index() {
    let mut conn = sqlite();
    run(
        &mut conn,
        &["CREATE TABLE product (_id TEXT PRIMARY KEY, title TEXT NOT NULL, delete_time BIGINT)".to_owned()],
    );
    for (name, columns, set) in [("live", ["title", "_id"], false), ("gone", ["delete_time", "_id"], true)] {
        let column = |name: &str| IndexColumn {
            name: name.to_owned(),
            descending: false,
            nullable: name == "delete_time",
            unset_zero: None,
            ..IndexColumn::default()
        };
        let index = SchemaStep::CreateIndex {
            name: name.to_owned(),
            table: "product".to_owned(),
            columns: columns.map(column).to_vec(),
            unique: false,
            only: Some(OnlyRows { column: "delete_time".to_owned(), set }),
            condition: None,
            span: None,
            concurrently: false,
        };
        run(&mut conn, &schema_sql(Dialect::Sqlite, &index));
    }
    for (condition, order, index) in [
        (r#"t."delete_time" IS NULL"#, r#"t."title", t."_id""#, "live"),
        (r#"(t."delete_time" <= ?1)"#, r#"t."delete_time", t."_id""#, "gone"),
    ] {
        let plan =
            explain(&mut conn, &format!("SELECT * FROM product AS t WHERE {condition} ORDER BY {order} LIMIT 20"));
        assert!(plan.contains(&format!("INDEX {index}")) && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[test]
fn a_name_becomes_its_key_and_a_key_its_name() {
    let from_name = SchemaStep::ReplaceColumns {
        table: "review".to_owned(),
        gone: vec!["product".to_owned()],
        made: vec![MadeColumn {
            column: spec("product", Kind::Text, true),
            from: MadeFrom::Variable { column: "product".to_owned(), position: 0 },
        }],
    };
    insta::assert_snapshot!(both(&from_name));
    let from_key = |listed, kind, nullable| SchemaStep::ReplaceColumns {
        table: "review".to_owned(),
        gone: vec!["item".to_owned(), "part".to_owned()],
        made: vec![MadeColumn {
            column: spec("part", kind, nullable),
            from: MadeFrom::Key {
                columns: vec!["item".to_owned(), "part".to_owned()],
                words: ["items/", "/parts/"].map(str::to_owned).to_vec(),
                listed,
            },
        }],
    };
    insta::assert_snapshot!(both(&from_key(false, Kind::Text, false)));
    insta::assert_snapshot!(both(&from_key(true, Kind::Json, true)));
}

/// The step that makes the sample's table anew without its reference.
fn remade() -> SchemaStep {
    let SchemaStep::CreateTable { table, columns, primary_key, .. } = create() else { panic!("a table") };
    SchemaStep::RemakeTable { table, columns, primary_key, foreign_keys: Vec::new(), indexes: vec![index(true, false)] }
}

fn one(link: &mut diesel::sqlite::SqliteConnection, sql: &str) {
    run(link, &[sql.to_owned()]);
}

#[test]
fn a_table_is_made_anew_with_its_rows_and_indexes_and_without_its_reference() {
    let mut link = sqlite();
    let statements = schema_sql(Dialect::Sqlite, &remade());
    assert!(schema_sql(Dialect::Postgres, &remade()).is_empty(), "there references come and go by themselves");
    one(&mut link, "CREATE TABLE product (_id TEXT PRIMARY KEY)");
    for step in [create(), index(true, false)] {
        run(&mut link, &schema_sql(Dialect::Sqlite, &step));
    }
    one(
        &mut link,
        "INSERT INTO product VALUES ('p'); INSERT INTO review (_id, title, product, rate) VALUES ('a', 'x', 'p', 0.1), ('b', '', NULL, 2)",
    );
    let same = same_rows(&remade()).expect("a question");
    run(&mut link, &statements[..2]);
    assert_eq!(count(&mut link, &same), 1);
    one(&mut link, "UPDATE _remade_review SET product = 'q' WHERE _id = 'a'");
    assert_eq!(count(&mut link, &same), 0, "a value that differs is seen");
    one(
        &mut link,
        "UPDATE _remade_review SET product = 'p' WHERE _id = 'a'; DELETE FROM _remade_review WHERE _id = 'b'",
    );
    assert_eq!(count(&mut link, &same), 0, "a row that is missing is seen");
    one(&mut link, "INSERT INTO _remade_review SELECT * FROM review WHERE _id = 'b'");
    run(&mut link, &statements[2..]);
    assert_eq!(count(&mut link, "SELECT COUNT(*) FROM review"), 2);
    assert_eq!(count(&mut link, "SELECT COUNT(*) FROM pragma_foreign_key_list('review')"), 0);
    assert_eq!(
        count(&mut link, "SELECT COUNT(*) FROM pragma_index_list('review') WHERE name = 'review_title_time_idx'"),
        1
    );
}
