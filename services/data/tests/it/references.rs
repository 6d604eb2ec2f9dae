//! References between resources, and deleting what is referred to (AIP-135).

use mainstay_contract::Roles;
use mainstay_data::Error;
use mainstay_data::domain::constraints::first_dangling;
use mainstay_data::domain::context::Operation;
use mainstay_data::rights::Caller;
use mainstay_fault::{Fault, Reason};
use mainstay_record::Value;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::{file, library};
use crate::support::Fixture;

const CREATE_PUBLISHER: &str = "lib.v1.PublisherService/CreatePublisher";
const DELETE_PUBLISHER: &str = "lib.v1.PublisherService/DeletePublisher";
const CREATE: &str = "lib.v1.BookService/CreateBook";
const UPDATE: &str = "lib.v1.BookService/UpdateBook";
const DELETE: &str = "lib.v1.BookService/DeleteBook";

async fn with_publishers(engine: mainstay_testkit::Engine) -> Fixture {
    let fixture = Fixture::start(engine, &library()).await;
    let ann = fixture.user("ann", &[]);
    ann.ok(CREATE_PUBLISHER, json!({"publisher_id": "open", "publisher": {"title": "O", "open": true}})).await;
    ann.ok(CREATE_PUBLISHER, json!({"publisher_id": "hidden", "publisher": {"title": "H"}})).await;
    fixture
}

/// All that a client sees of a fault about `publishers/hidden` or `publishers/nobody`, as if they were one.
fn but_for_the_name(fault: &Fault) -> String {
    let metadata = ["field", "name"].map(|key| fault.metadata(key).map(str::to_owned));
    let seen = format!("{:?} {} {metadata:?} {:?}", fault.reason(), fault.text(), fault.violations());
    seen.replace("hidden", "nobody")
}

both_engines! {
    async fn a_missing_and_a_hidden_target_give_the_same_answer(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let staff = fixture.user("stan", &["staff"]);
        let fault = |target: &'static str| {
            let book = json!({"title": "A", "distributor": format!("publishers/{target}")});
            let staff = staff.clone();
            async move { staff.fault(CREATE, json!({"parent": "publishers/open", "book": book})).await }
        };
        let (missing, hidden) = (fault("nobody").await, fault("hidden").await);
        assert_eq!((missing.reason(), missing.code()), (Some(Reason::ReferenceNotFound), tonic::Code::NotFound));
        assert_eq!(missing.metadata("field"), Some("distributor"));
        assert_eq!(missing.metadata("name"), Some("publishers/nobody"));
        assert_eq!(but_for_the_name(&missing), but_for_the_name(&hidden));
        let parent = |target: &'static str| {
            let staff = staff.clone();
            async move { staff.fault(CREATE, json!({"parent": format!("publishers/{target}"), "book": {"title": "A"}})).await }
        };
        let missing = parent("nobody").await;
        assert_eq!((missing.code(), missing.metadata("name")), (tonic::Code::NotFound, Some("publishers/nobody")));
        assert_eq!(but_for_the_name(&missing), but_for_the_name(&parent("hidden").await));
        let change = |target: &'static str| {
            let book = json!({"name": "publishers/open/books/a", "distributor": format!("publishers/{target}")});
            let staff = staff.clone();
            async move { staff.fault(UPDATE, json!({"book": book, "update_mask": "distributor"})).await }
        };
        staff.ok(CREATE, json!({"parent": "publishers/open", "book_id": "a", "book": {"title": "A"}})).await;
        let missing = change("nobody").await;
        assert_eq!((missing.code(), missing.metadata("name")), (tonic::Code::NotFound, Some("publishers/nobody")));
        assert_eq!(but_for_the_name(&missing), but_for_the_name(&change("hidden").await));
        let upsert = |target: &'static str| {
            let book = json!({"name": format!("publishers/{target}/books/new"), "title": "N"});
            let staff = staff.clone();
            async move { staff.fault(UPDATE, json!({"book": book, "allow_missing": true})).await }
        };
        let missing = upsert("nobody").await;
        assert_eq!((missing.code(), missing.metadata("field")), (tonic::Code::NotFound, Some("parent")));
        assert_eq!(but_for_the_name(&missing), but_for_the_name(&upsert("hidden").await));
    }

    async fn a_broken_reference_names_its_own_field_whatever_the_columns_are_called(engine: Engine) {
        let fixture = Fixture::start(engine, &file("fk.v1", r#"
message Target {
  option (google.api.resource) = {type: "fk.example.com/Target" pattern: "targets/{target}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Link {
  option (google.api.resource) = {type: "fk.example.com/Link" pattern: "links/{link}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string the_to = 2 [(google.api.resource_reference).type = "fk.example.com/Target"];
  string to = 3 [(google.api.resource_reference).type = "fk.example.com/Target"];
  string from_to = 4 [(google.api.resource_reference).type = "fk.example.com/Target"];
}
"#)).await;
        let anyone = fixture.anonymous();
        anyone.ok("fk.v1.TargetService/CreateTarget", json!({"target_id": "there"})).await;
        let resources = fixture.data.resources();
        let snapshot = fixture.data.reconciler().served().load();
        let resource = snapshot.resources().iter().position(|plan| plan.resource.singular == "link").unwrap();
        let caller = Caller::new(anyone.principal(), 0, &Roles::default());
        let op = Operation { snapshot, resource, caller, deadline: None, peer: None, explains: false, read_mask: None, defects: None, remembered: false };
        for broken in ["the_to", "to", "from_to"] {
            let columns = op.plan().resource.layout.columns.iter();
            let record: Vec<Value> = columns.map(|column| match &*column.name {
                name if name == broken => Value::Text("gone".to_owned()),
                "the_to" | "to" | "from_to" => Value::Text("there".to_owned()),
                _ => Value::Null,
            }).collect();
            let source = mainstay_db::Error::Overloaded("any cause");
            let told = first_dangling(&resources.context, &op, &record, source).await.unwrap();
            let Error::ReferenceNotFound { field, name } = told else { panic!("{told:?}") };
            assert_eq!((field, name), (format!("link.{broken}"), "targets/gone".to_owned()));
        }
    }

    async fn a_reference_is_a_name_and_comes_back_as_one(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let staff = fixture.user("stan", &["staff"]);
        let first = json!({"title": "A", "distributor": "publishers/open"});
        staff.ok(CREATE, json!({"parent": "publishers/open", "book_id": "a", "book": first})).await;
        let second = json!({"title": "B", "sequel_of": "publishers/open/books/a"});
        let made = staff.ok(CREATE, json!({"parent": "publishers/open", "book_id": "b", "book": second})).await;
        assert_eq!(made["sequel_of"], "publishers/open/books/a");
        assert!(made.get("distributor").is_none(), "unset");
        for (field, name) in [("distributor", "open"), ("distributor", "books/open"), ("sequel_of", "publishers/open")] {
            let book = json!({"title": "C", field: name});
            let (reason, fields) = staff.refused(CREATE, json!({"parent": "publishers/open", "book": book})).await;
            assert_eq!((reason, fields), (Reason::FieldViolation, vec![format!("book.{field}")]), "{name}");
        }
        let unset = json!({"book": {"name": "publishers/open/books/b"}, "update_mask": "sequelOf"});
        assert!(staff.ok(UPDATE, unset).await.get("sequel_of").is_none());
    }

    async fn only_a_changed_reference_is_looked_up(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let hidden = json!({"title": "A", "distributor": "publishers/hidden"});
        let request = json!({"parent": "publishers/open", "book_id": "a", "book": hidden});
        fixture.user("ann", &["staff"]).ok(CREATE, request).await;
        let staff = fixture.user("stan", &["staff"]);
        let name = "publishers/open/books/a";
        staff.ok(UPDATE, json!({"book": {"name": name, "title": "B"}, "update_mask": "title"})).await;
        let same = json!({"book": {"name": name, "distributor": "publishers/hidden"}, "update_mask": "distributor"});
        staff.ok(UPDATE, same).await;
    }

    async fn what_is_referred_to_or_has_children_cannot_be_deleted(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        staff.ok(CREATE, json!({"parent": "publishers/open", "book_id": "a", "book": {"title": "A"}})).await;
        let sequel = json!({"title": "B", "sequel_of": "publishers/open/books/a"});
        staff.ok(CREATE, json!({"parent": "publishers/open", "book_id": "b", "book": sequel})).await;
        let fault = ann.fault(DELETE_PUBLISHER, json!({"name": "publishers/open"})).await;
        assert_eq!(fault.reason(), Some(Reason::StillReferenced));
        assert_eq!(fault.metadata("name"), Some("publishers/open"));
        let first = json!({"name": "publishers/open/books/a"});
        assert_eq!(staff.refused(DELETE, first.clone()).await.0, Reason::StillReferenced);
        let force = json!({"name": "publishers/open", "force": true});
        let fault = ann.fault(DELETE_PUBLISHER, force).await;
        assert_eq!(fault.reason(), Some(Reason::StillReferenced), "she may not delete the books");
        assert_eq!(fault.metadata("by"), Some("publishers/open/books/a"));
        staff.ok(DELETE, json!({"name": "publishers/open/books/b"})).await;
        staff.ok(DELETE, first).await;
        ann.ok(DELETE_PUBLISHER, json!({"name": "publishers/open"})).await;
    }

    async fn a_row_may_refer_to_one_that_is_deleted_at_the_same_time_only_if_it_stays(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        for round in 0..10 {
            let publisher = json!({"publisher_id": format!("r{round}"), "publisher": {"title": "R", "open": true}});
            ann.ok(CREATE_PUBLISHER, publisher).await;
            let name = format!("publishers/r{round}");
            let book = json!({"title": "A", "distributor": name});
            let (made, gone) = futures_util::join!(
                staff.call(CREATE, json!({"parent": "publishers/open", "book": book})),
                ann.call(DELETE_PUBLISHER, json!({"name": name})),
            );
            match (made, gone) {
                (Ok(_), Err(fault)) => assert_eq!(fault.reason(), Some(Reason::StillReferenced), "{fault:?}"),
                (Err(fault), Ok(_)) => assert_eq!(fault.reason(), Some(Reason::ReferenceNotFound), "{fault:?}"),
                other => panic!("one of the two must give way: {other:?}"),
            }
        }
    }

    async fn a_child_may_be_made_under_a_parent_that_is_deleted_at_the_same_time_only_if_it_stays(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]));
        for round in 0..20 {
            let publisher = json!({"publisher_id": format!("r{round}"), "publisher": {"title": "R", "open": true}});
            ann.ok(CREATE_PUBLISHER, publisher).await;
            let name = format!("publishers/r{round}");
            let (made, gone) = futures_util::join!(
                staff.call(CREATE, json!({"parent": name, "book": {"title": "A"}})),
                ann.call(DELETE_PUBLISHER, json!({"name": name})),
            );
            match (made, gone) {
                (Ok(_), Err(fault)) => assert_eq!(fault.reason(), Some(Reason::StillReferenced), "{fault:?}"),
                (Err(fault), Ok(_)) => assert_eq!(fault.reason(), Some(Reason::ReferenceNotFound), "{fault:?}"),
                other => panic!("one of the two must give way: {other:?}"),
            }
        }
    }

    async fn what_lies_below_a_parent_that_one_reads_no_more_is_not_to_be_written(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let (ann, staff, both) = (fixture.user("ann", &[]), fixture.user("stan", &["staff"]), fixture.user("ann", &["staff"]));
        for id in ["a", "b"] {
            staff.ok(CREATE, json!({"parent": "publishers/open", "book_id": id, "book": {"title": "A"}})).await;
        }
        let open = |open: bool| json!({"publisher": {"name": "publishers/open", "open": open}, "update_mask": "open"});
        ann.ok("lib.v1.PublisherService/UpdatePublisher", open(false)).await;
        let book = |title: &str| json!({"name": "publishers/open/books/a", "title": title});
        let update = json!({"book": book("B")});
        let missing = staff.fault(CREATE, json!({"parent": "publishers/open", "book": {"title": "A"}})).await;
        assert_eq!(missing.reason(), Some(Reason::ReferenceNotFound));
        let name = json!({"name": "publishers/open/books/a"});
        for (method, request) in [
            (UPDATE, update.clone()),
            (UPDATE, json!({"book": book("B"), "allow_missing": true})),
            (UPDATE, json!({"book": book("B"), "validate_only": true})),
            (DELETE, name.clone()),
        ] {
            let fault = staff.fault(method, request.clone()).await;
            assert_eq!(format!("{fault:?}"), format!("{missing:?}"), "{method} {request}");
        }
        for (method, request) in [
            ("lib.v1.BookService/BatchUpdateBooks", json!({"requests": [update]})),
            ("lib.v1.BookService/BatchDeleteBooks", json!({"names": ["publishers/open/books/b", "publishers/open/books/a"]})),
            ("lib.v1.CommitService/Commit", json!({"writes": [{"update_book": update}]})),
        ] {
            let fault = staff.fault(method, request.clone()).await;
            assert_eq!(fault.code(), tonic::Code::NotFound, "{method} {request}");
        }
        // To read it is another thing, and so is to be refused for what the row says.
        assert_eq!(staff.ok("lib.v1.BookService/GetBook", name.clone()).await["title"], "A");
        assert_eq!(fixture.user("ben", &[]).fault(UPDATE, update.clone()).await.code(), tonic::Code::PermissionDenied);
        both.ok(UPDATE, update).await;
        fixture.system().ok(DELETE, name).await;
        ann.ok("lib.v1.PublisherService/UpdatePublisher", open(true)).await;
        staff.ok(DELETE, json!({"name": "publishers/open/books/b"})).await;
    }

    async fn deleting_what_is_not_there_can_be_allowed(engine: Engine) {
        let fixture = with_publishers(engine).await;
        let staff = fixture.user("stan", &["staff"]);
        let name = "publishers/open/books/none";
        assert_eq!(staff.refused(DELETE, json!({"name": name})).await.0, Reason::ResourceNotFound);
        assert_eq!(staff.ok(DELETE, json!({"name": name, "allow_missing": true})).await, json!({}));
    }
}
