//! Transitions as clients that are not ours drive them: curl's and grpcurl's way, and buf's in three protocols. All of them see
//! the same.

use mainstay_testkit::Engine;
use serde_json::{Value, json};

use super::workshop::Workshop;
use crate::support::{Folder, System};

const FILE: &str = "desk/v1/ticket.proto";

const CONTRACT: &str = r#"syntax = "proto3";

package desk.v1;

import "buf/validate/validate.proto";
import "google/api/field_behavior.proto";
import "google/api/resource.proto";
import "mainstay/v1/options.proto";

// What somebody wants done.
message Ticket {
  option (google.api.resource) = {type: "desk.example.org/Ticket" pattern: "tickets/{ticket}"};
  option (mainstay.v1.resource) = {access {
    read: "resource.owner == auth.uid || 'staff' in auth.roles"
    create: "resource.owner == auth.uid"
    update: "old.owner == auth.uid"
  }};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string owner = 2 [(mainstay.v1.field) = {default: "auth.uid"}, (google.api.field_behavior) = IMMUTABLE];
  repeated string wishes = 3;
  State state = 4 [(mainstay.v1.states) = {
    initial: "OPEN"
    transition {name: "File" from: "OPEN" to: "FILED" access: "resource.owner == auth.uid" guard: "size(resource.wishes) > 0" input: "note"}
    transition {name: "Close" from: "FILED" to: "CLOSED" access: "'staff' in auth.roles"}
  }];
  string note = 5 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).string.max_len = 5];
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; FILED = 2; CLOSED = 3; }
}
"#;

const SERVICE: &str = "desk.v1.TicketService";

/// The ways to call.
const WAYS: [&str; 5] = ["rest", "grpcurl", "grpc", "grpcweb", "connect"];

struct Desk {
    system: System,
    workshop: Workshop,
    owner: String,
    staff: String,
}

impl Desk {
    async fn open(system: System) -> Desk {
        let owner = system.user("ada@example.org").await.token().to_owned();
        let staff = system.user_with_role("stan@example.org", "staff").await.token().to_owned();
        let workshop = Workshop::of(&system, &owner, &staff);
        Desk { system, workshop, owner, staff }
    }

    /// Calls a method of tickets in a way. Answers what it answers, or the code of its refusal in one spelling.
    async fn call(&self, way: &str, method: &str, request: Value, token: Option<&str>) -> Result<Value, String> {
        let path = if method == "Commit" { "desk.v1.CommitService/Commit" } else { &format!("{SERVICE}/{method}") };
        let code = |code: &str| code.replace('_', "").to_lowercase();
        match way {
            "rest" => self.rest(method, request, token).await.map_err(|word| code(&word)),
            "grpcurl" => {
                let nobody = self.system.grpc();
                let grpc = token.map_or(nobody.clone(), |token| nobody.with_token(token));
                grpc.call(path, &request).map_err(|refusal| code(&refusal.code))
            }
            protocol => match self.workshop.buf_curl(protocol, path, &request, token) {
                (true, answer) => Ok(answer),
                (false, refusal) => Err(code(refusal["code"].as_str().expect("a refusal has a code"))),
            },
        }
    }

    /// The same by its HTTP rule.
    async fn rest(&self, method: &str, mut request: Value, token: Option<&str>) -> Result<Value, String> {
        let nobody = self.system.http();
        let http = token.map_or(nobody.clone(), |token| nobody.with_token(token));
        let name = request.as_object_mut().and_then(|fields| fields.remove("name"));
        let name = name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let answer = match method {
            "CreateTicket" => {
                let id = request["ticket_id"].as_str().expect("it has an id").to_owned();
                http.post(&format!("/desk/v1/tickets?ticketId={id}"), request["ticket"].take()).await
            }
            "GetTicket" => http.get(&format!("/desk/v1/{name}")).await,
            "UpdateTicket" => {
                let path = format!("/desk/v1/{}", request["ticket"]["name"].as_str().expect("it has a name"));
                http.patch(&path, request["ticket"].take()).await
            }
            "ListTicketTransitions" => http.get(&format!("/desk/v1/{name}:listTransitions")).await,
            "Commit" => http.post("/desk/v1:commit", request).await,
            "FileTicket" => http.post(&format!("/desk/v1/{name}:file"), request).await,
            "CloseTicket" => http.post(&format!("/desk/v1/{name}:close"), request).await,
            other => panic!("{other}"),
        };
        if answer.status == 200 { Ok(answer.json()) } else { Err(answer.word()) }
    }

    /// What becomes of a ticket, told in the words of all clients.
    async fn ticket(&self, way: &str) -> Vec<(&'static str, Value)> {
        let name = format!("tickets/{way}");
        let (owner, staff) = (Some(self.owner.as_str()), Some(self.staff.as_str()));
        let call = async |method: &str, request: Value, token: Option<&str>| {
            let told = self.call(way, method, request, token).await;
            told.map_or_else(|code| json!(code), |answer| answer.get("state").cloned().unwrap_or(answer))
        };
        let mut seen = Vec::new();
        let forged = json!({"ticket_id": way, "ticket": {"state": "CLOSED"}});
        seen.push(("made in a state of its own choice", call("CreateTicket", forged, owner).await));
        seen.push(("made", call("CreateTicket", json!({"ticket_id": way, "ticket": {}}), owner).await));
        seen.push(("filed by nobody", call("FileTicket", json!({"name": name}), None).await));
        seen.push(("filed by another", call("FileTicket", json!({"name": name}), staff).await));
        seen.push(("filed without a wish", call("FileTicket", json!({"name": name}), owner).await));
        let wish = json!({"ticket": {"name": name, "wishes": ["tea"]}});
        seen.push(("wished for", call("UpdateTicket", wish, owner).await));
        seen.push(("closed too early", call("CloseTicket", json!({"name": name}), staff).await));
        let long = json!({"name": name, "note": "far too long"});
        seen.push(("filed with a long note", call("FileTicket", long, owner).await));
        let dry = json!({"name": name, "validate_only": true});
        seen.push(("filed to see whether", call("FileTicket", dry, owner).await));
        seen.push(("read", call("GetTicket", json!({"name": name}), owner).await));
        let file = json!({"name": name, "note": "soon", "request_id": format!("once-{way}")});
        seen.push(("filed", call("FileTicket", file.clone(), owner).await));
        seen.push(("filed once more by the same request", call("FileTicket", file, owner).await));
        seen.push(("filed again", call("FileTicket", json!({"name": name}), owner).await));
        let set = json!({"ticket": {"name": name, "state": "OPEN"}});
        seen.push(("set back", call("UpdateTicket", set, owner).await));
        let missing = json!({"name": "tickets/nowhere"});
        seen.push(("closed and missing", call("CloseTicket", missing, staff).await));
        let writes = json!({"writes": [{"close_ticket": {"name": name}}]});
        let closed = call("Commit", writes, staff).await;
        seen.push(("closed in a commit", closed["results"][0]["ticket"]["state"].clone()));
        let past = call("ListTicketTransitions", json!({"name": name}), owner).await;
        let past = past["transitions"].as_array().cloned().unwrap_or_default();
        let told = past.iter().map(|one| {
            json!([
                one["transition"],
                one["fromState"],
                one["toState"],
                one.get("inputs").unwrap_or(&Value::Null)["note"]
            ])
        });
        seen.push(("its past", told.collect()));
        seen
    }
}

fn seen_by_all() -> Vec<(&'static str, Value)> {
    vec![
        ("made in a state of its own choice", json!("invalidargument")),
        ("made", json!("OPEN")),
        ("filed by nobody", json!("unauthenticated")),
        ("filed by another", json!("permissiondenied")),
        ("filed without a wish", json!("failedprecondition")),
        ("wished for", json!("OPEN")),
        ("closed too early", json!("failedprecondition")),
        ("filed with a long note", json!("invalidargument")),
        ("filed to see whether", json!("FILED")),
        ("read", json!("OPEN")),
        ("filed", json!("FILED")),
        ("filed once more by the same request", json!("FILED")),
        ("filed again", json!("failedprecondition")),
        ("set back", json!("invalidargument")),
        ("closed and missing", json!("notfound")),
        ("closed in a commit", json!("CLOSED")),
        ("its past", json!([["Close", "FILED", "CLOSED", null], ["File", "OPEN", "FILED", "soon"]])),
    ]
}

async fn everybody_drives_transitions(system: System) {
    let desk = Desk::open(system).await;
    for way in WAYS {
        assert_eq!(desk.ticket(way).await, seen_by_all(), "{way}");
    }
}

#[tokio::test]
async fn transitions_are_driven_by_foreign_clients_in_one_process_on_sqlite() {
    everybody_drives_transitions(System::one(Engine::Sqlite, Folder::with(FILE, CONTRACT)).await).await;
}

#[tokio::test]
async fn transitions_are_driven_by_foreign_clients_through_three_processes_on_postgres() {
    everybody_drives_transitions(System::three(Engine::Postgres, Folder::with(FILE, CONTRACT)).await).await;
}
