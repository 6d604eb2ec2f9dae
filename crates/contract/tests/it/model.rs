//! What a contract comes to.

use mainstay_contract::{Contract, IndexRows, Resource, Shape, Source, Verb, compile, export};
use mainstay_record::{Kind, Role};
use prost_reflect::ReflectMessage;

use crate::harness::{compile_text, file, shop, thing};

const LIBRARY: &str = r#"
message Publisher {
  option (google.api.resource) = {type: "library.example.com/Publisher" pattern: "publishers/{publisher}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "'editor' in auth.roles"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2;
}
message Book {
  option (google.api.resource) = {type: "library.example.com/Book" pattern: "publishers/{publisher}/books/{book}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "'editor' in auth.roles"} index {fields: "name"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  optional int32 pages = 2;
  string sequel = 3 [(google.api.resource_reference).type = "library.example.com/Book"];
}
"#;

fn names(resource: &Resource) -> Vec<&str> {
    resource.layout.columns.iter().map(|column| column.name.as_str()).collect()
}

#[test]
fn a_nested_pattern_has_a_key_column_for_each_variable() {
    let contract = compile_text(&file(LIBRARY)).expect("the library compiles");
    let book = contract.resource("library.example.com/Book").expect("there are books");
    assert_eq!(names(book), ["_publisher_id", "_id", "_revision", "pages", "sequel__publisher", "sequel__book"]);
    assert_eq!(book.layout.keys(), 2);
    assert_eq!(book.variables, ["publisher", "book"]);
    assert_eq!(contract.resources[book.parent.expect("books have a parent")].short_name(), "Publisher");
    assert_eq!(book.template.render(|i| ["p", "b"][i]), "publishers/p/books/b");
    assert_eq!(book.indexes[0].columns, [(0, false), (1, false)]);
    assert_eq!(book.indexes[1].columns, [(4, false), (5, false)]);
}

#[test]
fn a_nested_collection_nests_in_the_paths_too() {
    let contract = compile_text(&file(LIBRARY)).expect("the library compiles");
    let text = &contract.derived.iter().find(|file| file.path.contains("book")).expect("there is a book service").text;
    for path in [
        r#"get: "/shop/v1/{name=publishers/*/books/*}""#,
        r#"get: "/shop/v1/{parent=publishers/*}/books""#,
        r#"post: "/shop/v1/{parent=publishers/*}/books" body: "book""#,
        r#"patch: "/shop/v1/{book.name=publishers/*/books/*}" body: "book""#,
    ] {
        assert!(text.contains(path), "{path} in\n{text}");
    }
}

#[test]
fn each_type_has_its_column() {
    let contract = compile_text(&thing(
        "bool a = 2; int64 b = 3; double c = 4; string d = 5; bytes e = 6; Kind f = 7; google.protobuf.Timestamp g = 8; \
         google.protobuf.Duration h = 9; google.type.Date i = 10; google.protobuf.StringValue j = 11; optional uint32 k = 12; \
         repeated int32 l = 13; map<int32, string> m = 14; google.protobuf.Struct n = 15; google.type.Money o = 16; \
         enum Kind { KIND_UNSPECIFIED = 0; }",
    ));
    let contract = contract.unwrap_or_else(|problems| panic!("{problems}"));
    let columns = &contract.resources[0].layout.columns[2..];
    let found: Vec<(&str, Kind, bool)> =
        columns.iter().map(|column| (column.name.as_str(), column.kind, column.nullable)).collect();
    let wanted = [
        ("a", Kind::Bool, false),
        ("b", Kind::Int, false),
        ("c", Kind::Double, false),
        ("d", Kind::Text, false),
        ("e", Kind::Bytes, false),
        ("f", Kind::Int, false),
        ("g", Kind::Timestamp, true),
        ("h", Kind::Int, true),
        ("i", Kind::Int, true),
        ("j", Kind::Text, true),
        ("k", Kind::Int, true),
        ("l", Kind::Json, true),
        ("m", Kind::Json, true),
        ("n", Kind::Json, true),
        ("_has_o", Kind::Bool, false),
        ("o__currency_code", Kind::Text, false),
        ("o__units", Kind::Int, false),
        ("o__nanos", Kind::Int, false),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn a_recursive_message_is_stored_as_json_with_a_finite_shape() {
    let text = thing(
        "Node tree = 2; message Node { string label = 1; Node left = 2; repeated Other others = 3; } message Other { Node back = 1; }",
    );
    let contract = compile_text(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let column = contract.resources[0].layout.columns.last().expect("a column");
    let Role::Json(shape) = &column.role else { panic!("not JSON: {column:?}") };
    let links: Vec<Vec<Option<usize>>> =
        shape.messages.iter().map(|message| message.fields.iter().map(|field| field.message).collect()).collect();
    assert_eq!(links, [vec![None, Some(0), Some(1)], vec![Some(0)]]);
}

#[test]
fn fields_lie_in_the_order_of_their_numbers() {
    let contract = compile_text(&thing("string b = 7; string a = 3;")).expect("it compiles");
    assert_eq!(names(&contract.resources[0]), ["_id", "_revision", "a", "b"]);
}

#[test]
fn server_made_fields_are_output_only_even_if_it_is_not_written() {
    let contract =
        compile_text(&thing("string uid = 2; google.protobuf.Timestamp create_time = 3;")).expect("it compiles");
    let thing = &contract.resources[0];
    assert!(thing.fields.iter().filter(|field| field.name != "name").all(|field| field.behaviors.output_only));
    assert_eq!((thing.uid, thing.create_time, thing.update_time), (Some(2), Some(3), None));
}

#[test]
fn written_methods_are_bound_and_nothing_is_derived_beside_them() {
    let text = thing("")
        + r#"service Catalog {
  rpc GetThing(GetThingRequest) returns (Thing) { option (google.api.http) = {get: "/catalog/{name=things/*}"}; }
}
message GetThingRequest { string name = 1; }
"#;
    let contract = compile_text(&text).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(contract.derived.is_empty());
    let [method] = &contract.methods[..] else { panic!("one method") };
    assert_eq!(method.path, "/shop.v1.Catalog/GetThing");
    assert_eq!(method.shape, Shape::Resource { verb: Verb::Get, resource: 0 });
    assert_eq!(
        method.http.iter().map(|route| route.template.to_string()).collect::<Vec<_>>(),
        ["/catalog/{name=things/*}"]
    );
}

#[test]
fn an_index_by_when_rows_were_deleted_has_the_deleted_rows() {
    let rows = |options: &str| {
        let fields =
            "google.protobuf.Timestamp delete_time = 2; google.protobuf.Timestamp expire_time = 3; string sku = 4;";
        let options = format!("soft_delete: true purge_after: \"1h\" {options} access {{read");
        let contract = compile_text(&thing(fields).replace("access {read", &options));
        let contract = contract.unwrap_or_else(|problems| panic!("{problems}"));
        contract.resources[0].indexes.iter().map(|index| (index.fields.clone(), index.rows)).collect::<Vec<_>>()
    };
    let named = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect::<Vec<_>>();
    let due = (named(&["delete_time"]), IndexRows::Deleted);
    assert_eq!(rows("").first(), Some(&due), "whoever purges has one");
    assert_eq!(
        rows("index {fields: \"delete_time desc\"}"),
        [(named(&["delete_time"]), IndexRows::All)],
        "and needs no other"
    );
    let written = rows("index {fields: \"sku\" fields: \"expire_time\"} index {fields: \"sku\" unique: true}");
    let sku = (named(&["sku"]), IndexRows::Live);
    assert_eq!(written, [(named(&["sku", "expire_time"]), IndexRows::All), sku, due]);
}

#[test]
fn a_resource_whose_deleted_rows_are_kept_has_an_undelete_and_others_have_none() {
    let kept = thing("google.protobuf.Timestamp delete_time = 2; string sku = 3;")
        .replace("access {read", "soft_delete: true index {fields: \"sku\" unique: true} access {read");
    let contract = compile_text(&kept).unwrap_or_else(|problems| panic!("{problems}"));
    let undelete = contract.method(Verb::Undelete, 0).expect("an Undelete");
    assert_eq!(
        (undelete.path.as_str(), undelete.output.as_str()),
        ("/shop.v1.ThingService/UndeleteThing", "shop.v1.Thing")
    );
    let [route] = &undelete.http[..] else { panic!("{:?}", undelete.http) };
    assert_eq!((route.template.to_string().as_str(), route.body.as_str()), ("/shop/v1/{name=things/*}:undelete", "*"));
    assert_eq!(route.method.as_ref().map(ToString::to_string).as_deref(), Some("POST"));
    let request = contract.pool.get_message_by_name(&undelete.input).expect("the request");
    let numbers = ["name", "etag", "request_id", "validate_only"];
    for (number, name) in (1..).zip(numbers) {
        assert_eq!(request.get_field(number).expect("a field").name(), name);
    }
    assert_eq!(contract.method(Verb::Delete, 0).expect("a Delete").output, "shop.v1.Thing");
    assert!(contract.resources[0].indexes.iter().all(|index| index.rows == IndexRows::Live));
    let delete_time = contract.resources[0].field("delete_time").expect("the field");
    assert!(delete_time.behaviors.output_only, "whether it is written or not");
    let plain = compile_text(&thing("")).expect("it compiles");
    assert!(plain.method(Verb::Undelete, 0).is_none());
    assert_eq!(plain.method(Verb::Delete, 0).expect("a Delete").output, "google.protobuf.Empty");
}

#[test]
fn the_empty_contract_serves_nothing() {
    let contract = Contract::empty();
    assert!(contract.resources.is_empty() && contract.methods.is_empty() && contract.warnings.is_empty());
    assert_eq!((contract.hash.len(), contract.pool.files().len()), (64, 0));
}

#[test]
fn former_names_are_known_for_every_message() {
    let inner = "message Inner { string a = 1 [(mainstay.v1.field) = {aliases: \"b\" aliases: \"c\"}]; }";
    let contract = compile_text(&thing(&format!("repeated Inner inner = 2; {inner}"))).expect("it compiles");
    assert_eq!(contract.aliases("shop.v1.Thing.Inner"), [("b".to_owned(), 1), ("c".to_owned(), 1)]);
    assert_eq!(contract.aliases("shop.v1.Nothing"), []);
    assert_eq!(shop().aliases("shop.v1.Product"), [("label".to_owned(), 3)]);
}

#[test]
fn a_place_has_one_spelling_whoever_compiles_the_files() {
    let given = vec![Source { path: "v1/thing.proto".into(), text: thing("string title = 2;") }];
    let first = compile(given.clone()).unwrap_or_else(|problems| panic!("{problems}"));
    let again = compile(first.sources.clone()).expect("the kept files compile");
    assert_eq!(first.sources, given);
    for contract in [&first, &again] {
        assert_eq!(contract.resources[0].place.file, "v1/thing.proto");
        assert_eq!(contract.import_paths, ["shop/v1/thing.proto"]);
        assert!(export(contract).iter().any(|file| file.path == "shop/v1/thing.proto"));
    }
    assert_eq!(first.hash, again.hash);
    let broken = vec![Source { path: "v1/thing.proto".into(), text: thing("strng title = 2;") }];
    assert_eq!(compile(broken).expect_err("no such type").0[0].file, "v1/thing.proto");
}

#[test]
fn every_method_of_the_model_is_in_the_descriptors() {
    let contract = shop();
    for method in &contract.methods {
        let (service, name) = method.path[1..].split_once('/').expect("a path");
        let service = contract.pool.get_service_by_name(service).expect("the service");
        let found = service.methods().find(|found| found.name() == name).expect("the method");
        assert_eq!((found.input().full_name(), found.output().full_name()), (&*method.input, &*method.output));
    }
}

#[test]
fn the_table_of_methods_says_which_change_something() {
    let contract = shop();
    assert!(contract.methods.iter().any(|method| method.shape.verb().is_some()));
    for method in &contract.methods {
        let reads = matches!(method.shape.verb(), Some(Verb::Get | Verb::List | Verb::BatchGet));
        assert_eq!(method.side_effects, !reads, "{}", method.path);
    }
}

#[test]
fn options_and_comments_survive_into_the_descriptor_set() {
    let pool = shop().link().expect("descriptors");
    let file = pool.get_file_by_name("shop/v1/product_service.proto").expect("the derived file");
    let service = file.services().next().expect("a service");
    let http = pool.get_extension_by_name("google.api.http").expect("the extension");
    let method = service.methods().next().expect("a method");
    let rule = method.options().get_extension(&http).into_owned();
    assert_eq!(
        rule.as_message().expect("a rule").get_field_by_name("get").expect("get").as_str(),
        Some("/shop/v1/{name=products/*}")
    );
    assert_eq!(rule.as_message().expect("a rule").descriptor().full_name(), "google.api.HttpRule");
    let info = file.file_descriptor_proto().source_code_info.as_ref().expect("comments");
    assert!(info.location.iter().any(|location| location.leading_comments().contains("Gets one of the products")));
}

#[test]
fn the_same_files_in_any_order_are_the_same_contract() {
    let contract = shop();
    let mut sources = contract.sources.clone();
    sources.reverse();
    let again = compile(sources).expect("it compiles");
    assert_eq!(contract.hash, again.hash);
    assert_eq!(contract.hash.len(), 64);
}

#[test]
#[ignore = "prints how long a compilation takes; run with --ignored --nocapture"]
fn how_long_the_sample_contract_takes() {
    let sources = shop().model.sources;
    for round in 0..5 {
        let start = std::time::Instant::now();
        let contract = compile(sources.clone()).expect("it compiles");
        println!("round {round}: {:?}, {} bytes of descriptors", start.elapsed(), contract.descriptor_set.len());
    }
}

#[test]
fn a_reference_may_lie_in_a_message_that_lies_in_columns() {
    let text = r#"
message Depot {
  option (google.api.resource) = {type: "shop.example.com/Depot" pattern: "towns/{town}/depots/{depot}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Town {
  option (google.api.resource) = {type: "shop.example.com/Town" pattern: "towns/{town}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.post.depot.town.post.fee > 0" write: "true"} index {fields: "post.depot" fields: "post.fee"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  Post post = 2;
}
message Post {
  string depot = 1 [(google.api.resource_reference).type = "shop.example.com/Depot"];
  int32 fee = 2;
}
"#;
    let contract = compile_text(&file(text)).unwrap_or_else(|problems| panic!("{problems}"));
    let town = contract.resource("shop.example.com/Town").expect("there are towns");
    assert_eq!(names(town)[2..], ["_has_post", "post__depot__town", "post__depot__depot", "post__fee"]);
    let [reference] = town.references.as_slice() else { panic!("{:?}", town.references) };
    assert_eq!((reference.field.as_str(), reference.columns.as_slice()), ("post.depot", &[3, 4][..]));
    assert_eq!(town.indexes.len(), 1, "the index of the contract serves the reference");
    let looks = town.access.read.as_ref().expect("a rule").program.looks();
    assert_eq!(looks.len(), 2, "the depot, and the town above it");
}
