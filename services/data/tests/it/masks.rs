//! Update masks (AIP-134, AIP-161), field behaviour (AIP-203) and read masks (AIP-157).

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::{Value as Json, json};

use crate::contracts::{library, notes};
use crate::support::{Caller, Fixture};

const CREATE: &str = "lib.v1.BookService/CreateBook";
const UPDATE: &str = "lib.v1.BookService/UpdateBook";
const GET: &str = "lib.v1.BookService/GetBook";
const LIST: &str = "lib.v1.BookService/ListBooks";
const NOTE: &str = "note.v1.NoteService/CreateNote";
const NOTES: &str = "note.v1.NoteService/ListNotes";
const NAME: &str = "publishers/p/books/b";

async fn with_a_book(engine: mainstay_testkit::Engine) -> (Fixture, Json) {
    let fixture = Fixture::start(engine, &library()).await;
    let publisher = json!({"publisher_id": "p", "publisher": {"title": "P", "open": true}});
    fixture.user("ann", &[]).ok("lib.v1.PublisherService/CreatePublisher", publisher).await;
    let book = json!({
        "title": "T", "isbn": "1", "year": 1999, "pages": 10, "tags": ["a", "b"], "origin": "print",
        "author": {"family": "F", "given": "G", "home": {"city": "C", "street": "S"}, "titles": ["Dr"]},
        "labels": {"k": "v"}, "status": "DRAFT", "distributor": "publishers/p",
    });
    let request = json!({"parent": "publishers/p", "book_id": "b", "book": book});
    let made = fixture.user("stan", &["staff"]).ok(CREATE, request).await;
    (fixture, made)
}

fn staff(fixture: &Fixture) -> Caller<'_> {
    fixture.user("stan", &["staff"])
}

/// What the server sets, and what every update changes, taken away.
fn content(book: &Json) -> Json {
    let mut book = book.clone();
    for field in ["etag", "update_time"] {
        book.as_object_mut().unwrap().remove(field);
    }
    book
}

both_engines! {
    async fn without_a_mask_the_populated_fields_change(engine: Engine) {
        let (fixture, made) = with_a_book(engine).await;
        let changed = staff(&fixture).ok(UPDATE, json!({"book": {"name": NAME, "title": "New", "pages": 0}})).await;
        let mut expected = content(&made);
        expected["title"] = json!("New");
        expected["pages"] = json!(0);
        assert_eq!(content(&changed), expected);
    }

    async fn a_star_replaces_everything_that_a_client_may_set(engine: Engine) {
        let (fixture, made) = with_a_book(engine).await;
        let book = json!({"name": NAME, "title": "New", "origin": "print"});
        let changed = staff(&fixture).ok(UPDATE, json!({"book": book, "update_mask": "*"})).await;
        let expected = json!({
            "name": NAME, "title": "New", "origin": "print", "create_time": made["create_time"], "uid": made["uid"],
        });
        assert_eq!(content(&changed), expected);
    }

    async fn a_mask_changes_what_it_names_and_unsets_what_the_body_leaves_out(engine: Engine) {
        let (fixture, made) = with_a_book(engine).await;
        let book = json!({"name": NAME, "title": "New", "year": 2000});
        let request = json!({"book": book, "update_mask": "title,pages,tags,author.home"});
        let changed = staff(&fixture).ok(UPDATE, request).await;
        let mut expected = content(&made);
        expected["title"] = json!("New");
        for field in ["pages", "tags"] {
            expected.as_object_mut().unwrap().remove(field);
        }
        expected["author"].as_object_mut().unwrap().remove("home");
        assert_eq!(content(&changed), expected, "`year` is not in the mask");
    }

    async fn a_nested_path_changes_one_field_of_a_message(engine: Engine) {
        let (fixture, made) = with_a_book(engine).await;
        let book = json!({"name": NAME, "author": {"home": {"city": "Rome"}}});
        let changed = staff(&fixture).ok(UPDATE, json!({"book": book, "updateMask": "author.home.city"})).await;
        let mut expected = content(&made);
        expected["author"]["home"]["city"] = json!("Rome");
        assert_eq!(content(&changed), expected);
        let unset = json!({"book": {"name": NAME}, "updateMask": "author"});
        let changed = staff(&fixture).ok(UPDATE, unset).await;
        assert!(changed.get("author").is_none());
        let book = json!({"name": NAME, "author": {"home": {"city": "Bonn"}}});
        let changed = staff(&fixture).ok(UPDATE, json!({"book": book, "updateMask": "author.home.city"})).await;
        assert_eq!(changed["author"], json!({"home": {"city": "Bonn"}}), "the messages around it come into being");
    }

    async fn a_former_name_is_accepted_in_a_mask(engine: Engine) {
        let (fixture, _) = with_a_book(engine).await;
        let book = json!({"name": NAME, "title": "New", "author": {"home": {"city": "Rome"}}});
        let changed = staff(&fixture).ok(UPDATE, json!({"book": book, "update_mask": "headline,author.home.town"})).await;
        assert_eq!((&changed["title"], &changed["author"]["home"]["city"]), (&json!("New"), &json!("Rome")));
        let filter = json!({"parent": "publishers/p", "filter": "author.home.town = Rome", "order_by": "author.home.town"});
        assert_eq!(staff(&fixture).ok(LIST, filter).await["books"].as_array().unwrap().len(), 1);
    }

    async fn paths_that_cannot_be_are_refused_by_name(engine: Engine) {
        let (fixture, made) = with_a_book(engine).await;
        for path in ["no_such", "author.no_such", "tags.a", "author.titles.x", "title.x", "labels.k.v", "", "a..b", "."] {
            let pool = fixture.pool();
            let input = pool.get_message_by_name("lib.v1.UpdateBookRequest").unwrap();
            // A mask's JSON form has no place for such paths: they are put together by hand.
            let mut message = prost_reflect::DynamicMessage::new(input);
            let mut book = prost_reflect::DynamicMessage::new(pool.get_message_by_name("lib.v1.Book").unwrap());
            book.set_field_by_name("name", prost_reflect::Value::String(NAME.to_owned()));
            let mask_type = pool.get_message_by_name("google.protobuf.FieldMask").unwrap();
            let mut mask = prost_reflect::DynamicMessage::new(mask_type);
            let paths = vec![prost_reflect::Value::String(path.to_owned())];
            mask.set_field_by_name("paths", prost_reflect::Value::List(paths));
            message.set_field_by_name("book", prost_reflect::Value::Message(book));
            message.set_field_by_name("update_mask", prost_reflect::Value::Message(mask));
            let bytes = prost::Message::encode_to_vec(&message);
            let fault = staff(&fixture).raw(UPDATE, bytes).await.unwrap_err();
            assert_eq!(fault.reason(), Some(Reason::InvalidMask), "{path:?}: {fault:?}");
            assert_eq!(fault.violations()[0].field, "update_mask", "{path:?}");
        }
        assert_eq!(staff(&fixture).ok(GET, json!({"name": NAME})).await, made);
    }

    async fn output_only_fields_in_a_mask_are_ignored(engine: Engine) {
        let (fixture, made) = with_a_book(engine).await;
        let book = json!({"name": NAME, "title": "New", "stamp": "mine", "uid": "mine", "create_time": "2001-01-01T00:00:00Z"});
        let request = json!({"book": book, "update_mask": "title,stamp,uid,createTime,updateTime"});
        let changed = staff(&fixture).ok(UPDATE, request).await;
        let mut expected = content(&made);
        expected["title"] = json!("New");
        assert_eq!(content(&changed), expected);
    }

    async fn the_name_and_the_etag_in_a_mask_are_ignored(engine: Engine) {
        let (fixture, made) = with_a_book(engine).await;
        let book = json!({"name": NAME, "title": "New", "etag": made["etag"]});
        let changed = staff(&fixture).ok(UPDATE, json!({"book": book, "update_mask": "name,etag,title"})).await;
        assert_eq!((&changed["name"], &changed["title"]), (&json!(NAME), &json!("New")));
    }

    async fn an_immutable_field_keeps_its_value(engine: Engine) {
        let (fixture, _) = with_a_book(engine).await;
        let change = json!({"book": {"name": NAME, "origin": "web"}, "update_mask": "origin"});
        let refused = staff(&fixture).refused(UPDATE, change).await;
        assert_eq!(refused, (Reason::ImmutableField, vec!["book.origin".to_owned()]));
        let star = json!({"book": {"name": NAME, "title": "New"}, "update_mask": "*"});
        assert_eq!(staff(&fixture).refused(UPDATE, star).await.0, Reason::ImmutableField, "unset is a change too");
        let same = json!({"book": {"name": NAME, "origin": "print", "title": "New"}});
        staff(&fixture).ok(UPDATE, same).await;
    }

    async fn a_required_field_cannot_be_left_out_or_taken_away(engine: Engine) {
        let (fixture, _) = with_a_book(engine).await;
        let create = json!({"parent": "publishers/p", "book": {"year": 4000, "tags": ["1", "2", "3", "4", "5", "6"]}});
        let (reason, mut fields) = staff(&fixture).refused(CREATE, create).await;
        fields.sort();
        assert_eq!((reason, fields), (Reason::FieldViolation, ["book.tags", "book.title", "book.year"].map(String::from).to_vec()));
        let update = json!({"book": {"name": NAME}, "update_mask": "title"});
        let refused = staff(&fixture).refused(UPDATE, update).await;
        assert_eq!(refused, (Reason::FieldViolation, vec!["book.title".to_owned()]));
    }

    async fn a_missing_row_can_be_made_by_an_update_that_allows_it(engine: Engine) {
        let (fixture, _) = with_a_book(engine).await;
        let name = "publishers/p/books/new";
        let request = json!({"book": {"name": name, "title": "New"}, "update_mask": "title"});
        assert_eq!(staff(&fixture).refused(UPDATE, request.clone()).await.0, Reason::ResourceNotFound);
        let mut request = request;
        request["allow_missing"] = json!(true);
        let made = staff(&fixture).ok(UPDATE, request.clone()).await;
        assert_eq!((&made["name"], &made["title"]), (&json!(name), &json!("New")));
        let again = staff(&fixture).ok(UPDATE, request.clone()).await;
        assert_eq!(again["create_time"], made["create_time"], "the second time it is an update");
        request["book"]["name"] = json!("publishers/none/books/new");
        assert_eq!(staff(&fixture).refused(UPDATE, request.clone()).await.0, Reason::ReferenceNotFound);
        request["book"]["name"] = json!("publishers/p/books/No-Id");
        assert_eq!(staff(&fixture).refused(UPDATE, request).await.0, Reason::InvalidName);
    }

    async fn a_read_mask_gives_a_part_of_what_was_written(engine: Engine) {
        let (fixture, _) = with_a_book(engine).await;
        let writer = staff(&fixture).with_read_mask("name,title");
        let book = json!({"title": "New", "year": 1, "tags": ["a"]});
        let create = json!({"parent": "publishers/p", "book_id": "c", "book": book, "request_id": "r"});
        let part = json!({"name": "publishers/p/books/c", "title": "New"});
        assert_eq!(writer.ok(CREATE, create.clone()).await, part);
        assert_eq!(writer.ok(CREATE, create.clone()).await, part, "replayed");
        let whole = staff(&fixture).ok(GET, json!({"name": "publishers/p/books/c"})).await;
        assert_eq!(staff(&fixture).ok(CREATE, create.clone()).await, whole, "what is remembered is whole");
        let etag = staff(&fixture).with_read_mask("etag,uid").ok(CREATE, create).await;
        assert_eq!(etag, json!({"etag": whole["etag"], "uid": whole["uid"]}));
        let update = json!({"book": {"name": NAME, "title": "Newer"}, "update_mask": "title"});
        assert_eq!(writer.ok(UPDATE, update.clone()).await, json!({"name": NAME, "title": "Newer"}));
        let wrong = staff(&fixture).with_read_mask("no_such");
        assert_eq!(wrong.refused(UPDATE, update.clone()).await.0, Reason::InvalidMask);
        let nobody = fixture.anonymous().with_read_mask("no_such");
        assert_eq!(nobody.refused(UPDATE, update).await.0, Reason::Unauthenticated, "permission comes first");
    }

    async fn a_read_mask_gives_a_part(engine: Engine) {
        let (fixture, _) = with_a_book(engine).await;
        let reader = fixture.anonymous().with_read_mask("title,author.home.city");
        let part = json!({"title": "T", "author": {"home": {"city": "C"}}});
        assert_eq!(reader.ok(GET, json!({"name": NAME})).await, part);
        let lister = fixture.anonymous().with_read_mask("books.title,books.author.home.city");
        assert_eq!(lister.ok(LIST, json!({"parent": "publishers/p"})).await, json!({"books": [part]}));
        let wrong = fixture.anonymous().with_read_mask("no_such");
        assert_eq!(wrong.refused(GET, json!({"name": NAME})).await.0, Reason::InvalidMask);
    }

    async fn a_list_answers_its_token_whatever_part_is_wanted(engine: Engine) {
        let (fixture, _) = with_a_book(engine).await;
        let second = json!({"parent": "publishers/p", "book_id": "c", "book": {"title": "U"}});
        staff(&fixture).ok(CREATE, second).await;
        let page = async |mask: &str| {
            let request = json!({"parent": "publishers/p", "page_size": 1});
            let mut page = fixture.anonymous().with_read_mask(mask).ok(LIST, request).await;
            let token = page.as_object_mut().unwrap().remove("next_page_token");
            assert!(token.is_some(), "{mask}: {page}");
            page
        };
        let part = json!({"books": [{"title": "T"}]});
        for mask in ["books.title", " books.title ,", "books.headline,nextPageToken", "books.title,next_page_token"] {
            assert_eq!(page(mask).await, part, "{mask:?}");
        }
        let whole = page("").await;
        for mask in ["*", "books", "books.title,books", "books.title,*", "books.*", ",", "next_page_token,books"] {
            assert_eq!(page(mask).await, whole, "{mask:?}");
        }
        assert_eq!(page("next_page_token").await, json!({}), "the rows are not wanted");
        for mask in ["title", "books.no_such", "books.title,colour", "next_page_token.x", "book"] {
            let wrong = fixture.anonymous().with_read_mask(mask);
            let refused = wrong.refused(LIST, json!({"parent": "publishers/p"})).await;
            assert_eq!(refused, (Reason::InvalidMask, vec!["$fields".to_owned()]), "{mask}");
        }
    }

    async fn a_page_of_parts_is_as_long_as_the_parts_allow(engine: Engine) {
        let fixture = Fixture::start(engine, &notes("string title = 2; string body = 3;")).await;
        for n in 0..5 {
            let note = json!({"title": n.to_string(), "body": "b".repeat(1 << 20)});
            fixture.anonymous().ok(NOTE, json!({"note": note})).await;
        }
        let whole = fixture.anonymous().ok(NOTES, json!({})).await;
        assert!(whole["notes"].as_array().unwrap().len() < 5, "whole rows fill a page");
        let titles = fixture.anonymous().with_read_mask("notes.title").ok(NOTES, json!({})).await;
        assert_eq!((titles["notes"].as_array().unwrap().len(), titles.get("next_page_token")), (5, None));
    }
}
