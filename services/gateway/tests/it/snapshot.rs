use bytes::Bytes;
use http::Method;
use mainstay_contract::{RESERVED_ROOTS, Source};
use mainstay_gateway::Limits;
use mainstay_gateway::route::Lookup;
use mainstay_gateway::snapshot::{Body, Compiled, Snapshot};
use mainstay_layers::Access;
use mainstay_telemetry::Telemetry;

use crate::support::{backends, compile, library};

fn compiled(application: &[u8]) -> Compiled {
    Snapshot::build(
        (Telemetry::quiet().metrics(), &backends(), &Limits::default()),
        1,
        Bytes::copy_from_slice(application),
    )
    .unwrap()
}

fn build(application: &[u8]) -> Snapshot {
    compiled(application).snapshot
}

fn why_unserved(snapshot: &Snapshot, method: &str) -> Option<String> {
    let route = snapshot.unserved.iter().find(|route| &*route.method == method)?;
    Some(route.error.to_string())
}

#[test]
fn every_platform_method_says_who_may_call_it() {
    let snapshot = Snapshot::platform(Telemetry::quiet().metrics(), &backends(), &Limits::default()).unwrap().snapshot;
    let mine: Vec<_> = snapshot.methods().filter(|method| method.path.starts_with("/mainstay.")).collect();
    assert!(mine.len() > 10, "{mine:?}");
    let denied: Vec<_> = mine.iter().filter(|method| method.access.is_none()).map(|method| &*method.path).collect();
    assert_eq!(denied, Vec::<&str>::new());
}

#[test]
fn every_rest_route_of_the_platform_is_served() {
    let snapshot = Snapshot::platform(Telemetry::quiet().metrics(), &backends(), &Limits::default()).unwrap().snapshot;
    assert!(snapshot.unserved.is_empty(), "{:?}", snapshot.unserved);
}

#[test]
fn platform_methods_go_to_their_service_and_the_applications_to_data() {
    let snapshot = build(library());
    let backend = |path| snapshot.method(path).unwrap().backend.name.to_string();
    assert_eq!(backend("/mainstay.auth.v1.SessionService/SignIn"), "auth");
    assert_eq!(backend("/mainstay.data.v1.ContractService/GetContract"), "data");
    assert_eq!(backend("/library.v1.BookService/GetBook"), "data");
    let table = backends();
    for (package, name) in
        [("mainstay.auth", "auth"), ("mainstay.auth.v2.x", "auth"), ("mainstay.authority.v1", "data"), ("", "data")]
    {
        assert_eq!(*table.of_package(package).name, *name, "{package}");
    }
}

#[test]
fn application_methods_are_open_at_the_edge_and_platform_methods_as_their_option_says() {
    let snapshot = build(library());
    let access = |path| snapshot.method(path).unwrap().access.clone();
    assert_eq!(access("/library.v1.BookService/GetBook"), Some(Access::Anyone));
    assert_eq!(access("/mainstay.auth.v1.SessionService/SignIn"), Some(Access::Anyone));
    assert_eq!(access("/mainstay.auth.v1.AccountService/GetAccount"), Some(Access::SignedIn));
    assert_eq!(access("/mainstay.auth.v1.AccountService/SetRoles"), Some(Access::roles(["mainstay.admin"])));
}

#[test]
fn a_route_that_cannot_be_served_is_left_out_and_says_why() {
    let snapshot = build(library());
    let why = |method: &str| why_unserved(&snapshot, &format!("/library.v1.Library/{method}")).unwrap_or_default();
    assert!(why("Clash").contains("matches the same requests as a route of `/library.v1.Library/GetMessage`"));
    assert!(why("Shadow").contains("`/auth`, which is reserved"));
    assert!(why("Everything").contains("must start with a literal segment"));
    assert!(why("BadField").contains("`{missing}` names no field of `library.v1.Message`"));
    assert!(why("Collect").contains("takes a stream of messages"));
    assert!(snapshot.method("/library.v1.Library/Clash").is_some(), "still reachable by gRPC");
    assert_eq!(snapshot.unserved.len(), 5, "{:?}", snapshot.unserved);
}

#[test]
fn no_application_route_lies_under_a_reserved_root() {
    for root in RESERVED_ROOTS {
        let text = format!(
            r#"syntax = "proto3"; package evil.v1; import "google/api/annotations.proto";
               message M {{ string a = 1; }}
               service S {{ rpc Get(M) returns (M) {{ option (google.api.http) = {{get: "/{root}"}}; }} }}"#
        );
        let snapshot = build(&compile("evil/v1/evil.proto", &text));
        assert!(matches!(
            snapshot.route(&format!("/{root}"), &Method::GET),
            Lookup::Unknown | Lookup::WrongMethod { .. } | Lookup::NoVerb { .. }
        ));
    }
}

#[test]
fn a_row_that_was_deleted_comes_back_by_its_name_and_a_verb() {
    let text = r#"syntax = "proto3"; package lib.v1;
        import "google/api/resource.proto"; import "google/protobuf/timestamp.proto"; import "mainstay/v1/options.proto";
        message Note {
          option (google.api.resource) = {type: "lib.example.com/Note" pattern: "notes/{note}"};
          option (mainstay.v1.resource) = {access {read: "true" write: "true"} soft_delete: true};
          string name = 1;
          google.protobuf.Timestamp delete_time = 2;
        }"#;
    let source = Source { path: "lib/v1/note.proto".to_owned(), text: text.to_owned() };
    let snapshot = build(&mainstay_contract::compile(vec![source]).unwrap().descriptor_set);
    assert!(snapshot.unserved.iter().all(|route| !route.method.starts_with("/lib")), "{:?}", snapshot.unserved);
    let Lookup::Found { route, .. } = snapshot.route("/lib/v1/notes/n:undelete", &Method::POST) else {
        panic!("no route")
    };
    let binding = &snapshot.bindings()[route];
    assert_eq!(&*binding.method.path, "/lib.v1.NoteService/UndeleteNote");
    assert!(matches!(binding.body, Body::Whole) && binding.captures_field("name"));
    assert!(!matches!(snapshot.route("/lib/v1/notes/n:undelete", &Method::GET), Lookup::Found { .. }));
}

#[test]
fn an_application_cannot_take_a_platform_package() {
    let text = r#"syntax = "proto3"; package mainstay.evil.v1;
        message M { string a = 1; }
        service S { rpc Get(M) returns (M); }"#;
    let snapshot = build(&compile("evil.proto", text));
    assert!(snapshot.method("/mainstay.evil.v1.S/Get").is_none());
}

#[test]
fn a_file_that_both_have_is_the_platforms() {
    let text = r#"syntax = "proto3"; package mainstay.auth.v1; message Mine { string a = 1; }"#;
    let snapshot = build(&compile("mainstay/auth/v1/session_service.proto", text));
    assert!(snapshot.method("/mainstay.auth.v1.SessionService/SignIn").is_some());
    assert!(snapshot.plans.message("mainstay.auth.v1.Mine").is_none());
}

#[test]
fn bytes_that_are_no_descriptor_set_are_refused() {
    assert!(
        Snapshot::build(
            (Telemetry::quiet().metrics(), &backends(), &Limits::default()),
            1,
            Bytes::from_static(b"\xff\xff")
        )
        .is_err()
    );
}
