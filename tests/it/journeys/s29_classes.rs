//! S29: what is in a field with a class is in no error text, no log and no trace.

use mainstay_testkit::both_engines;
use mainstay_testkit::server::Launch;
use serde_json::{Value, json};

use super::trace::Collector;
use crate::support::{Folder, System, stores};

/// What is sent in such fields begins with this, and nothing else does.
const CANARY: &str = "hush";

const CONTRACT: &str = r#"syntax = "proto3";
package clinic.v1;

import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "google/protobuf/timestamp.proto";
import "mainstay/v1/options.proto";

message Doctor {
  option (google.api.resource) = {type: "clinic.example.org/Doctor" pattern: "doctors/{doctor}"};
  option (mainstay.v1.resource) = {access {read: "true" write: "true"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}

message Patient {
  option (google.api.resource) = {type: "clinic.example.org/Patient" pattern: "patients/{patient}"};
  option (mainstay.v1.resource) = {
    access {read: "true" create: "true" update: "new.bed != 13" delete: "true"}
    index {fields: "email" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  optional string email = 2 [
    (mainstay.v1.field) = {class: PII aliases: "mail"},
    (buf.validate.field).string.email = true
  ];
  int32 height = 3 [(mainstay.v1.field).class = PHI, (buf.validate.field).int32.lte = 300];
  Mood mood = 4 [(mainstay.v1.field).class = PHI];
  google.protobuf.Timestamp born = 5 [(mainstay.v1.field).class = PII];
  Home home = 6 [(mainstay.v1.field).class = PII];
  map<string, int32> codes = 7 [(mainstay.v1.field).class = SECRET];
  repeated Card cards = 8;
  string doctor = 9 [
    (mainstay.v1.field).class = PHI,
    (google.api.resource_reference).type = "clinic.example.org/Doctor"
  ];
  repeated string seen_by = 10 [
    (mainstay.v1.field).class = PHI,
    (google.api.resource_reference).type = "clinic.example.org/Doctor"
  ];
  bytes scan = 11 [(mainstay.v1.field).class = PHI];
  int32 bed = 12;
  map<string, Card> others = 13;
  string up = 14 [
    (mainstay.v1.field) = {class: PHI acyclic: true},
    (google.api.resource_reference).type = "clinic.example.org/Patient"
  ];
  repeated int32 doses = 15 [(mainstay.v1.field).class = PHI];
  State state = 16 [(mainstay.v1.states) = {
    initial: "IN"
    transition {name: "Leave" from: "IN" to: "OUT" access: "true" input: "doses" input: "doctor"}
  }];
  enum State { STATE_UNSPECIFIED = 0; IN = 1; OUT = 2; }
  enum Mood { MOOD_UNSPECIFIED = 0; FINE = 1; }
}

message Home {
  string street = 1 [(buf.validate.field).string.max_len = 20];
  int32 floor = 2;
}

message Card {
  string kind = 1;
  string number = 2 [(mainstay.v1.field).class = FINANCIAL, (buf.validate.field).string.pattern = "^[0-9]*$"];
  int32 pin = 3 [(mainstay.v1.field).class = SECRET];
  string by = 4 [
    (mainstay.v1.field).class = FINANCIAL,
    (google.api.resource_reference).type = "clinic.example.org/Doctor"
  ];
}
"#;

/// Patients that cannot be stored, each with the field that is told.
fn unfit() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"email": "hush at example"}), "patient.email"),
        (json!({"mail": 7}), "patient.email"),
        (json!({"height": "hush-1"}), "patient.height"),
        (json!({"height": 301}), "patient.height"),
        (json!({"mood": "hush-2"}), "patient.mood"),
        (json!({"born": "hush-3"}), "patient.born"),
        (json!({"scan": "hush 4"}), "patient.scan"),
        (json!({"home": {"hush-5": 1}}), "patient.home"),
        (json!({"home": {"floor": "hush-6"}}), "patient.home"),
        (json!({"home": "hush-7"}), "patient.home"),
        (json!({"home": {"street": "hush hush hush hush hush hush"}}), "patient.home"),
        (json!({"codes": {"hush-8": "x"}}), "patient.codes"),
        (json!({"cards": [{"number": "1"}, {"number": "hush-9"}]}), "patient.cards[1].number"),
        (json!({"cards": [{"kind": "k", "pin": "hush-10"}]}), "patient.cards[0].pin"),
        (json!({"doctor": "hush-11"}), "patient.doctor"),
        (json!({"doctor": "doctors/hush-12"}), "patient.doctor"),
        (json!({"seenBy": ["hush-13"]}), "patient.seen_by"),
        (json!({"seenBy": ["doctors/hush-14"]}), "patient.seen_by"),
        (json!({"cards": [{"by": "doctors/hush-24"}]}), "patient.cards[0].by"),
        (json!({"others": {"a].b": {"by": "hush-25"}}}), "patient.others"),
        (json!({"others": {"a].b": {"by": "doctors/hush-26"}}}), "patient.others"),
        (json!({"others": {"a\"].kind": {"by": "doctors/hush-27"}}}), "patient.others"),
        (json!({"others": {"a\"].b": {"number": "hush-28"}}}), "patient.others"),
    ]
}

fn silent(text: &str, of: &str) {
    assert!(!text.contains(CANARY), "{of}: {text}");
}

both_engines! {
    async fn s29_what_has_a_class_is_in_no_error_no_log_and_no_trace(engine: Engine) {
        let (collector, endpoint) = Collector::start().await;
        let folder = Folder::with("clinic/v1/patient.proto", CONTRACT);
        let (places, base) = stores(engine, Launch::new(folder.path())).await;
        let base = base
            .environment("MAINSTAY__TELEMETRY__OTLP_ENDPOINT", endpoint)
            .environment("MAINSTAY__TELEMETRY__TRACE_RATIO", "1")
            .environment("MAINSTAY__TELEMETRY__LOG", "debug");
        let system = System::three_from(base, folder).await;
        let (http, grpc) = (system.http(), system.grpc());
        let patients = "/clinic/v1/patients";
        let whole = json!({
            "email": "hush@example.org", "height": 170, "mood": "FINE", "born": "2000-01-01T00:00:00Z", "home": {"street": "hush"},
            "codes": {"hush": 1}, "cards": [{"number": "1"}], "scan": "aHVzaA=="
        });
        let made = http.post(&format!("{patients}?patientId=one"), whole.clone()).await.ok();
        assert_eq!(made["email"], "hush@example.org", "who may read it is answered with it");
        for (patient, field) in unfit() {
            let answer = http.post(patients, patient.clone()).await;
            let text = answer.text();
            assert!(answer.status == 400 || answer.status == 404, "{patient}: {} {text}", answer.status);
            assert!(text.contains(&format!("\"{field}")) || text.contains(&format!("\"{}", &field[8..])), "{field}: {text}");
            silent(&text, &patient.to_string());
            let answer = http.patch(&format!("{patients}/one"), patient.clone()).await;
            assert!(answer.status >= 400, "{patient}");
            silent(&answer.text(), &patient.to_string());
        }
        let taken = http.post(patients, whole).await;
        assert_eq!(taken.status, 409, "{}", taken.text());
        silent(&taken.text(), "a value that is taken");
        let denied = http.patch(&format!("{patients}/one"), json!({"email": "hush-denied@x", "bed": 13})).await;
        silent(&denied.text(), "a denied write");
        for filter in ["height%20%3E%20hush-15", "mood%20%3D%20hush-16", "born%20%3C%20%22hush-17%22", "codes%3Ahush-18%20OR%20height%3Ahush"] {
            let answer = http.get(&format!("{patients}?filter={filter}")).await;
            assert_eq!(answer.status, 400, "{}", answer.text());
            silent(&answer.text(), filter);
        }
        for request in [
            json!({"patient": {"doctor": "hush-19"}}),
            json!({"patient": {"seen_by": ["doctors/hush-20", "hush-21"]}}),
            json!({"patient": {"cards": [{"number": "hush-22"}]}}),
            json!({"patient": {"home": {"street": "hush hush hush hush hush hush"}}}),
        ] {
            let refused = grpc.call("clinic.v1.PatientService/CreatePatient", &request).expect_err("it does not fit");
            silent(&format!("{refused:?}"), &request.to_string());
        }
        for transform in [json!({"field": "height", "add": 2_147_483_647_u32}), json!({"field": "height", "max": "hush-23"})] {
            let request = json!({"patient": {"name": "patients/one"}, "transforms": [transform]});
            let refused = grpc.call("clinic.v1.PatientService/UpdatePatient", &request).expect_err("it does not fit");
            let text = format!("{refused:?}");
            assert!(!text.contains("170"), "{text}");
            silent(&text, &request.to_string());
        }
        for given in [json!({"doses": ["hush-29"]}), json!({"doctor": "hush-30"}), json!({"doctor": "doctors/hush-31"})] {
            let answer = http.post(&format!("{patients}/one:leave"), given.clone()).await;
            assert!(answer.status == 400 || answer.status == 404, "{given}: {} {}", answer.status, answer.text());
            silent(&answer.text(), &given.to_string());
        }
        let given = json!({"name": "patients/one", "doctor": "hush-32"});
        let refused = grpc.call("clinic.v1.PatientService/LeavePatient", &given).expect_err("it is no name");
        silent(&format!("{refused:?}"), &given.to_string());
        http.post(&format!("{patients}?patientId=below"), json!({"up": "patients/one"})).await.ok();
        let circle = http.patch(&format!("{patients}/one"), json!({"up": "patients/below"})).await;
        assert!(circle.text().contains("CYCLE") && !circle.text().contains("patients/below"), "{}", circle.text());
        for mask in ["codes.hush-33", "scan.hush-34", "home.hush-35", "mail.hush-36", "cards.pin.hush-37"] {
            for (verb, query) in [("an update", "updateMask"), ("an expansion", "expand"), ("what is wanted of an answer", "$fields")] {
                let path = format!("{patients}/one?{query}={mask}");
                let answer = match query {
                    "updateMask" => http.patch(&path, json!({"bed": 3})).await,
                    _ => http.get(&path).await,
                };
                assert_eq!(answer.status, 400, "{verb} {mask}: {}", answer.text());
                silent(&answer.text(), verb);
            }
        }
        // What has no class is told as ever.
        assert!(http.post(patients, json!({"bed": "loud"})).await.text().contains("loud"));
        for server in system.auth.iter().chain(&system.data).chain([&system.gateway]) {
            let log = server.log();
            let said = log.lines().find(|line| line.contains(CANARY) && !line.contains("patient.proto"));
            assert_eq!(said, None, "in the log");
        }
        collector.some_spans().await;
        silent(&collector.everything(), "a trace");
        drop((system, places));
    }
}
