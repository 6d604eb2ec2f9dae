//! What must hold of a row as a whole.

use mainstay_fault::Reason;
use mainstay_testkit::both_engines;
use serde_json::json;

use crate::contracts::notes;
use crate::support::Fixture;

const CREATE: &str = "note.v1.NoteService/CreateNote";
const UPDATE: &str = "note.v1.NoteService/UpdateNote";

const FIELDS: &str = r#"
    option (buf.validate.message).cel = {id: "used_up" message: "the coupon is used up" expression: "this.uses <= this.max_uses"};
    int32 uses = 2; int32 max_uses = 3; optional string mail = 4 [(buf.validate.field).string.email = true];
    Span span = 5;
    message Span {
      option (buf.validate.message).cel = {id: "order" message: "it ends before it begins" expression: "this.first <= this.last"};
      google.type.Date first = 1; google.type.Date last = 2;
    }"#;

/// Conditions in every place that has them.
const EVERYWHERE: &str = r#"
    string code = 2 [(buf.validate.field).cel = {id: "no_x" message: "must not begin with x" expression: "!this.startsWith('x')"}];
    repeated Line lines = 3;
    map<string, int32> counts = 4 [(buf.validate.field).map = {keys: {string: {max_len: 2}} values: {int32: {gt: 9 lt: 5}}}];
    google.protobuf.Timestamp due = 5 [(buf.validate.field).timestamp.gt_now = true];
    message Line {
      option (buf.validate.message).cel = {id: "enough" message: "there are too many" expression: "this.taken <= this.there"};
      option (buf.validate.message).oneof = {fields: "product" fields: "text"};
      int32 taken = 1; int32 there = 2; string product = 3; string text = 4;
    }"#;

fn told(fault: &mainstay_fault::Fault) -> Vec<String> {
    fault.violations().iter().map(|v| format!("{}: {}", v.field, v.description)).collect()
}

both_engines! {
    async fn what_is_in_an_any_and_in_a_mask_is_held_to_its_constraints(engine: Engine) {
        const FIELDS: &str = r#"
    google.protobuf.Any one = 2 [(buf.validate.field).any.in = "type.googleapis.com/google.protobuf.Duration"];
    google.protobuf.FieldMask mask = 3 [(buf.validate.field).field_mask = {in: "title" in: "place" not_in: "place.secret"}];
    repeated google.protobuf.Any many = 4 [(buf.validate.field).repeated.items.any.not_in = "type.googleapis.com/google.protobuf.Duration"];
    map<string, google.protobuf.FieldMask> masks = 5 [(buf.validate.field).map.values.field_mask.in = "a"];
    Inner inner = 6;
    repeated Inner inners = 7;
    message Inner { google.protobuf.FieldMask mask = 1 [(buf.validate.field).field_mask.const = {paths: "a" paths: "b"}]; }"#;
        let contract = notes(FIELDS)
            .replacen("import", "import \"google/protobuf/any.proto\";\nimport \"google/protobuf/field_mask.proto\";\nimport", 1);
        let fixture = Fixture::start(engine, &contract).await;
        let nobody = fixture.anonymous();
        let any = |name: &str, value: serde_json::Value| json!({"@type": format!("type.googleapis.com/google.protobuf.{name}"), "value": value});
        let good = json!({
            "one": any("Duration", json!("1s")), "mask": "title,place.city", "many": [any("Empty", json!({}))], "masks": {"x": "a.b"},
            "inner": {"mask": "a,b"}, "inners": [{"mask": "a,b"}, {}]
        });
        nobody.ok(CREATE, json!({"note_id": "a", "note": good})).await;
        nobody.ok(CREATE, json!({"note": {}})).await;
        let bad = json!({
            "one": any("Empty", json!({})), "mask": "title,place.secret.key", "many": [any("Empty", json!({})), any("Duration", json!("1s"))],
            "masks": {"x": "a", "y": "ab"}, "inner": {"mask": "b,a"}, "inners": [{}, {"mask": ""}]
        });
        let fault = nobody.fault(CREATE, json!({"note": bad})).await;
        let wrong = [
            "note.one: must be of one of the types type.googleapis.com/google.protobuf.Duration",
            "note.mask: must have no path of place.secret nor what is below",
            "note.many[1]: must be of none of the types type.googleapis.com/google.protobuf.Duration",
            "note.masks[\"y\"]: must have no path but a and what is below",
            "note.inner.mask: must have the paths a, b",
            "note.inners[1].mask: must have the paths a, b",
        ];
        assert_eq!((fault.reason(), told(&fault)), (Some(Reason::FieldViolation), wrong.map(str::to_owned).to_vec()));
    }

    async fn what_lies_in_lists_and_maps_is_held_to_its_conditions(engine: Engine) {
        let fixture = Fixture::start(engine, &notes(EVERYWHERE)).await;
        let nobody = fixture.anonymous();
        let line = json!({"taken": 1, "there": 2, "product": "p"});
        let good = json!({"code": "ax", "lines": [line], "counts": {"a": 4, "b": 10}, "due": "2999-01-01T00:00:00Z"});
        nobody.ok(CREATE, json!({"note_id": "a", "note": good})).await;
        let bad = json!({
            "code": "xa", "lines": [line, {"taken": 2, "there": 1, "product": "p", "text": "t"}],
            "counts": {"abc": 7}, "due": "2001-01-01T00:00:00Z",
        });
        let wrong = [
            "note.code: must not begin with x (no_x)",
            "note.lines[1]: there are too many (enough)",
            "note.lines[1]: only one of `product`, `text` may be set (message.oneof)",
            "note.counts[\"abc\"]: has a key that must have at most 2 characters",
            "note.counts[\"abc\"]: must be greater than 9 or less than 5",
            "note.due: must be in the future",
        ];
        let fault = nobody.fault(CREATE, json!({"note": bad})).await;
        assert_eq!((fault.reason(), told(&fault)), (Some(Reason::FieldViolation), wrong.map(str::to_owned).to_vec()));
        let mut changed = bad.clone();
        changed["name"] = json!("notes/a");
        let fault = nobody.fault(UPDATE, json!({"note": changed})).await;
        assert_eq!(told(&fault), wrong, "the row as it would be");
        let mut dry = json!({"note": bad, "validate_only": true});
        let fault = nobody.fault(CREATE, dry.take()).await;
        assert_eq!(told(&fault), wrong, "when it is only asked, too");
    }

    /// What is stored keeps the keys of its birth.
    async fn a_renamed_field_of_a_stored_message_is_still_compared(engine: Engine) {
        let fixture = Fixture::start(engine, &notes(EVERYWHERE)).await;
        let nobody = fixture.anonymous();
        let lines = json!([{"taken": 2, "there": 2, "text": "t"}]);
        nobody.ok(CREATE, json!({"note_id": "a", "note": {"lines": lines}})).await;
        let renamed = EVERYWHERE
            .replace("int32 taken = 1; int32 there = 2;", "int32 used = 1; int32 stock = 2;")
            .replace("this.taken <= this.there", "this.used <= this.stock")
            .replace("string text = 4", "string words = 4")
            .replace("fields: \"text\"", "fields: \"words\"")
            .replace("repeated Line lines = 3;", "repeated Line lines = 3 [(buf.validate.field).cel = {id: \"few\" expression: \"this.all(l, l.stock < 9)\"}];");
        fixture.rewrite(&notes(&renamed)).await;
        nobody.ok(UPDATE, json!({"note": {"name": "notes/a", "code": "b"}})).await;
        let update = |line: serde_json::Value| json!({"note": {"name": "notes/a", "lines": [line]}});
        nobody.ok(UPDATE, update(json!({"used": 3, "stock": 3, "product": "p"}))).await;
        let fault = nobody.fault(UPDATE, update(json!({"used": 10, "stock": 9, "product": "p", "words": "w"}))).await;
        assert_eq!(told(&fault), [
            "note.lines: must be so that this.all(l, l.stock < 9) (few)",
            "note.lines[0]: there are too many (enough)",
            "note.lines[0]: only one of `product`, `words` may be set (message.oneof)",
        ]);
    }

    /// S10: what a condition compares may be hidden from who writes. That the row cannot be stored like this is all that is said.
    async fn s10_a_condition_says_nothing_of_what_its_caller_does_not_see(engine: Engine) {
        const HIDDEN: &str = r#"
            option (buf.validate.message).cel = {id: "used_up" message: "more than max_uses" expression: "this.uses <= this.max_uses"};
            option (buf.validate.message).oneof = {fields: "secret" fields: "text"};
            option (buf.validate.message).cel = {id: "odd" expression: "this.uses != 13"};
            int32 uses = 2;
            int32 max_uses = 3 [(mainstay.v1.field).read = "'staff' in auth.roles"];
            string secret = 4 [(mainstay.v1.field).read = "'staff' in auth.roles"];
            string text = 5;"#;
        let fixture = Fixture::start(engine, &notes(HIDDEN)).await;
        let (staff, ben) = (fixture.user("stan", &["staff"]), fixture.user("ben", &[]));
        staff.ok(CREATE, json!({"note_id": "a", "note": {"uses": 1, "max_uses": 2, "secret": "s"}})).await;
        let update = json!({"note": {"name": "notes/a", "uses": 13, "text": "t"}});
        assert_eq!(told(&staff.fault(UPDATE, update.clone()).await), [
            "note: more than max_uses (used_up)",
            "note: must be so that this.uses != 13 (odd)",
            "note: only one of `secret`, `text` may be set (message.oneof)",
        ]);
        let unsaid = "note: cannot be stored like this: a field that you may not read is not valid, or not beside the others";
        let fault = ben.fault(UPDATE, update).await;
        assert_eq!(told(&fault), [unsaid, "note: must be so that this.uses != 13 (odd)"], "once, however many there are");
        // Who sends the field by himself knows what he sent.
        let own = json!({"note": {"name": "notes/a", "uses": 5, "max_uses": 4}});
        assert_eq!(told(&ben.fault(UPDATE, own).await), ["note: more than max_uses (used_up)"]);
        ben.ok(UPDATE, json!({"note": {"name": "notes/a", "uses": 2}})).await;
    }

    async fn the_row_as_it_would_be_is_held_to_what_is_said_of_it_and_all_is_told_at_once(engine: Engine) {
        let fixture = Fixture::start(engine, &notes(FIELDS)).await;
        let nobody = fixture.anonymous();
        let note = json!({"uses": 3, "max_uses": 2, "mail": "ada", "span": {"first": {"year": 2026, "month": 2, "day": 2}, "last": {"year": 2026, "month": 2, "day": 1}}});
        let fault = nobody.fault(CREATE, json!({"note": note})).await;
        assert_eq!(fault.reason(), Some(Reason::FieldViolation));
        let told: Vec<String> = fault.violations().iter().map(|v| format!("{}: {}", v.field, v.description)).collect();
        assert_eq!(told, [
            "note.mail: must be an e-mail address",
            "note.span: it ends before it begins (order)",
            "note: the coupon is used up (used_up)",
        ]);
        nobody.ok(CREATE, json!({"note_id": "a", "note": {"uses": 2, "max_uses": 2, "mail": "ada@example.org"}})).await;
        let one_more = json!({"note": {"name": "notes/a", "uses": 3}, "update_mask": "uses"});
        assert_eq!(nobody.refused(UPDATE, one_more).await, (Reason::FieldViolation, vec!["note".to_owned()]));
        nobody.ok(UPDATE, json!({"note": {"name": "notes/a", "uses": 3, "max_uses": 3}})).await;
    }
}
