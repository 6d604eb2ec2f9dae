//! Effects that make rows of other resources, and that take rows along their transitions.

use futures_util::future::join_all;
use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::{Caller, Fixture};

const COMMIT: &str = "people.v1.CommitService/Commit";
const HIRE: &str = "people.v1.EmployeeService/CreateEmployee";
const CHANGE: &str = "people.v1.EmployeeService/UpdateEmployee";
const ASK: &str = "people.v1.LeaveRequestService/CreateLeaveRequest";
const GET_LEAVE: &str = "people.v1.LeaveRequestService/GetLeaveRequest";
const DECIDE: &str = "people.v1.DecisionService/CreateDecision";
const LEAVE: &str = "employees/ann/leaveRequests/l1";

/// Leave that a manager decides of: a decision is a row of its own, which takes the request along.
const PEOPLE: &str = r#"
message Employee {
  option (google.api.resource) = {type: "people.example.com/Employee" pattern: "employees/{employee}"};
  option (mainstay.v1.resource) = {
    access {read: "auth.uid != null" write: "'hr' in auth.roles"}
    effect {on: "create" put {resource: "Task" each: "resource.todo" parent: "resource.name" set {field: "title" value: "this.title"}}}
    effect {on: "create" put {resource: "Task" each: "resource.plan.tasks" parent: "resource.name" set {field: "title" value: "this.title"}}}
    effect {
      on: "update" if: "resource.manager != old.manager"
      put {
        resource: "Notice" id: "'manager-' + resource.account"
        set {field: "account" value: "resource.account"} set {field: "text" value: "resource.manager"}
      }
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2;
  string manager = 3;
  int32 taken = 4 [(google.api.field_behavior) = OUTPUT_ONLY, (buf.validate.field).int32.lte = 30];
  repeated Planned todo = 5;
  string plan = 6 [(google.api.resource_reference).type = "people.example.com/Plan"];
  message Planned { string title = 1; }
}
message Plan {
  option (google.api.resource) = {type: "people.example.com/Plan" pattern: "plans/{plan}"};
  option (mainstay.v1.resource) = {access {read: "'hr' in auth.roles" write: "'hr' in auth.roles"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  repeated Employee.Planned tasks = 2;
}
message Task {
  option (google.api.resource) = {type: "people.example.com/Task" pattern: "employees/{employee}/tasks/{task}"};
  option (mainstay.v1.resource) = {access {read: "employee.account == auth.uid" write: "'hr' in auth.roles"} on_parent_delete: CASCADE};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string title = 2 [(google.api.field_behavior) = REQUIRED, (buf.validate.field).string.max_len = 10];
  string maker = 3 [(mainstay.v1.field) = {default: "auth.uid"}];
}
message LeaveRequest {
  option (google.api.resource) = {type: "people.example.com/LeaveRequest" pattern: "employees/{employee}/leaveRequests/{leave_request}"};
  option (mainstay.v1.resource) = {
    access {
      read: "employee.account == auth.uid || employee.manager == auth.uid"
      create: "employee.account == auth.uid"
      update: "employee.account == auth.uid && old.state == State.REQUESTED"
      delete: "false"
    }
    on_parent_delete: CASCADE
    effect {on: "Approve" set {field: "approver" value: "auth.uid"}}
    effect {on: "Approve" adjust {field: "employee.taken" by: "resource.days"}}
    effect {on: "Approve" put {resource: "Notice" set {field: "account" value: "employee.account"} set {field: "text" value: "'Approved'"}}}
    effect {on: "delete" put {resource: "Notice" set {field: "account" value: "resource.approver"} set {field: "text" value: "'Gone'"}}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  int32 days = 2;
  State state = 3 [(mainstay.v1.states) = {
    initial: "REQUESTED"
    transition {
      name: "Approve" from: "REQUESTED" to: "APPROVED" guard: "resource.days > 0"
      access: "employee.manager == auth.uid && employee.account != auth.uid"
    }
  }];
  string approver = 4 [(google.api.field_behavior) = OUTPUT_ONLY];
  enum State { STATE_UNSPECIFIED = 0; REQUESTED = 1; APPROVED = 2; }
}
message Decision {
  option (google.api.resource) = {
    type: "people.example.com/Decision" pattern: "employees/{employee}/leaveRequests/{leave_request}/decisions/{decision}"
  };
  option (mainstay.v1.resource) = {
    access {
      read: "employee.manager == auth.uid" update: "false" delete: "false"
      create: "employee.manager == auth.uid && employee.account != auth.uid"
    }
    on_parent_delete: CASCADE
    effect {on: "create" if: "resource.approves" move {row: "leave_request" transition: "Approve"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  bool approves = 2;
}
message Notice {
  option (google.api.resource) = {type: "people.example.com/Notice" pattern: "notices/{notice}"};
  option (mainstay.v1.resource) = {access {read: "resource.account == auth.uid" create: "false" update: "old.account == auth.uid" delete: "false"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string account = 2 [(google.api.field_behavior) = OUTPUT_ONLY];
  string text = 3 [(google.api.field_behavior) = OUTPUT_ONLY];
  bool read = 4;
  google.protobuf.Timestamp create_time = 5 [(google.api.field_behavior) = OUTPUT_ONLY];
}
"#;

/// Ann, below mia, who asks for three days of leave.
async fn with_leave(engine: Engine) -> Fixture {
    let fixture = Fixture::start(engine, &file("people.v1", PEOPLE)).await;
    let hr = fixture.user("hr", &["hr"]);
    hr.ok(HIRE, json!({"employee_id": "ann", "employee": {"account": "ann", "manager": "mia"}})).await;
    let leave =
        json!({"parent": "employees/ann", "leave_request_id": "l1", "leave_request": {"days": 3, "approver": "ann"}});
    let asked = fixture.user("ann", &[]).ok(ASK, leave).await;
    assert!(asked.get("approver").is_none(), "{asked}");
    fixture
}

fn approval() -> Json {
    json!({"parent": LEAVE, "decision": {"approves": true}})
}

async fn notices(caller: &Caller<'_>) -> Vec<Json> {
    let all = caller.ok("people.v1.NoticeService/ListNotices", json!({})).await;
    all["notices"].as_array().cloned().unwrap_or_default()
}

both_engines! {
    async fn a_row_is_made_for_each_element_of_a_list(engine: Engine) {
        let fixture = Fixture::start(engine, &file("people.v1", PEOPLE)).await;
        let (hr, ann) = (fixture.user("hr", &["hr"]), fixture.user("ann", &[]));
        hr.ok("people.v1.PlanService/CreatePlan", json!({"plan_id": "p", "plan": {"tasks": [{"title": "tour"}]}})).await;
        let tasks = json!([{"title": "desk"}, {"title": "badge"}]);
        let employee = json!({"account": "ann", "todo": tasks, "plan": "plans/p"});
        hr.ok(HIRE, json!({"employee_id": "ann", "employee": employee})).await;
        let made = ann.ok("people.v1.TaskService/ListTasks", json!({"parent": "employees/ann"})).await;
        let made: Vec<(&str, &str)> =
            made["tasks"].as_array().unwrap().iter().map(|task| (task["title"].as_str().unwrap(), task["maker"].as_str().unwrap())).collect();
        assert_eq!(made, [("desk", "hr"), ("badge", "hr"), ("tour", "hr")], "in their order, with defaults");
    }

    async fn what_cannot_be_made_is_told_by_the_element_and_nothing_is_done(engine: Engine) {
        let fixture = Fixture::start(engine, &file("people.v1", PEOPLE)).await;
        let hr = fixture.user("hr", &["hr"]);
        let plan = json!({"plan_id": "p", "plan": {"tasks": [{"title": "ok"}, {"title": "much too long a title"}]}});
        hr.ok("people.v1.PlanService/CreatePlan", plan).await;
        for (employee, field) in [
            (json!({"todo": [{"title": "ok"}, {"title": "much too long a title"}]}), "employee.todo[1]"),
            (json!({"todo": [{"title": "ok"}, {}]}), "employee.todo[1]"),
            (json!({"plan": "plans/p"}), "employee.plan"),
        ] {
            let hire = json!({"employee_id": "ann", "employee": employee});
            assert_eq!(hr.refused(HIRE, hire.clone()).await, (Reason::EffectRefused, vec![field.to_owned()]), "{hire}");
            let name = json!({"name": "employees/ann"});
            assert_eq!(hr.refused("people.v1.EmployeeService/GetEmployee", name).await.0, Reason::ResourceNotFound);
        }
    }

    async fn a_row_goes_along_by_what_happens_to_another(engine: Engine) {
        let fixture = with_leave(engine).await;
        let (ann, mia) = (fixture.user("ann", &[]), fixture.user("mia", &[]));
        assert_eq!(ann.refused(DECIDE, approval()).await.0, Reason::PermissionDenied, "not one's own");
        let tried = json!({"parent": LEAVE, "decision": {"approves": true}, "validate_only": true});
        mia.ok(DECIDE, tried).await;
        let name = json!({"name": LEAVE});
        assert_eq!(ann.ok(GET_LEAVE, name.clone()).await["state"], "REQUESTED");
        let once = json!({"parent": LEAVE, "decision": {"approves": true}, "request_id": "once"});
        let decided = mia.ok(DECIDE, once.clone()).await;
        assert_eq!(mia.ok(DECIDE, once).await, decided, "a repetition does nothing again");
        let done = ann.ok(GET_LEAVE, name.clone()).await;
        assert_eq!((&done["state"], &done["approver"]), (&json!("APPROVED"), &json!("mia")));
        let told = notices(&ann).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["text"], "Approved");
        let past = ann.ok("people.v1.LeaveRequestService/ListLeaveRequestTransitions", name.clone()).await;
        let (all, past) = (past["transitions"].as_array().unwrap().len(), &past["transitions"][0]);
        assert_eq!((all, &past["transition"], &past["actor"]), (1, &json!("Approve"), &json!("mia")));
        assert_eq!((&past["from_state"], &past["to_state"]), (&json!("REQUESTED"), &json!("APPROVED")), "{past}");
        let again = mia.refused(DECIDE, approval()).await;
        assert_eq!(again, (Reason::EffectRefused, vec!["decision.leave_request".to_owned()]), "it is decided");
        let employee = ann.ok("people.v1.EmployeeService/GetEmployee", json!({"name": "employees/ann"})).await;
        assert_eq!(employee["taken"], 3, "and its own effects happen once");
        let approve = "people.v1.LeaveRequestService/ApproveLeaveRequest";
        assert_eq!(ann.refused(approve, name).await.0, Reason::PermissionDenied);
    }

    async fn a_guard_is_asked_and_so_are_the_constraints_of_what_follows(engine: Engine) {
        let fixture = with_leave(engine).await;
        let (ann, mia) = (fixture.user("ann", &[]), fixture.user("mia", &[]));
        for days in [0, 31] {
            let change = json!({"leave_request": {"name": LEAVE, "days": days}, "update_mask": "days"});
            ann.ok("people.v1.LeaveRequestService/UpdateLeaveRequest", change).await;
            let refused = mia.refused(DECIDE, approval()).await;
            assert_eq!(refused, (Reason::EffectRefused, vec!["decision.leave_request".to_owned()]), "{days}");
            assert_eq!(ann.ok(GET_LEAVE, json!({"name": LEAVE})).await["state"], "REQUESTED");
        }
        assert!(notices(&ann).await.is_empty());
        mia.ok(DECIDE, json!({"parent": LEAVE, "decision": {}})).await;
    }

    async fn effects_of_batches_and_commits_see_what_was_moved_before(engine: Engine) {
        let fixture = with_leave(engine).await;
        let (ann, mia) = (fixture.user("ann", &[]), fixture.user("mia", &[]));
        let requests = json!({"parent": LEAVE, "requests": [{"decision": {"approves": true}}, {"decision": {"approves": true}}]});
        let refused = mia.refused("people.v1.DecisionService/BatchCreateDecisions", requests).await;
        assert_eq!(refused, (Reason::EffectRefused, vec!["requests[1].decision.leave_request".to_owned()]));
        assert_eq!(ann.ok(GET_LEAVE, json!({"name": LEAVE})).await["state"], "REQUESTED");
        let decide = json!({"create_decision": {"parent": LEAVE, "decision_id": "d", "decision": {"approves": true}}});
        let approve = json!({"approve_leave_request": {"name": LEAVE}});
        let twice = mia.refused(COMMIT, json!({"writes": [approve.clone(), decide.clone()]})).await;
        assert_eq!(twice, (Reason::EffectRefused, vec!["writes[1].create_decision.decision.leave_request".to_owned()]));
        let two = json!({"writes": [decide, {"create_decision": {"parent": LEAVE, "decision": {}}}]});
        mia.ok(COMMIT, two).await;
        assert_eq!(notices(&ann).await.len(), 1);
    }

    async fn what_goes_with_another_row_has_its_effects(engine: Engine) {
        let fixture = with_leave(engine).await;
        let mia = fixture.user("mia", &[]);
        mia.ok(DECIDE, approval()).await;
        fixture.user("hr", &["hr"]).ok("people.v1.EmployeeService/DeleteEmployee", json!({"name": "employees/ann"})).await;
        let told = notices(&mia).await;
        assert_eq!(told.iter().map(|told| told["text"].as_str().unwrap()).collect::<Vec<_>>(), ["Gone"]);
    }

    async fn a_row_that_is_there_gets_what_is_set_and_keeps_the_rest(engine: Engine) {
        let fixture = Fixture::start(engine, &file("people.v1", PEOPLE)).await;
        let (hr, ann) = (fixture.user("hr", &["hr"]), fixture.user("ann", &[]));
        hr.ok(HIRE, json!({"employee_id": "ann", "employee": {"account": "ann"}})).await;
        let get = json!({"name": "notices/manager-ann"});
        for manager in ["mia", "max"] {
            hr.ok(CHANGE, json!({"employee": {"name": "employees/ann", "manager": manager}, "update_mask": "manager"})).await;
            let told = ann.ok("people.v1.NoticeService/GetNotice", get.clone()).await;
            assert_eq!((&told["text"], &told["account"]), (&json!(manager), &json!("ann")));
            let read = json!({"notice": {"name": "notices/manager-ann", "read": true}, "update_mask": "read"});
            ann.ok("people.v1.NoticeService/UpdateNotice", read).await;
        }
        let told = ann.ok("people.v1.NoticeService/GetNotice", get).await;
        assert_eq!((&told["text"], &told["read"]), (&json!("max"), &json!(true)));
        let nameless = json!({"employee": {"name": "employees/ann", "account": "No Id", "manager": "x"}, "update_mask": "manager,account"});
        assert_eq!(hr.refused(CHANGE, nameless).await, (Reason::EffectRefused, vec!["employee".to_owned()]));
    }

    async fn of_many_who_put_one_row_at_once_one_makes_it_and_the_others_find_it(engine: Engine) {
        let fixture = Fixture::start(engine, &file("people.v1", PEOPLE)).await;
        let hr = fixture.user("hr", &["hr"]);
        for n in 0..12 {
            hr.ok(HIRE, json!({"employee_id": format!("e{n}"), "employee": {"account": "ann"}})).await;
        }
        let changes = (0..12).map(|n| {
            let employee = json!({"name": format!("employees/e{n}"), "manager": format!("m{n}")});
            let fixture = &fixture;
            async move { fixture.user("hr", &["hr"]).ok(CHANGE, json!({"employee": employee, "update_mask": "manager"})).await }
        });
        join_all(changes).await;
        let told = notices(&fixture.user("ann", &[])).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0]["text"].as_str().unwrap().starts_with('m'));
    }
}

/// Marks that are made below hidden shelves, and rooms of which each is booked once.
const HOTEL: &str = r#"
message Room {
  option (google.api.resource) = {type: "hotel.example.com/Room" pattern: "rooms/{room}"};
  option (mainstay.v1.resource) = {access {read: "'staff' in auth.roles" refer: "true" write: "'staff' in auth.roles"}};
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
}
message Booking {
  option (google.api.resource) = {type: "hotel.example.com/Booking" pattern: "bookings/{booking}"};
  option (mainstay.v1.resource) = {
    access {read: "'staff' in auth.roles" refer: "true" write: "'staff' in auth.roles"}
    index {fields: "room" fields: "state"}
    effect {
      on: "Confirm"
      put {
        resource: "Log" id: "'log-' + resource.note"
        set {field: "room" value: "resource.room"} set {field: "text" value: "resource.note"} set {field: "maker" value: "auth.uid"}
      }
    }
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string room = 2 [(google.api.resource_reference).type = "hotel.example.com/Room"];
  string note = 3;
  State state = 4 [(mainstay.v1.states) = {
    initial: "ASKED"
    transition {
      name: "Confirm" from: "ASKED" to: "CONFIRMED" access: "false"
      guard: "!Booking.exists(b, b.room == resource.room && b.state == State.CONFIRMED)"
    }
    transition {name: "Leave" from: "CONFIRMED" to: "LEFT" access: "'staff' in auth.roles"}
  }];
  enum State { STATE_UNSPECIFIED = 0; ASKED = 1; CONFIRMED = 2; LEFT = 3; }
}
message Log {
  option (google.api.resource) = {type: "hotel.example.com/Log" pattern: "logs/{log}"};
  option (mainstay.v1.resource) = {
    access {read: "'staff' in auth.roles" write: "'staff' in auth.roles"}
    index {fields: "text" unique: true}
    soft_delete: true
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string room = 2 [(google.api.resource_reference).type = "hotel.example.com/Room"];
  string text = 3;
  string maker = 4 [(google.api.field_behavior) = IMMUTABLE];
  google.protobuf.Timestamp delete_time = 5 [(google.api.field_behavior) = OUTPUT_ONLY];
}
message Payment {
  option (google.api.resource) = {type: "hotel.example.com/Payment" pattern: "payments/{payment}"};
  option (mainstay.v1.resource) = {
    access {read: "true" create: "auth.uid != null" update: "false" delete: "false"}
    effect {on: "create" move {row: "parts.booking" transition: "Confirm"}}
    effect {on: "create" if: "!resource.late" move {row: "resource" transition: "Book"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  repeated Part parts = 2;
  bool late = 3;
  State state = 4 [(mainstay.v1.states) = {
    initial: "NEW"
    transition {name: "Book" from: "NEW" to: "BOOKED" access: "false"}
  }];
  message Part { string booking = 1 [(google.api.resource_reference).type = "hotel.example.com/Booking"]; int32 amount = 2; }
  enum State { STATE_UNSPECIFIED = 0; NEW = 1; BOOKED = 2; }
}
"#;

const PAY: &str = "hotel.v1.PaymentService/CreatePayment";

async fn hotel(engine: Engine, bookings: &[(&str, &str, &str)]) -> Fixture {
    let fixture = Fixture::start(engine, &file("hotel.v1", HOTEL)).await;
    let staff = fixture.user("mia", &["staff"]);
    for room in ["one", "two"] {
        staff.ok("hotel.v1.RoomService/CreateRoom", json!({"room_id": room, "room": {}})).await;
    }
    for (id, room, note) in bookings {
        let booking = json!({"room": format!("rooms/{room}"), "note": note});
        staff.ok("hotel.v1.BookingService/CreateBooking", json!({"booking_id": id, "booking": booking})).await;
    }
    fixture
}

async fn confirmed(fixture: &Fixture) -> usize {
    let staff = fixture.user("mia", &["staff"]);
    let all = staff.ok("hotel.v1.BookingService/ListBookings", json!({"filter": "state = CONFIRMED"})).await;
    all["bookings"].as_array().map_or(0, Vec::len)
}

fn pay(bookings: &[&str]) -> Json {
    let parts: Vec<Json> =
        bookings.iter().map(|id| json!({"booking": format!("bookings/{id}"), "amount": 1})).collect();
    json!({"payment": {"parts": parts}})
}

fn refused(field: &str) -> (Reason, Vec<String>) {
    (Reason::EffectRefused, vec![field.to_owned()])
}

both_engines! {
    async fn the_row_itself_goes_along_and_is_answered_as_it_is_then(engine: Engine) {
        let fixture = hotel(engine, &[("a", "one", "a")]).await;
        let ann = fixture.user("ann", &[]);
        let paid = ann.ok(PAY, json!({"payment_id": "p", "payment": {}})).await;
        assert_eq!(paid["state"], "BOOKED");
        assert_eq!(ann.ok("hotel.v1.PaymentService/GetPayment", json!({"name": "payments/p"})).await, paid);
        assert_eq!(ann.ok(PAY, json!({"payment": {"late": true}})).await["state"], "NEW");
        let sent = json!({"payment": {"state": "BOOKED", "late": true}});
        assert_eq!(ann.refused(PAY, sent).await.0, Reason::FieldViolation, "nobody sets it");
    }

    async fn what_several_elements_name_goes_along_once(engine: Engine) {
        let fixture = hotel(engine, &[("a", "one", "a"), ("b", "two", "b")]).await;
        let ann = fixture.user("ann", &[]);
        ann.ok(PAY, pay(&["a", "b", "a"])).await;
        assert_eq!(confirmed(&fixture).await, 2);
        assert_eq!(ann.refused(PAY, pay(&["b"])).await, refused("payment.parts[0].booking"));
    }

    async fn a_guard_that_looks_at_all_rows_cannot_be_raced(engine: Engine) {
        let bookings: Vec<(String, String)> = (0..8).map(|n| (format!("b{n}"), format!("n{n}"))).collect();
        let bookings: Vec<(&str, &str, &str)> = bookings.iter().map(|(id, note)| (id.as_str(), "one", note.as_str())).collect();
        let fixture = hotel(engine, &bookings).await;
        // Two of one request, of which the second finds what the first makes.
        let ann = fixture.user("ann", &[]);
        assert_eq!(ann.refused(PAY, pay(&["b0", "b1"])).await, refused("payment.parts[1].booking"));
        assert_eq!(confirmed(&fixture).await, 0);
        let tries = (0..8).map(|n| {
            let fixture = &fixture;
            async move { fixture.user("ann", &[]).call(PAY, pay(&[&format!("b{n}")])).await.map_err(|fault| fault.reason()) }
        });
        let done = join_all(tries).await;
        assert!(done.iter().all(|done| done.is_ok() || *done == Err(Some(Reason::EffectRefused))), "{done:?}");
        assert_eq!((done.iter().filter(|done| done.is_ok()).count(), confirmed(&fixture).await), (1, 1));
    }

    async fn what_is_put_is_held_to_what_holds_for_every_row_and_nothing_is_told_of_it(engine: Engine) {
        let fixture = hotel(engine, &[("a", "one", "x"), ("b", "two", "x"), ("c", "two", "y"), ("d", "two", "Z")]).await;
        let (ann, staff) = (fixture.user("ann", &[]), fixture.user("mia", &["staff"]));
        let log = |id: &str, text: &str| json!({"log_id": id, "log": {"text": text}});
        // Somebody else's row has the unique value.
        staff.ok("hotel.v1.LogService/CreateLog", log("other", "x")).await;
        let fault = ann.fault(PAY, pay(&["a"])).await;
        assert_eq!(ann.refused(PAY, pay(&["a"])).await, refused("payment.parts[0].booking"));
        let said = format!("{fault:?}");
        assert!(!said.contains("other") && !said.contains("logs") && !said.contains("text"), "{said}");
        staff.ok("hotel.v1.LogService/UpdateLog", json!({"log": {"name": "logs/other", "text": "free"}, "update_mask": "text"})).await;
        // What the caller may not read is there for the contract to name.
        ann.ok(PAY, pay(&["a"])).await;
        let made = staff.ok("hotel.v1.LogService/GetLog", json!({"name": "logs/log-x"})).await;
        assert_eq!((&made["maker"], &made["room"]), (&json!("ann"), &json!("rooms/one")));
        // The row has an IMMUTABLE field, which another caller would change.
        assert_eq!(fixture.user("bob", &[]).refused(PAY, pay(&["b"])).await, refused("payment.parts[0].booking"));
        // One that was deleted and is kept is not brought back.
        staff.ok("hotel.v1.LogService/CreateLog", log("log-y", "gone")).await;
        staff.ok("hotel.v1.LogService/DeleteLog", json!({"name": "logs/log-y"})).await;
        assert_eq!(ann.refused(PAY, pay(&["c"])).await, refused("payment.parts[0].booking"));
        // An id that is none.
        assert_eq!(ann.refused(PAY, pay(&["d"])).await, refused("payment.parts[0].booking"));
        assert_eq!(confirmed(&fixture).await, 1);
        ann.ok(PAY, pay(&[])).await;
    }
}
