//! Filling an empty store from a file.

use mainstay_data::seed::{SeedError, seed};
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::{file, library};
use crate::support::Fixture;

const PUBLISHER: &str = "lib.v1.Publisher";
const BOOK: &str = "lib.v1.Book";

/// A list that names things, in messages, in a map and by itself, and a thing.
const LISTS: &str = r#"
message All {
  option (google.api.resource) = {type: "lists.example.com/All" pattern: "alls/{all}"};
  option (mainstay.v1.resource) = {access {read: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  repeated string things = 2 [(google.api.resource_reference).type = "lists.example.com/Thing"];
  repeated Line lines = 3;
  map<string, Line> by_word = 4;
  message Line { string other = 1 [(google.api.resource_reference).type = "lists.example.com/Other"]; }
}
message Other {
  option (google.api.resource) = {type: "lists.example.com/Other" pattern: "things/{thing}/others/{other}"};
  option (mainstay.v1.resource) = {access {read: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Thing {
  option (google.api.resource) = {type: "lists.example.com/Thing" pattern: "things/{thing}"};
  option (mainstay.v1.resource) = {access {read: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
"#;

async fn run(fixture: &Fixture, text: &str) -> Result<usize, SeedError> {
    seed(fixture.data.resources(), text).await
}

both_engines! {
    async fn a_seed_fills_empty_tables_once(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let text = json!({
            PUBLISHER: [{"name": "publishers/p", "title": "P", "open": true, "owner": "ann"}, {"title": "No name"}],
            BOOK: [{"name": "publishers/p/books/b", "headline": "B", "sequel_of": ""}],
        });
        assert_eq!(run(&fixture, &text.to_string()).await.unwrap(), 3);
        assert_eq!(run(&fixture, &text.to_string()).await.unwrap(), 0, "a second run does nothing");
        let read = fixture.anonymous().ok("lib.v1.BookService/GetBook", json!({"name": "publishers/p/books/b"})).await;
        assert_eq!(read["title"], "B", "also under the former name");
        let ann = fixture.user("ann", &[]).ok("lib.v1.PublisherService/GetPublisher", json!({"name": "publishers/p"})).await;
        assert_eq!(ann["owner"], "ann");
    }

    async fn what_lists_and_maps_refer_to_is_made_first(engine: Engine) {
        for all in [
            json!({"name": "alls/a", "things": ["things/t"]}),
            json!({"name": "alls/a", "lines": [{"other": "things/t/others/o"}]}),
            json!({"name": "alls/a", "by_word": {"one": {"other": "things/t/others/o"}}}),
        ] {
            let fixture = Fixture::start(engine, &file("lists.v1", LISTS)).await;
            let text = json!({
                "lists.v1.All": [all],
                "lists.v1.Other": [{"name": "things/t/others/o"}],
                "lists.v1.Thing": [{"name": "things/t"}],
            });
            assert_eq!(run(&fixture, &text.to_string()).await.unwrap(), 3);
        }
    }

    async fn a_seed_that_failed_goes_on_where_a_table_is_empty(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let publishers = json!([{"name": "publishers/p", "title": "P", "open": true}]);
        let wrong = json!({PUBLISHER: publishers, BOOK: [{"name": "publishers/p/books/b"}]});
        let error = run(&fixture, &wrong.to_string()).await.unwrap_err();
        assert!(error.to_string().contains("lib.v1.Book number 1"), "{error}");
        let right = json!({PUBLISHER: publishers, BOOK: [{"name": "publishers/p/books/b", "title": "B"}]});
        assert_eq!(run(&fixture, &right.to_string()).await.unwrap(), 1);
    }

    async fn what_is_wrong_with_a_seed_names_the_record(engine: Engine) {
        let fixture = Fixture::start(engine, &library()).await;
        let publishers = json!([{"name": "publishers/p", "title": "P"}]);
        for (text, wanted) in [
            ("nonsense".to_owned(), "not JSON"),
            (json!([]).to_string(), "not JSON"),
            (json!({"lib.v1.None": []}).to_string(), "lib.v1.Book"),
            (json!({PUBLISHER: [{"title": "P"}, {"title": 5}]}).to_string(), "lib.v1.Publisher number 2"),
            (json!({BOOK: [{"name": "books/b", "title": "B"}]}).to_string(), "publishers/{publisher}/books/{book}"),
            (json!({BOOK: [{"name": "publishers/none/books/b", "title": "B"}]}).to_string(), "lib.v1.Book number 1"),
            (json!({BOOK: [{"no_such": 1}]}).to_string(), "no_such"),
            (format!("{{\"{PUBLISHER}\": [], \"{PUBLISHER}\": {publishers}}}"), "twice"),
        ] {
            let error = run(&fixture, &text).await.unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            let said = format!("{error} {cause}");
            assert!(said.contains(wanted), "{text}: {said}");
        }
    }
}
