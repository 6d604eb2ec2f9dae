//! What was found wrong with a request on its way here: told after it is decided who may, and nothing of the request is done.

use bytes::Bytes;
use mainstay_fault::{Fault, Reason};
use mainstay_identity::Principal;
use mainstay_runtime::channel::Call;
use mainstay_testkit::both_engines;
use mainstay_wire::frame;
use serde_json::json;

use crate::contracts::file;
use crate::endpoint::port;
use crate::support::Fixture;

/// Owners may change their pads, writers make them, and everybody reads those that are open.
fn pads() -> String {
    file(
        "pad.v1",
        r#"
message Pad {
  option (google.api.resource) = {type: "pad.example.com/Pad" pattern: "pads/{pad}"};
  option (mainstay.v1.resource) = {access {
    read: "resource.open || resource.owner == auth.uid"
    create: "'writer' in auth.roles"
    update: "old.owner == auth.uid"
    delete: "resource.owner == auth.uid"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  bool open = 3;
  string text = 4;
}
"#,
    )
}

/// A request message that names a pad.
fn naming(verb: &str, name: &str) -> Vec<u8> {
    let mut message = Vec::new();
    match verb {
        "Update" => {
            let mut pad = Vec::new();
            frame::put_bytes(1, name.as_bytes(), &mut pad);
            frame::put_bytes(4, b"changed", &mut pad);
            frame::put_message(1, &pad, &mut message);
        }
        "Create" => {
            let mut pad = Vec::new();
            frame::put_bytes(2, b"ada", &mut pad);
            frame::put_bytes(2, name.as_bytes(), &mut message);
            frame::put_message(3, &pad, &mut message);
        }
        "List" => {}
        _ => frame::put_bytes(1, name.as_bytes(), &mut message),
    }
    message
}

fn sound(verb: &str, principal: Principal, message: Vec<u8>) -> Call {
    let method = if verb == "List" { "ListPads".to_owned() } else { format!("{verb}Pad") };
    Call::new(format!("/pad.v1.PadService/{method}").as_str(), principal, Bytes::from(message))
}

fn defective(verb: &str, principal: Principal, message: Vec<u8>) -> Call {
    let mut call = sound(verb, principal, message);
    call.defects = Some(Fault::new(Reason::UnknownField).violation("pad.colour", "is no field"));
    call
}

both_engines! {
    async fn a_defect_is_told_to_who_may_make_the_request_and_to_nobody_else(engine: Engine) {
        let fixture = Fixture::start(engine, &pads()).await;
        let system = fixture.system();
        for (id, open) in [("open", true), ("hidden", false)] {
            let pad = json!({"owner": "ada", "open": open, "text": "first"});
            system.ok("pad.v1.PadService/CreatePad", json!({"pad_id": id, "pad": pad})).await;
        }
        let ada = fixture.user("ada", &["writer"]).principal();
        let (nobody, bob) = (Principal::anonymous(), fixture.user("bob", &[]).principal());
        let told = Reason::UnknownField;
        let cases = [
            ("Create", "new", &nobody, Reason::Unauthenticated),
            ("Create", "new", &bob, Reason::PermissionDenied),
            ("Create", "new", &ada, told),
            ("Update", "pads/open", &nobody, Reason::Unauthenticated),
            ("Update", "pads/open", &bob, Reason::PermissionDenied),
            ("Update", "pads/hidden", &bob, Reason::ResourceNotFound),
            ("Update", "pads/none", &ada, Reason::ResourceNotFound),
            ("Update", "pads/open", &ada, told),
            ("Delete", "pads/open", &bob, Reason::PermissionDenied),
            ("Delete", "pads/hidden", &bob, Reason::ResourceNotFound),
            ("Delete", "pads/hidden", &ada, told),
            // Reads are shaped before a row is looked for: the answer is the same whether it is there or not.
            ("Get", "pads/hidden", &bob, told),
            ("Get", "pads/none", &bob, told),
            ("List", "", &bob, told),
            // A name that could not be read names no row.
            ("Update", "", &ada, told),
            ("Delete", "no name at all", &ada, told),
        ];
        for (verb, name, who, reason) in cases {
            let call = defective(verb, who.clone(), naming(verb, name));
            let fault = fixture.data.resources().call(call).await.unwrap_err();
            assert_eq!(fault.reason(), Some(reason), "{verb} {name} {who:?}");
            if reason == told {
                assert_eq!(fault.violations()[0].field, "pad.colour");
            }
        }
        let left = system.ok("pad.v1.PadService/ListPads", json!({})).await;
        assert_eq!(left["pads"].as_array().unwrap().len(), 2, "nothing was made and nothing went");
        assert!(left["pads"].as_array().unwrap().iter().all(|pad| pad["text"] == "first"), "{left}");
    }

    async fn what_a_defect_leaves_of_a_batch_or_a_commit_is_not_what_is_told(engine: Engine) {
        let fixture = Fixture::start(engine, &pads()).await;
        let users = [("ada", "writer"), ("bob", "reader")].map(|(user, role)| fixture.user(user, &[role]).principal());
        // Of what could not be read, nothing is left; or half of it is, which is wrong by itself.
        let half = fixture.encoded("pad.v1.CommitRequest", &json!({"writes": [{"create_pad": {"request_id": "r"}}, {}]}));
        for (path, message) in [
            ("PadService/BatchCreatePads", Vec::new()),
            ("PadService/BatchCreatePads", fixture.encoded("pad.v1.BatchCreatePadsRequest", &json!({"requests": [{"request_id": "r"}]}))),
            ("PadService/BatchUpdatePads", Vec::new()),
            ("PadService/BatchDeletePads", Vec::new()),
            ("CommitService/Commit", Vec::new()),
            ("CommitService/Commit", half),
        ] {
            let ask = async |principal: &Principal| {
                let path = format!("/pad.v1.{path}");
                let mut call = Call::new(path.as_str(), principal.clone(), Bytes::from(message.clone()));
                call.defects = Some(Fault::new(Reason::UnknownField).violation("pad.colour", "is no field"));
                fixture.data.resources().call(call).await.unwrap_err()
            };
            let [ada, bob] = &users;
            let (fault, creates) = (ask(ada).await, path.contains("Create"));
            assert_eq!((fault.reason(), fault.violations().len()), (Some(Reason::UnknownField), 1), "{path}: {fault:?}");
            let other = ask(bob).await.reason();
            // Bob, too, may change and delete what is his.
            let told = if creates { Reason::PermissionDenied } else { Reason::UnknownField };
            assert!(other == Some(told) || other == Some(Reason::PermissionDenied), "{path}: {other:?}");
            assert_eq!(ask(&Principal::anonymous()).await.reason(), Some(Reason::Unauthenticated), "{path}");
        }
    }

    async fn a_remembered_answer_is_none_to_a_request_with_a_defect(engine: Engine) {
        let fixture = Fixture::start(engine, &pads()).await;
        let ada = fixture.user("ada", &["writer"]).principal();
        for (verb, name, request_id, reason) in [
            ("Create", "a", 4, Reason::UnknownField),
            ("Update", "pads/a", 4, Reason::UnknownField),
            // What is gone is not there for anybody.
            ("Delete", "pads/a", 5, Reason::ResourceNotFound),
        ] {
            let mut message = naming(verb, name);
            frame::put_bytes(request_id, b"once", &mut message);
            let answer = fixture.data.resources().call(sound(verb, ada.clone(), message.clone())).await.unwrap();
            let replayed = fixture.data.resources().call(sound(verb, ada.clone(), message.clone())).await.unwrap();
            assert_eq!(replayed, answer, "{verb}");
            let fault = fixture.data.resources().call(defective(verb, ada.clone(), message)).await.unwrap_err();
            assert_eq!(fault.reason(), Some(reason), "{verb}");
        }
    }

    async fn a_defect_travels_over_the_port_and_a_header_that_is_none_is_one(engine: Engine) {
        let fixture = Fixture::start(engine, &pads()).await;
        let port = port(&fixture);
        let fault = port.call(defective("List", Principal::anonymous(), Vec::new())).await.unwrap_err();
        assert_eq!(fault.reason(), Some(Reason::UnknownField));
        assert_eq!(fault.violations()[0].field, "pad.colour");
        let mut garbled = sound("List", Principal::anonymous(), Vec::new());
        garbled.metadata.insert("call-defects-bin", "?".parse().unwrap());
        assert_eq!(port.call(garbled).await.unwrap_err().reason(), Some(Reason::MalformedRequest));
    }

    async fn a_mask_that_is_no_text_is_told_to_who_may(engine: Engine) {
        let fixture = Fixture::start(engine, &pads()).await;
        let masked = async |principal: Principal| {
            let mut call = sound("Create", principal, naming("Create", "new"));
            call.metadata.insert("x-goog-fieldmask", http::HeaderValue::from_bytes(b"n\xffme").unwrap());
            fixture.data.resources().call(call).await.unwrap_err().reason()
        };
        assert_eq!(masked(Principal::anonymous()).await, Some(Reason::Unauthenticated));
        assert_eq!(masked(fixture.user("ada", &["writer"]).principal()).await, Some(Reason::InvalidMask));
    }
}
