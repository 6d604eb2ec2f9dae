//! S33: what lets more in is told as such, and waits in production for the yes of somebody who has seen it.

use mainstay_ledger::{Answer, Answers, Area, Ledger, Plan, Severity, Stage, Step, plan, probes};

use crate::shop::contract;

const DESK: &str = r#"syntax = "proto3";
package desk.v1;
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";
option (mainstay.v1.roles) = {
  role {name: "desk" permissions: "tickets.read" includes: "viewer"}
  role {name: "viewer" scope: ORGANISATION permissions: "tickets.list"}
  role {name: "closer" permissions: "tickets.close"}
};
message Ticket {
  option (google.api.resource) = {type: "desk.example.com/Ticket" pattern: "tickets/{ticket}"};
  option (mainstay.v1.resource) = {
    access {read: "resource.owner == auth.uid" create: "auth.uid != null" update: "'desk' in auth.roles" delete: "false" refer: "'desk' in auth.roles"}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2;
  string note = 3 [(mainstay.v1.field) = {read: "'desk' in auth.roles" write: "'desk' in auth.roles"}];
  string secret = 4 [(mainstay.v1.field).class = SECRET];
  string number = 5 [(google.api.field_behavior) = OUTPUT_ONLY];
  State state = 6 [(mainstay.v1.states) = {
    initial: "OPEN"
    transition {name: "Close" from: "OPEN" to: "CLOSED" access: "resource.owner == auth.uid"}
  }];
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; CLOSED = 2; }
}
service Printing {
  option (mainstay.v1.upstream) = "printing";
  rpc Print(PrintRequest) returns (PrintRequest) { option (mainstay.v1.auth) = {authenticated: true}; }
  rpc Bind(PrintRequest) returns (PrintRequest) { option (mainstay.v1.auth) = {roles: "desk"}; }
  rpc Fold(PrintRequest) returns (PrintRequest) { option (mainstay.v1.auth) = {roles: "desk" roles: "closer"}; }
  rpc Shred(PrintRequest) returns (PrintRequest);
}
message PrintRequest {}
"#;

/// What lets more in, in place of what.
const WIDER: [(&str, &str); 21] = [
    ("read: \"resource.owner == auth.uid\" create", "read: \"true\" create"),
    ("create: \"auth.uid != null\"", "create: \"true\""),
    ("update: \"'desk' in auth.roles\"", "update: \"'desk' in auth.roles || resource.owner == auth.uid\""),
    ("delete: \"false\"", "delete: \"auth.uid == resource.owner\""),
    ("refer: \"'desk' in auth.roles\"", "refer: \"true\""),
    ("{read: \"'desk' in auth.roles\" write", "{read: \"true\" write"),
    ("{read: \"'desk' in auth.roles\" write", "{write"),
    ("write: \"'desk' in auth.roles\"}]", "write: \"auth.uid != null || 'desk' in auth.roles\"}]"),
    ("string secret = 4 [(mainstay.v1.field).class = SECRET];", "string secret = 4;"),
    ("string number = 5 [(google.api.field_behavior) = OUTPUT_ONLY];", "string number = 5;"),
    ("access: \"resource.owner == auth.uid\"", "access: \"true\""),
    ("permissions: \"tickets.read\"", "permissions: \"tickets.read\" permissions: \"tickets.close\""),
    ("includes: \"viewer\"", "includes: \"viewer\" includes: \"closer\""),
    ("role {name: \"desk\"", "role {name: \"reader\" permissions: \"tickets.read\"} role {name: \"desk\""),
    ("permissions: \"tickets.list\"", "permissions: \"tickets.list\" permissions: \"tickets.read\""),
    ("{authenticated: true}", "{public: true}"),
    ("{roles: \"desk\"}", "{authenticated: true}"),
    ("{roles: \"desk\"}", "{roles: \"desk\" roles: \"closer\"}"),
    ("{roles: \"desk\"}", "{public: true}"),
    (
        "rpc Shred(PrintRequest) returns (PrintRequest);",
        "rpc Shred(PrintRequest) returns (PrintRequest) { option (mainstay.v1.auth) = {roles: \"desk\"}; }",
    ),
    (
        "rpc Bind(PrintRequest) returns (PrintRequest) {",
        "rpc Bind(PrintRequest) returns (PrintRequest) { option idempotency_level = NO_SIDE_EFFECTS;",
    ),
];

fn planned(ledger: &Ledger, text: &str) -> Plan {
    let contract = contract(text);
    let asked = probes(ledger, &contract).into_iter().map(|probe| (probe, Answer::default()));
    plan(ledger, &contract, &Answers(asked.collect())).expect("a plan")
}

#[test]
fn s33_what_lets_more_in_is_told_and_waits_in_production() {
    let base = planned(&Ledger::empty(), DESK).after;
    for (from, to) in WIDER {
        // Over the old row and the new, where it is an update.
        let to = if from.starts_with("update") { to.replace("resource.owner", "old.owner") } else { to.to_owned() };
        assert!(DESK.contains(from), "{from}");
        let plan = planned(&base, &DESK.replacen(from, &to, 1));
        let widens =
            |step: &&Step| step.effect().severity == Severity::Widened && step.effect().areas.contains(&Area::Access);
        let steps: Vec<&Step> = plan.steps.iter().filter(widens).collect();
        assert_eq!(steps.len(), 1, "{from} -> {to}: {plan}");
        let id = steps[0].id();
        assert!(steps[0].waits(Stage::Production), "{from} -> {to}: {plan}");
        assert!(!plan.is_ready(&[], Stage::Production) && plan.is_ready(&[id], Stage::Production), "{plan}");
        assert!(plan.to_string().contains("widened: access"), "{plan}");
    }
}

#[test]
fn s33_a_plan_that_was_reviewed_is_no_yes_to_another() {
    let base = planned(&Ledger::empty(), DESK).after;
    let hashes: Vec<String> = WIDER
        .iter()
        .map(|(from, to)| DESK.replacen(from, to, 1))
        .filter(|text| !text.contains("update: \"'desk' in auth.roles ||"))
        .map(|text| planned(&base, &text).hash())
        .collect();
    for (i, hash) in hashes.iter().enumerate() {
        assert!(!hashes[..i].contains(hash), "two plans have one hash");
    }
}

#[test]
fn who_may_call_a_service_of_the_applications_own_is_told() {
    let base = planned(&Ledger::empty(), DESK).after;
    for (from, to, severity) in [
        ("{authenticated: true}", "{roles: \"desk\"}", Severity::Narrowed),
        ("{roles: \"desk\" roles: \"closer\"}", "{roles: \"desk\"}", Severity::Narrowed),
        ("{roles: \"desk\"}", "{roles: \"closer\"}", Severity::Changed),
    ] {
        let plan = planned(&base, &DESK.replacen(from, to, 1));
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.effect().areas == [Area::Access]).collect();
        assert!(steps.len() == 1 && steps[0].effect().severity == severity, "{from} -> {to}: {plan}");
        assert_eq!(steps[0].waits(Stage::Production), severity != Severity::Narrowed, "{from} -> {to}: {plan}");
    }
    let text = planned(&base, &DESK.replacen("{authenticated: true}", "{public: true}", 1)).to_string();
    for told in ["desk.v1.Printing/Print", "until now: who is signed in;", "from now on: everybody;"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // Others are told who calls.
    let elsewhere = planned(&base, &DESK.replace("= \"printing\"", "= \"elsewhere\""));
    assert_eq!(elsewhere.steps.len(), 4, "{elsewhere}");
    assert!(elsewhere.steps.iter().all(|step| step.waits(Stage::Production)), "{elsewhere}");
    // What is gone lets nobody in, and does not come back as if it were new.
    let without = DESK.replace(
        "  rpc Print(PrintRequest) returns (PrintRequest) { option (mainstay.v1.auth) = {authenticated: true}; }\n",
        "",
    );
    let gone = planned(&base, &without);
    assert!(gone.is_empty(), "{gone}");
    assert!(planned(&gone.after, DESK).is_empty());
    let back = planned(&gone.after, &DESK.replace("{authenticated: true}", "{public: true}"));
    assert!(back.steps.len() == 1 && back.steps[0].waits(Stage::Production), "{back}");
}
