//! Filters and orders as a client meets them (AIP-132, AIP-160).

use mainstay_data::plans::{MAX_CACHED_SHAPES, MAX_LIST_PLANS};
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::{library, notes};
use crate::support::Fixture;

const CREATE: &str = "lib.v1.BookService/CreateBook";
const LIST: &str = "lib.v1.BookService/ListBooks";

async fn shelf(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &library()).await;
    let publisher = json!({"publisher_id": "p", "publisher": {"title": "P", "open": true}});
    fixture.user("ann", &[]).ok("lib.v1.PublisherService/CreatePublisher", publisher).await;
    let books = [
        (
            "a",
            json!({"title": "Alpha", "year": 1990, "tags": ["x", "y"], "author": {"family": "Ohm", "home": {"city": "Rome"}}}),
        ),
        ("b", json!({"title": "Beta", "year": 2000, "pages": 5, "status": "DRAFT", "labels": {"k": "v"}})),
        ("c", json!({"title": "it's \"quoted\" 100%_", "year": 2010, "pages": 7, "distributor": "publishers/p"})),
        ("d", json!({"title": "Ωμέγα", "isbn": "", "status": "PRINTED", "author": {}})),
    ];
    for (id, book) in books {
        let request = json!({"parent": "publishers/p", "book_id": id, "book": book});
        fixture.user("stan", &["staff"]).ok(CREATE, request).await;
    }
    fixture
}

fn ids(answer: &Json) -> String {
    let rows = answer["books"].as_array().into_iter().flatten();
    rows.map(|row| row["name"].as_str().unwrap().rsplit('/').next().unwrap()).collect()
}

both_engines! {
    async fn an_optional_number_that_is_unset_reads_as_zero(engine: Engine) {
        let fields = "optional int32 pages = 2; optional double weight = 3; optional uint64 sold = 4;";
        let fixture = Fixture::start(engine, &notes(fields)).await;
        let ann = fixture.user("ann", &[]);
        for (id, note) in [
            ("unset", json!({})), ("zero", json!({"pages": 0, "weight": 0, "sold": 0})), ("few", json!({"pages": 3, "weight": 3, "sold": 3})),
        ] {
            ann.ok("note.v1.NoteService/CreateNote", json!({"note_id": id, "note": note})).await;
        }
        for field in ["pages", "weight", "sold"] {
            for (filter, found) in [
                ("F = 0", "unset zero"), ("F < 3", "unset zero"), ("F > 0", "few"), ("F != 3", "unset zero"), ("NOT F = 0", "few"),
                ("F:*", "few zero"), ("F:* AND F < 3", "zero"), ("F = null", "unset"), ("NOT F:*", "unset"),
            ] {
                let filter = filter.replace('F', field);
                let list = ann.ok("note.v1.NoteService/ListNotes", json!({"filter": filter})).await;
                let mut names: Vec<&str> = list["notes"].as_array().into_iter().flatten()
                    .map(|note| note["name"].as_str().unwrap().trim_start_matches("notes/")).collect();
                names.sort_unstable();
                assert_eq!(names.join(" "), found, "{filter}");
            }
        }
    }

    async fn filters_find_what_they_say(engine: Engine) {
        let fixture = shelf(engine).await;
        for (filter, expected) in [
            ("", "abcd"),
            ("year = 1990", "a"),
            ("year >= 2000", "bc"),
            ("year != 1990", "bcd"),
            ("year > 1990 AND pages < 7", "b"),
            ("year = 1990 OR year = 2000", "ab"),
            ("NOT year = 1990", "bcd"),
            ("-year = 1990", "bcd"),
            ("year > 1980 title = \"Alpha\" OR title = \"Beta\"", "ab"),
            ("(year = 1990 OR year = 2000) AND title = \"Beta\"", "b"),
            ("title = \"Ωμέγα\"", "d"),
            ("title = \"it's \\\"quoted\\\" 100%_\"", "c"),
            ("title = \"100*\"", ""),
            ("tags:x", "a"),
            ("tags:none", ""),
            ("labels:k", "b"),
            ("labels.k = v", "b"),
            ("author.family = Ohm", "a"),
            ("author.home.city = \"Rome\"", "a"),
            ("author:*", "ad"),
            ("pages:*", "bc"),
            ("NOT pages:*", "ad"),
            ("isbn = \"\"", "abcd"),
            ("isbn = \"\" AND isbn:*", "d"),
            ("status = DRAFT", "b"),
            ("status != DRAFT", "acd"),
            ("distributor = \"publishers/p\"", "c"),
            ("name = \"publishers/p/books/b\"", "b"),
            ("headline = \"Beta\"", "b"),
            ("create_time > \"2000-01-01T00:00:00Z\"", "abcd"),
            ("create_time < \"2000-01-01T00:00:00Z\"", ""),
        ] {
            let answer = fixture.anonymous().call(LIST, json!({"parent": "publishers/-", "filter": filter})).await;
            let answer = answer.unwrap_or_else(|fault| panic!("{filter}: {fault:?}"));
            assert_eq!(ids(&answer), expected, "{filter}");
        }
    }

    async fn what_is_wrong_with_a_filter_is_said_with_its_column(engine: Engine) {
        let fixture = shelf(engine).await;
        for (filter, column) in [
            ("no_such = 1", "1"),
            ("year = 1 AND no_such = 1", "14"),
            ("author.no_such = 1", "8"),
            ("year = abc", "8"),
            ("status = NONE", "10"),
            ("year =", "7"),
            ("(year = 1", "1"),
            ("title = \"open", "9"),
            ("Ω = 1", "1"),
            ("title = \"Ω\" AND no_such = 1", "17"),
        ] {
            let fault = fixture.anonymous().fault(LIST, json!({"parent": "publishers/-", "filter": filter})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidFilter), "{filter}");
            assert_eq!(fault.metadata("column"), Some(column), "{filter}: {}", fault.text());
            assert_eq!(fault.violations()[0].field, "filter");
        }
        let deep = format!("{}year = 1{}", "(".repeat(500), ")".repeat(500));
        let long = vec!["year = 1"; 5000].join(" OR ");
        for filter in [deep, long] {
            let request = json!({"parent": "publishers/-", "filter": filter});
            assert_eq!(fixture.anonymous().refused(LIST, request).await.0, Reason::InvalidFilter);
        }
    }

    async fn orders_order_and_bad_ones_are_refused_with_their_column(engine: Engine) {
        let fixture = shelf(engine).await;
        for (order_by, expected) in [
            ("year", "dabc"), ("year desc", "cbad"), ("pages", "adbc"), ("pages desc, title", "cbad"), ("title", "abcd"),
            ("  year   desc ,  title ", "cbad"), ("author.home.city desc", "adcb"), ("headline desc", "dcba"),
            ("name desc", "dcba"), ("status, year", "acbd"),
        ] {
            let answer = fixture.anonymous().ok(LIST, json!({"parent": "publishers/p", "order_by": order_by})).await;
            assert_eq!(ids(&answer), expected, "{order_by}");
        }
        for (order_by, column) in [("no_such", "1"), ("year, no_such", "7"), ("year up", "6"), ("tags", "1"), ("year,", "6")] {
            let fault = fixture.anonymous().fault(LIST, json!({"parent": "publishers/p", "order_by": order_by})).await;
            assert_eq!(fault.reason(), Some(Reason::InvalidOrderBy), "{order_by}");
            assert_eq!(fault.metadata("column"), Some(column), "{order_by}: {}", fault.text());
        }
    }

    async fn fields_of_later_versions_say_that_they_are_not_supported_yet(engine: Engine) {
        let fixture = shelf(engine).await;
        let refused = fixture.anonymous().refused(LIST, json!({"parent": "publishers/p", "search": "a"})).await;
        assert_eq!(refused, (Reason::Unimplemented, vec!["search".to_owned()]));
    }

    async fn what_is_gone_when_it_is_deleted_cannot_be_listed(engine: Engine) {
        let fixture = shelf(engine).await;
        let refused = fixture.anonymous().refused(LIST, json!({"parent": "publishers/p", "show_deleted": true})).await;
        assert_eq!(refused, (Reason::FieldViolation, vec!["show_deleted".to_owned()]));
    }

    async fn lists_that_differ_in_their_literals_alone_share_one_prepared_statement(engine: Engine) {
        let fixture = shelf(engine).await;
        let snapshot = fixture.data.reconciler().served().load();
        let books = snapshot.resources().iter().find(|plan| plan.resource.plural == "books").unwrap();
        let filter = |n: usize, m: usize| format!(r#"year > {n} AND pages < {m} AND title != "{n}" AND isbn != "{m}""#);
        let list = async |filter: String| {
            fixture.anonymous().ok(LIST, json!({"parent": "publishers/p", "filter": filter})).await
        };
        list(filter(1, 2)).await;
        let before = books.shapes().admitted();
        for n in 1..600 {
            // Every seventh time the two literals are equal.
            list(filter(n, n + n % 7)).await;
        }
        assert_eq!(books.shapes().admitted(), before, "one statement for all");
        assert!(books.lists.kept() <= MAX_LIST_PLANS);
        list("year = 1".to_owned()).await;
        assert_eq!(books.shapes().admitted(), before + 1, "there is room for others");
    }

    async fn many_shapes_of_lists_do_not_grow_without_end(engine: Engine) {
        let fixture = shelf(engine).await;
        let snapshot = fixture.data.reconciler().served().load();
        for n in 1..MAX_CACHED_SHAPES + 60 {
            // Each is another text: the bits of the number say which comparisons are the other way round.
            let sign = |bit: usize| if n >> bit & 1 == 1 { ">" } else { "<" };
            let parts: Vec<_> = (0..10).map(|bit| format!("year {} {}", sign(bit), 5000 + bit)).collect();
            let filter = format!("year > 0 AND ({})", parts.join(" OR "));
            let request = json!({"parent": "publishers/p", "filter": filter});
            assert_eq!(ids(&fixture.anonymous().ok(LIST, request).await), "abc");
        }
        assert_eq!(snapshot.resource(0).shapes().admitted(), MAX_CACHED_SHAPES);
    }
}
