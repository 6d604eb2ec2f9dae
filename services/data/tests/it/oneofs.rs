//! `oneof`: of its fields at most one is set, in whatever way it came to be.

use mainstay_fault::Reason;
use mainstay_testkit::{Engine, both_engines};
use serde_json::{Value as Json, json};

use crate::contracts::file;
use crate::support::Fixture;

const CREATE: &str = "pay.v1.PaymentService/CreatePayment";
const GET: &str = "pay.v1.PaymentService/GetPayment";
const LIST: &str = "pay.v1.PaymentService/ListPayments";
const UPDATE: &str = "pay.v1.PaymentService/UpdatePayment";
const SETTLE: &str = "pay.v1.PaymentService/SettlePayment";
const COMMIT: &str = "pay.v1.CommitService/Commit";

/// What shines in one of two ways, chosen by what is wished for, and by switches.
const LAMP: &str = r#"
message Lamp {
  option (google.api.resource) = {type: "lamp.example.com/Lamp" pattern: "lamps/{lamp}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "auth.uid != null"}
    effect {on: "create" if: "resource.wish != ''" set {field: "white" value: "resource.wish"}}
    effect {on: "create" if: "resource.wish == ''" set {field: "bulbs.white" value: "this.wish"}}
    effect {on: "create" if: "resource.wish == ''" set {field: "bulbs.socket.screw.size" value: "this.size"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  oneof light {
    string colour = 2;
    string white = 3;
  }
  string wish = 4;
  repeated Bulb bulbs = 5;
  message Bulb {
    oneof light {
      string colour = 1;
      string white = 2;
    }
    string wish = 3;
    optional int32 size = 4;
    Socket socket = 5;
  }
  message Socket {
    oneof form {
      Screw screw = 1;
      string pins = 2;
    }
  }
  message Screw {
    optional int32 size = 1;
  }
}
message Switch {
  option (google.api.resource) = {type: "lamp.example.com/Switch" pattern: "switches/{switch}"};
  option (mainstay.v1.resource) = {
    access {read: "true" write: "auth.uid != null"}
    effect {on: "create" set {field: "lamp.colour" value: "resource.colour"}}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  string lamp = 2 [(google.api.resource_reference).type = "lamp.example.com/Lamp"];
  string colour = 3;
}
"#;

/// What was chosen to pay with, what it is about, and what came of it; steps choose as well.
fn contract() -> String {
    file(
        "pay.v1",
        r#"
message Payment {
  option (google.api.resource) = {type: "pay.example.com/Payment" pattern: "payments/{payment}"};
  option (mainstay.v1.resource) = {
    access {
      read: "!has(resource.card) || resource.card.digits != '13'"
      create: "!has(resource.card) || resource.card.digits != '13'"
      update: "new.coins < 100"
      delete: "true"
    }
    index {fields: "iban" unique: true}
  };
  string name = 1 [(google.api.field_behavior) = IDENTIFIER];
  oneof means {
    option (buf.validate.oneof).required = true;
    string iban = 2 [(buf.validate.field).string.min_len = 3];
    Card card = 3;
    int64 coins = 4;
    google.protobuf.Struct other = 5;
    Tree tree = 6;
    google.protobuf.Timestamp later = 7;
    google.protobuf.BoolValue free = 8;
  }
  oneof about {
    string former = 10 [(google.api.resource_reference).type = "pay.example.com/Payment"];
    string words = 11 [(mainstay.v1.field) = {default: "'nothing'" aliases: "text"}];
  }
  oneof guarded {
    string first = 20;
    string granted = 21 [(mainstay.v1.field).write = "'bank' in auth.roles"];
    string secret = 22 [(mainstay.v1.field) = {read: "'bank' in auth.roles" write: "'bank' in auth.roles"}];
  }
  oneof fixed {
    string once = 30 [(google.api.field_behavior) = IMMUTABLE];
    string again = 31;
  }
  repeated Step steps = 40;
  State state = 41 [(mainstay.v1.states) = {
    initial: "OPEN" transition {name: "Settle" from: "OPEN" to: "SETTLED" access: "true" input: "coins" input: "words"}
  }];
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; SETTLED = 2; }
  message Card {
    string digits = 1;
    oneof proof { string pin = 2; bool signed = 3; }
    string bank = 4 [(google.api.field_behavior) = OUTPUT_ONLY];
  }
  message Tree { Tree left = 1; string leaf = 2; }
  message Step {
    oneof what {
      option (buf.validate.oneof).required = true;
      string text = 1;
      int32 amount = 2;
      Card card = 3;
    }
  }
}
"#,
    )
}

const CASES: [&str; 7] = ["iban", "card", "coins", "other", "tree", "later", "free"];

/// A value of each case, in which nothing but the case is said.
fn value(case: &str) -> Json {
    match case {
        "iban" => json!("DE1"),
        "coins" => json!("0"),
        "later" => json!("1970-01-01T00:00:00Z"),
        "free" => json!(false),
        _ => json!({}),
    }
}

fn case_of(payment: &Json) -> Vec<&str> {
    CASES.into_iter().filter(|case| payment.get(case).is_some()).collect()
}

async fn created(fixture: &Fixture, payment: Json) -> Json {
    fixture.anonymous().ok(CREATE, json!({"payment": payment})).await
}

async fn start(engine: Engine) -> Fixture {
    Fixture::start(engine, &contract()).await
}

both_engines! {
    async fn each_case_is_kept_with_a_value_that_says_nothing(engine: Engine) {
        let fixture = start(engine).await;
        for case in CASES {
            let made = created(&fixture, json!({case: value(case)})).await;
            let got = fixture.anonymous().ok(GET, json!({"name": made["name"]})).await;
            let listed = fixture.anonymous().ok(LIST, json!({"filter": format!("name = {}", made["name"])})).await;
            for seen in [&made, &got, &listed["payments"][0]] {
                assert_eq!((case_of(seen), &seen[case]), (vec![case], &value(case)), "{seen}");
            }
        }
    }

    async fn a_case_is_switched_by_every_mask_and_unsets_the_one_before(engine: Engine) {
        let fixture = start(engine).await;
        let anonymous = fixture.anonymous();
        let made = created(&fixture, json!({"iban": "DE1"})).await;
        for mask in [None, Some("*"), Some("same"), Some("both")] {
            for case in CASES {
                let before = anonymous.ok(GET, json!({"name": made["name"]})).await;
                let was = case_of(&before)[0].to_owned();
                let mut request = json!({"payment": {"name": made["name"], case: value(case)}});
                match mask {
                    Some("same") => request["update_mask"] = json!(case),
                    Some("both") => request["update_mask"] = json!(format!("{was},{case}")),
                    Some(mask) => request["update_mask"] = json!(mask),
                    None => {}
                }
                let after = anonymous.ok(UPDATE, request).await;
                assert_eq!(case_of(&after), [case], "{was} to {case} by {mask:?}: {after}");
                assert_eq!(anonymous.ok(GET, json!({"name": made["name"]})).await, after);
            }
        }
    }

    async fn a_path_into_a_message_makes_it_the_case(engine: Engine) {
        let fixture = start(engine).await;
        let anonymous = fixture.anonymous();
        let made = created(&fixture, json!({"iban": "DE1"})).await;
        let update = |payment: Json, mask: &str| {
            let mut payment = payment;
            payment["name"] = made["name"].clone();
            json!({"payment": payment, "update_mask": mask})
        };
        let card = anonymous.ok(UPDATE, update(json!({"card": {"digits": "42", "pin": "1"}}), "card.digits")).await;
        assert_eq!((case_of(&card), &card["card"]), (vec!["card"], &json!({"digits": "42"})));
        let pin = anonymous.ok(UPDATE, update(json!({"card": {"pin": "1"}}), "card.pin")).await;
        assert_eq!(pin["card"], json!({"digits": "42", "pin": "1"}));
        let signed = anonymous.ok(UPDATE, update(json!({"card": {"signed": false}}), "card.signed")).await;
        assert_eq!(signed["card"], json!({"digits": "42", "signed": false}), "a oneof inside switches, too");
        let back = anonymous.ok(UPDATE, update(json!({"iban": "DE2"}), "iban")).await;
        let again = anonymous.ok(UPDATE, update(json!({"card": {}}), "card")).await;
        assert_eq!((case_of(&back), &again["card"]), (vec!["iban"], &json!({})), "nothing of the card is left");
    }

    async fn a_case_that_is_not_set_is_unset_alone(engine: Engine) {
        let fixture = start(engine).await;
        let made = created(&fixture, json!({"iban": "DE1", "words": "w"})).await;
        let request = |payment: Json, mask: &str| json!({"payment": payment, "update_mask": mask});
        let same = fixture.anonymous().ok(UPDATE, request(json!({"name": made["name"]}), "card,coins,former")).await;
        assert_eq!((case_of(&same), &same["words"]), (vec!["iban"], &json!("w")));
        let none = fixture.anonymous().ok(UPDATE, request(json!({"name": made["name"]}), "words")).await;
        assert_eq!((none.get("words"), none.get("former")), (None, None));
    }

    async fn of_two_in_one_message_the_last_one_counts(engine: Engine) {
        let fixture = start(engine).await;
        let mut body = fixture.encoded("pay.v1.Payment", &json!({"card": {"digits": "1"}}));
        body.extend(fixture.encoded("pay.v1.Payment", &json!({"iban": "DE1"})));
        body.extend(fixture.encoded("pay.v1.Payment", &json!({"coins": "7"})));
        let mut request = vec![0x1a, u8::try_from(body.len()).unwrap()];
        request.extend(body);
        fixture.anonymous().raw(CREATE, request).await.unwrap();
        let listed = fixture.anonymous().ok(LIST, json!({})).await;
        assert_eq!((case_of(&listed["payments"][0]), &listed["payments"][0]["coins"]), (vec!["coins"], &json!("7")));
    }

    async fn filters_and_orders_ask_for_the_case(engine: Engine) {
        let fixture = start(engine).await;
        for payment in [
            json!({"iban": "DE1"}), json!({"iban": "DE2"}), json!({"card": {"digits": "4"}}), json!({"card": {}}),
            json!({"coins": "0"}), json!({"coins": "5"}), json!({"other": {"a": 1.0}}), json!({"free": false}),
        ] {
            created(&fixture, payment).await;
        }
        for (filter, found) in [
            ("iban:*", 2),
            ("NOT iban:*", 6),
            ("iban = null", 6),
            ("iban = \"DE1\"", 1),
            ("card:*", 2),
            ("card.digits = \"4\"", 1),
            ("card.digits = \"\"", 1),
            ("coins:*", 2),
            ("coins:* AND coins >= 0", 2),
            ("coins:* AND coins = 0", 1),
            ("coins != null", 2),
            ("other:*", 1),
            ("other:a", 1),
            ("free:*", 1),
            ("free:* AND free = false", 1),
            ("iban:* OR coins:*", 4),
        ] {
            let answer = fixture.anonymous().ok(LIST, json!({"filter": filter})).await;
            assert_eq!(answer["payments"].as_array().map_or(0, Vec::len), found, "{filter}");
        }
        let ordered = fixture.anonymous().ok(LIST, json!({"order_by": "iban desc, coins desc"})).await;
        let firsts: Vec<&Json> = ordered["payments"].as_array().unwrap()[..4].iter().collect();
        assert_eq!([&firsts[0]["iban"], &firsts[1]["iban"]], [&json!("DE2"), &json!("DE1")]);
        assert_eq!([&firsts[2]["coins"], &firsts[3]["coins"]], [&json!("5"), &json!("0")]);
    }

    async fn rules_ask_for_the_case_in_sql_and_in_memory(engine: Engine) {
        let fixture = start(engine).await;
        let refused = fixture.user("u", &[]).refused(CREATE, json!({"payment": {"card": {"digits": "13"}}})).await;
        assert_eq!(refused.0, Reason::PermissionDenied, "create asks the evaluator");
        fixture.system().ok(CREATE, json!({"payment_id": "hidden", "payment": {"card": {"digits": "13"}}})).await;
        created(&fixture, json!({"card": {"digits": "14"}})).await;
        let seen = fixture.user("u", &[]).ok(LIST, json!({})).await;
        assert_eq!(seen["payments"].as_array().unwrap().len(), 1, "a list asks SQL");
        assert_eq!(fixture.user("u", &[]).refused(GET, json!({"name": "payments/hidden"})).await.0, Reason::ResourceNotFound);
        let made = created(&fixture, json!({"iban": "DE1"})).await;
        let rich = json!({"payment": {"name": made["name"], "coins": "100"}});
        assert_eq!(fixture.user("u", &[]).refused(UPDATE, rich).await.0, Reason::PermissionDenied, "the row as it would be");
    }

    async fn one_must_be_set_where_the_contract_says_so(engine: Engine) {
        let fixture = start(engine).await;
        let missing = |field: &str| (Reason::FieldViolation, vec![field.to_owned()]);
        assert_eq!(fixture.anonymous().refused(CREATE, json!({"payment": {}})).await, missing("payment.means"));
        let made = created(&fixture, json!({"coins": "0"})).await;
        let unset = json!({"payment": {"name": made["name"]}, "update_mask": "coins"});
        assert_eq!(fixture.anonymous().refused(UPDATE, unset).await, missing("payment.means"));
        let inside = json!({"payment": {"coins": "1", "steps": [{"amount": 0}, {}, {"text": ""}, {"card": {}}]}});
        assert_eq!(fixture.anonymous().refused(CREATE, inside).await, missing("payment.steps[1].what"));
        let short = json!({"payment": {"iban": ""}});
        assert_eq!(fixture.anonymous().refused(CREATE, short).await, missing("payment.iban"), "it is set, and too short");
    }

    async fn a_default_is_for_whoever_sends_no_case(engine: Engine) {
        let fixture = start(engine).await;
        let first = created(&fixture, json!({"coins": "1"})).await;
        assert_eq!((&first["words"], first.get("former")), (&json!("nothing"), None));
        let said = created(&fixture, json!({"coins": "1", "words": ""})).await;
        assert_eq!(said["words"], json!(""));
        let second = created(&fixture, json!({"coins": "1", "former": first["name"]})).await;
        assert_eq!((second.get("words"), &second["former"]), (None, &first["name"]));
        let words = json!({"payment": {"name": second["name"], "words": "w"}, "update_mask": "text"});
        let third = fixture.anonymous().ok(UPDATE, words).await;
        assert_eq!((&third["words"], third.get("former")), (&json!("w"), None), "the reference is gone");
    }

    async fn elements_of_lists_have_their_own_cases(engine: Engine) {
        let fixture = start(engine).await;
        let steps = json!([{"text": ""}, {"amount": 0}, {"card": {"digits": "1", "pin": ""}}, {"card": {}}]);
        let made = created(&fixture, json!({"coins": "1", "steps": steps})).await;
        assert_eq!(made["steps"], steps);
        let got = fixture.anonymous().ok(GET, json!({"name": made["name"]})).await;
        assert_eq!(got["steps"], steps);
        let found = fixture.anonymous().ok(LIST, json!({"filter": "steps.amount:0"})).await;
        assert_eq!(found["payments"].as_array().map_or(0, Vec::len), 1);
    }

    async fn who_may_not_set_a_field_does_not_unset_it_by_another(engine: Engine) {
        let fixture = start(engine).await;
        let bank = fixture.user("b", &["bank"]);
        let anonymous = fixture.user("u", &[]);
        for (field, told) in [("granted", "payment.granted"), ("secret", "payment.secret")] {
            let made = bank.ok(CREATE, json!({"payment": {"coins": "1", field: "x"}})).await;
            for mask in [Some("first"), None] {
                let mut request = json!({"payment": {"name": made["name"], "first": "f"}});
                request["update_mask"] = json!(mask);
                if mask.is_none() {
                    request.as_object_mut().unwrap().remove("update_mask");
                }
                let fault = anonymous.fault(UPDATE, request).await;
                assert_eq!(fault.reason(), Some(Reason::PermissionDenied), "{field}");
                assert!(format!("{fault:?}").contains(told), "{fault:?}");
            }
            let kept = bank.ok(GET, json!({"name": made["name"]})).await;
            assert_eq!((&kept[field], kept.get("first")), (&json!("x"), None));
            let beside = json!({"payment": {"name": made["name"], "coins": "2"}, "update_mask": "*"});
            if field == "secret" {
                anonymous.ok(UPDATE, beside).await;
                assert_eq!(bank.ok(GET, json!({"name": made["name"]})).await["secret"], json!("x"), "it is not there for him");
            }
            let first = json!({"payment": {"name": made["name"], "first": "f"}, "update_mask": "first"});
            let switched = bank.ok(UPDATE, first).await;
            assert_eq!((switched.get(field), &switched["first"]), (None, &json!("f")));
        }
    }

    async fn an_immutable_field_is_not_unset_by_another(engine: Engine) {
        let fixture = start(engine).await;
        let made = created(&fixture, json!({"coins": "1", "once": "o"})).await;
        let again = json!({"payment": {"name": made["name"], "again": "a"}});
        let immutable = (Reason::FieldViolation, vec!["payment.once".to_owned()]);
        let refused = fixture.anonymous().refused(UPDATE, again).await;
        assert_eq!(refused.1, immutable.1, "{refused:?}");
        let free = created(&fixture, json!({"coins": "1", "again": "a"})).await;
        let other = json!({"payment": {"name": free["name"], "again": "b"}});
        assert_eq!(fixture.anonymous().ok(UPDATE, other).await["again"], json!("b"));
    }

    async fn transforms_and_commits_switch_as_well(engine: Engine) {
        let fixture = start(engine).await;
        let made = created(&fixture, json!({"iban": "DE1"})).await;
        let add = json!({"payment": {"name": made["name"]}, "transforms": [{"field": "coins", "add": 5}]});
        let added = fixture.anonymous().ok(UPDATE, add).await;
        assert_eq!((case_of(&added), &added["coins"]), (vec!["coins"], &json!("5")));
        let writes = json!({"writes": [
            {"update_payment": {"payment": {"name": made["name"], "card": {"digits": "9"}}, "update_mask": "card"}},
            {"create_payment": {"payment_id": "two", "payment": {"free": true, "former": made["name"]}}},
        ]});
        fixture.anonymous().ok(COMMIT, writes).await;
        let one = fixture.anonymous().ok(GET, json!({"name": made["name"]})).await;
        let two = fixture.anonymous().ok(GET, json!({"name": "payments/two"})).await;
        assert_eq!((case_of(&one), case_of(&two), &two["former"]), (vec!["card"], vec!["free"], &made["name"]));
    }

    async fn what_is_given_with_a_transition_switches(engine: Engine) {
        let fixture = start(engine).await;
        let made = created(&fixture, json!({"iban": "DE1", "former": null})).await;
        let settled = fixture.anonymous().ok(SETTLE, json!({"name": made["name"], "coins": "3"})).await;
        assert_eq!((case_of(&settled), &settled["coins"], &settled["state"]), (vec!["coins"], &json!("3"), &json!("SETTLED")));
    }

    async fn a_read_mask_shows_the_case_that_it_names(engine: Engine) {
        let fixture = start(engine).await;
        let made = created(&fixture, json!({"card": {"digits": "1", "pin": "2"}})).await;
        let seen = fixture.anonymous().with_read_mask("iban,card.pin").ok(GET, json!({"name": made["name"]})).await;
        assert_eq!(seen, json!({"card": {"pin": "2"}}));
    }

    async fn the_same_text_is_taken_once_among_the_rows_of_that_case(engine: Engine) {
        let fixture = start(engine).await;
        created(&fixture, json!({"iban": "DE1"})).await;
        created(&fixture, json!({"coins": "1"})).await;
        created(&fixture, json!({"coins": "1"})).await;
        let taken = fixture.anonymous().refused(CREATE, json!({"payment": {"iban": "DE1"}})).await;
        assert_eq!(taken.0, Reason::UniqueViolation);
    }

    async fn what_an_effect_sets_in_an_element_unsets_the_others_there(engine: Engine) {
        let fixture = Fixture::start(engine, &file("lamp.v1", LAMP)).await;
        let bulbs = json!([
            {"colour": "red", "wish": "warm", "size": 27, "socket": {"pins": "two"}},
            {"colour": "red", "wish": "", "socket": {"pins": "two"}},
            {"white": "cold", "wish": "warm", "size": 14},
        ]);
        let made = json!({"lamp": {"bulbs": bulbs}});
        let made = fixture.user("ann", &[]).ok("lamp.v1.LampService/CreateLamp", made).await;
        let bulbs = &made["bulbs"];
        assert_eq!((&bulbs[0]["white"], bulbs[0].get("colour")), (&json!("warm"), None), "{made}");
        assert_eq!(bulbs[0]["socket"], json!({"screw": {"size": 27}}), "{made}");
        assert_eq!((bulbs[1].get("white"), &bulbs[1]["colour"]), (None, &json!("red")), "nothing is set: {made}");
        assert_eq!(bulbs[1]["socket"], json!({"pins": "two"}), "{made}");
        assert_eq!((&bulbs[2]["white"], &bulbs[2]["socket"]), (&json!("warm"), &json!({"screw": {"size": 14}})), "{made}");
    }

    async fn what_an_effect_sets_unsets_the_others(engine: Engine) {
        let contract = file("lamp.v1", LAMP);
        let fixture = Fixture::start(engine, &contract).await;
        let ann = fixture.user("ann", &[]);
        let made = json!({"lamp_id": "desk", "lamp": {"colour": "red", "wish": "warm"}});
        let made = ann.ok("lamp.v1.LampService/CreateLamp", made).await;
        assert_eq!((&made["white"], made.get("colour")), (&json!("warm"), None), "{made}");
        ann.ok("lamp.v1.SwitchService/CreateSwitch", json!({"switch": {"lamp": "lamps/desk", "colour": "blue"}})).await;
        let seen = ann.ok("lamp.v1.LampService/GetLamp", json!({"name": "lamps/desk"})).await;
        assert_eq!((&seen["colour"], seen.get("white")), (&json!("blue"), None), "{seen}");
    }
}
