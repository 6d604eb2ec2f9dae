//! What clients meet is told whole: services, methods, routes, and the fields of requests and answers.

use mainstay_ledger::{Ledger, Plan, Severity, Stage, Step};

use crate::shop::{BASE, Shop, contract, edited};

fn planned(edits: &[(&str, &str)]) -> Plan {
    Shop::with_rows().plan(&contract(&edited(edits)))
}

fn ids(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(|step| step.id().replace("shop.example.com/", "")).collect()
}

fn step<'p>(plan: &'p Plan, id: &str) -> &'p Step {
    plan.steps.iter().find(|step| step.id() == id).unwrap_or_else(|| panic!("no {id}: {plan}"))
}

#[test]
fn a_renamed_message_is_told_with_all_that_is_called_after_it() {
    let plan = planned(&[("message Review {", "message Opinion {")]);
    let wanted = [
        "move:resource:Review",
        "move:service:Review#shop.v1.OpinionService",
        "change:requests:Review",
        "change:answers:Review",
    ];
    assert_eq!(ids(&plan), wanted, "{plan}");
    assert_eq!(plan.waiting(&[], Stage::Production).count(), 3, "the table alone is nobody's business");
    assert!(plan.is_ready(&[], Stage::Development));
    let said = plan.to_string();
    for line in [
        "shop.v1.ReviewService -> shop.v1.OpinionService",
        "/shop.v1.ReviewService/GetReview -> /shop.v1.OpinionService/GetOpinion",
        "CreateOpinion: review_id -> opinion_id",
        "CreateOpinion: review -> opinion",
        "UpdateOpinion: review -> opinion",
        "BatchCreateReviews: requests.review_id -> requests.opinion_id",
        "BatchUpdateReviews: requests.review -> requests.opinion",
        "Commit: writes.create_review -> writes.create_opinion",
        "Commit: writes.create_review.review -> writes.create_opinion.opinion",
        "Commit: writes.delete_review -> writes.delete_opinion",
        "Commit: results.review -> results.opinion",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    // A body that is the resource is the same body, and the path is the same path.
    assert!(!said.contains("(body:"), "{said}");
}

#[test]
fn a_moved_package_is_told_with_its_commit() {
    let plan = planned(&[("package shop.v1;", "package store.v2;")]);
    let said = plan.to_string();
    for line in [
        "shop.v1.ReviewService -> store.v2.ReviewService",
        "GET /shop/v1/reviews -> GET /store/v2/reviews",
        "shop.v1.CommitService -> store.v2.CommitService",
        "/shop.v1.CommitService/Commit -> /store.v2.CommitService/Commit",
        "POST /shop/v1:commit (body: *) -> POST /store/v2:commit (body: *)",
    ] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
    // Nothing inside requests is called after the package.
    assert!(plan.steps.iter().all(|step| !step.id().starts_with("change:")), "{plan}");
    for resource in ["Product", "Review"] {
        step(&plan, &format!("move:service:shop.example.com/{resource}#store.v2.CommitService"));
    }
}

#[test]
fn another_collection_is_another_field_of_the_lists_answer() {
    let plan = planned(&[("reviews/{review}", "opinions/{review}")]);
    let said = step(&plan, "change:answers:shop.example.com/Review").to_string();
    for line in ["ListOpinions: reviews -> opinions", "BatchGetOpinions: reviews -> opinions"] {
        assert!(said.contains(line), "{line} is not in {said}");
    }
}

#[test]
fn a_renamed_variable_is_no_other_url() {
    for pattern in ["reviews/{r}", "reviews/{review_of_a_product}"] {
        let plan = planned(&[("reviews/{review}", pattern)]);
        assert_eq!(ids(&plan), ["rename:variable:Review"], "{plan}");
        assert!(plan.is_ready(&[], Stage::Production));
    }
    let child = |parent: &str, child: &str| {
        edited(&[
            ("reviews/{review}", child),
            ("products/{product}", parent),
            (
                "string product = 2 [(google.api.resource_reference).type = \"shop.example.com/Product\"];",
                "string by = 2;",
            ),
        ])
    };
    let mut shop = Shop::empty();
    shop.apply(&contract(&child("products/{product}", "products/{product}/reviews/{review}")), &[]);
    let plan = shop.plan(&contract(&child("products/{article}", "products/{article}/reviews/{note}")));
    let shown: Vec<String> = ids(&plan).into_iter().filter(|id| !id.starts_with("rename:column")).collect();
    assert_eq!(shown, ["rename:variable:Product", "rename:variable:Review"], "{plan}");
    assert!(plan.is_ready(&[], Stage::Production), "{plan}");
    let plan = shop.plan(&contract(&child("articles/{product}", "articles/{product}/reviews/{review}")));
    step(&plan, "change:pattern:shop.example.com/Product");
    step(&plan, "change:pattern:shop.example.com/Review");
}

#[test]
fn what_deletion_answers_is_told() {
    let soft = [
        ("write: \"true\"}\n    index", "write: \"true\"} soft_delete: true\n    index"),
        ("string category = 9;", "string category = 9; google.protobuf.Timestamp delete_time = 30;"),
    ];
    let plan = planned(&soft);
    assert!(
        step(&plan, "change:answers:shop.example.com/Product")
            .to_string()
            .contains("DeleteProduct: nothing -> the row")
    );
    step(&plan, "add:method:shop.example.com/Product#/shop.v1.ProductService/UndeleteProduct");
}

/// The base with a service of its own, whose parts are given.
fn written(routes: &str, request: &str) -> String {
    format!(
        "{}\n{}",
        edited(&[("import \"google/type/money.proto\";", "import \"google/type/money.proto\"; import \"google/api/annotations.proto\";")]),
        format_args!(
            "service ReviewService {{ rpc GetReview(GetReviewRequest) returns (Review) {{ {routes} }}
               rpc ListReviews(ListReviewsRequest) returns (ListReviewsResponse) {{ option (google.api.http) = {{get: \"/shop/v1/reviews\"}}; }} }}
             message GetReviewRequest {{ string name = 1 [(google.api.field_behavior) = REQUIRED]; }}
             message ListReviewsRequest {{ {request} }}
             message ListReviewsResponse {{ repeated Review reviews = 1; string next_page_token = 2; }}"
        )
    )
}

#[test]
fn a_written_service_is_told_by_what_it_says() {
    let page = "int32 page_size = 2; string page_token = 3;";
    let get = "option (google.api.http) = {get: \"/shop/v1/{name=reviews/*}\"};";
    let more = "option (google.api.http) = {get: \"/shop/v1/{name=reviews/*}\" additional_bindings {get: \"/r/{name=reviews/*}\"}};";
    let reads =
        "option (google.api.http) = {get: \"/shop/v1/{name=reviews/*}\"}; option idempotency_level = NO_SIDE_EFFECTS;";
    let plan = |from: String, to: String| {
        let mut shop = Shop::empty();
        shop.apply(&contract(&from), &[]);
        shop.plan(&contract(&to))
    };
    let one = |from: String, to: String, id: &str, severity: Severity, waits: bool, line: &str| {
        let plan = plan(from, to);
        assert_eq!(ids(&plan), [id], "{plan}");
        assert_eq!(
            (plan.steps[0].effect().severity, plan.steps[0].waits(Stage::Production)),
            (severity, waits),
            "{plan}"
        );
        assert!(plan.to_string().contains(line), "{plan}");
    };
    let routes = "change:routes:Review";
    one(written(get, page), written(more, page), routes, Severity::Widened, false, "new: GET /r/{name=reviews/*}");
    one(
        written(more, page),
        written(get, page),
        routes,
        Severity::Changed,
        true,
        "GET /r/{name=reviews/*} -> GET /shop",
    );
    one(
        written(get, page),
        written(reads, page),
        routes,
        Severity::Widened,
        false,
        "new: GET /shop.v1.ReviewService/GetReview (Connect)",
    );
    one(written(reads, page), written(get, page), routes, Severity::Changed, true, "(Connect) -> no route");
    let (requests, filter) = ("change:requests:Review", format!("{page} string filter = 4;"));
    one(
        written(get, page),
        written(get, &filter),
        requests,
        Severity::Widened,
        false,
        "ListReviews: new filter (string)",
    );
    one(
        written(get, &filter),
        written(get, page),
        requests,
        Severity::Narrowed,
        true,
        "ListReviews: no filter any more",
    );
    let named = page.replace("page_size = 2", "page_size = 2 [json_name = \"size\"]");
    one(
        written(get, page),
        written(get, &named),
        requests,
        Severity::Changed,
        true,
        "page_size (int32, in JSON \"size\")",
    );
}

#[test]
fn a_second_name_of_a_value_is_no_rename() {
    let (enumeration, one) =
        ("enum State { STATE_UNSPECIFIED = 0; OPEN = 1;", "name:value:shop.example.com/Product#state.OPEN");
    let with = |names: &str| {
        edited(&[(enumeration, &format!("enum State {{ option allow_alias = true; STATE_UNSPECIFIED = 0; {names}"))])
    };
    let plan = |from: &str, to: &str| {
        let mut shop = Shop::empty();
        shop.apply(&contract(from), &[]);
        shop.plan(&contract(to))
    };
    let two = with("OPEN = 1; ACTIVE = 1;");
    for (from, to, severity, waits, line) in [
        (BASE, &*two, Severity::Widened, false, "new: ACTIVE"),
        (&*two, BASE, Severity::Narrowed, true, "no more: ACTIVE"),
        (BASE, &*with("ACTIVE = 1; OPEN = 1;"), Severity::Changed, true, "answered as: ACTIVE"),
        (&*two, &*with("OPEN = 1; RUNNING = 1;"), Severity::Changed, true, "no more: ACTIVE"),
    ] {
        let plan = plan(from, to);
        assert_eq!(plan.steps.iter().map(Step::id).collect::<Vec<_>>(), [one], "{plan}");
        assert_eq!(
            (plan.steps[0].effect().severity, plan.steps[0].waits(Stage::Production)),
            (severity, waits),
            "{plan}"
        );
        assert!(plan.to_string().contains(line), "{plan}");
    }
    let plan = plan(&two, &with("ACTIVE = 1;"));
    assert!(
        plan.to_string().contains("clients that write OPEN are refused") && !plan.is_ready(&[], Stage::Production),
        "{plan}"
    );
}

#[test]
fn a_name_that_is_taken_no_more_waits_in_production() {
    let title = "string title = 3;";
    let cases = [
        ("string headline = 3;", true, "clients that write title are refused"),
        ("string headline = 3 [(mainstay.v1.field) = {aliases: \"title\"}];", false, ""),
        ("string headline = 3 [json_name = \"title\"];", false, ""),
        ("string head_line = 3 [(mainstay.v1.field) = {aliases: \"label\"}];", true, "aliases: \"title\""),
    ];
    for (field, waits, said) in cases {
        let plan = planned(&[(title, field)]);
        assert_eq!(plan.waiting(&[], Stage::Production).count(), usize::from(waits), "{plan}");
        assert!(plan.to_string().contains(said) && plan.is_ready(&[], Stage::Development), "{plan}");
    }
    // In JSON it is the same, at every depth.
    let line = "message Line { string text = 1;";
    for (field, waits) in [("words = 1", true), ("words = 1 [(mainstay.v1.field) = {aliases: \"text\"}]", false)] {
        let plan = planned(&[(line, &format!("message Line {{ string {field};"))]);
        assert_eq!(plan.is_ready(&[], Stage::Production), !waits, "{plan}");
    }
}

#[test]
fn another_form_in_json_waits_in_production() {
    for (field, form) in [("int64 stock = 4;", "a text of digits"), ("State stock = 4;", "the name of a value")] {
        let plan = planned(&[("int32 stock = 4;", field)]);
        let step = &plan.steps[0];
        assert!(step.waits(Stage::Production) && step.to_string().contains(form), "{plan}");
        assert!(plan.is_ready(&[], Stage::Development), "{plan}");
    }
    let plan = planned(&[("string text = 1; int32 quantity = 2; }", "string text = 1; int64 quantity = 2; }")]);
    assert!(plan.steps.iter().all(|step| step.waits(Stage::Production)), "{plan}");
}

#[test]
fn what_leaves_an_empty_table_waits_in_production() {
    let mut shop = Shop::empty();
    shop.apply(&contract(BASE), &[]);
    let plan = shop.plan(&contract(&edited(&[("int32 stock = 4;", "reserved 4; reserved \"stock\";")])));
    assert!(plan.is_ready(&[], Stage::Development) && !plan.is_ready(&[], Stage::Production), "{plan}");
    let (products, _) = BASE.split_once("message Review").expect("two resources");
    let plan = shop.plan(&contract(products));
    assert!(plan.is_ready(&[], Stage::Development) && !plan.is_ready(&[], Stage::Production), "{plan}");
}

/// A ledger as a version stored it that left it to the regex crate what patterns mean.
fn of_the_former_dialect(ledger: &Ledger) -> Ledger {
    let json = ledger.to_json();
    let former = json.replace("\"patterns\":1,", "");
    assert_ne!(former, json);
    Ledger::from_json(&former).expect("it is read")
}

#[test]
fn a_pattern_that_means_something_else_since_is_told_until_it_is_accepted() {
    let checked = |pattern: &str| {
        let check = format!("(buf.validate.field).string.pattern = \"{pattern}\"");
        edited(&[
            ("string sku = 2;", &format!("string sku = 2 [{check}];")),
            ("string city = 1;", &format!("string city = 1 [{check}];")),
            ("message Line { string text = 1;", &format!("message Line {{ string text = 1 [{check}];")),
            (
                "State state = 10;",
                &format!(
                    "State state = 10; repeated string tags = 30 [(buf.validate.field).repeated.items.string.pattern = \"{pattern}\"];"
                ),
            ),
        ])
    };
    let digits = contract(&checked(r"^\\d*$"));
    let mut shop = Shop::empty();
    shop.apply(&digits, &[]);
    let ledger = of_the_former_dialect(&shop.ledger);
    let fields: Vec<String> = ledger.reread(&digits).into_iter().map(|reread| reread.field).collect();
    assert_eq!(fields, ["sku", "address.city", "lines", "extra", "tags"]);
    assert!(shop.ledger.reread(&digits).is_empty(), "what this version applied means what it meant");
    shop.ledger = ledger;
    let plan = shop.plan(&digits);
    assert_eq!(plan.waiting(&[], Stage::Production).count(), 5, "{plan}");
    assert!(
        plan.to_string().contains("matched it, and does not any more") && plan.to_string().contains("RE2"),
        "{plan}"
    );
    shop.apply(&digits, &[]);
    assert!(shop.plan(&digits).is_empty() && shop.ledger.reread(&digits).is_empty());
    // What both read alike is nothing to tell.
    let letters = contract(&checked("^[a-z]*$"));
    let mut shop = Shop::empty();
    shop.apply(&letters, &[]);
    shop.ledger = of_the_former_dialect(&shop.ledger);
    assert!(shop.plan(&letters).is_empty() && shop.ledger.reread(&letters).is_empty());
}

#[test]
fn a_ledger_without_terms_learns_them_and_still_tells_what_patterns_mean() {
    let digits = contract(&edited(&[(
        "string sku = 2;",
        r#"string sku = 2 [(buf.validate.field).string.pattern = "^\\d*$"];"#,
    )]));
    let mut shop = Shop::empty();
    shop.apply(&digits, &[]);
    let former = of_the_former_dialect(&shop.ledger).to_json().replace("\"terms\":2,", "\"terms\":1,");
    shop.ledger = Ledger::from_json(&former).expect("it is read").with_terms_of(&digits);
    assert!(shop.ledger.has_terms());
    assert_eq!(ids(&shop.plan(&digits)), ["reread:pattern:Product#sku"]);
}
