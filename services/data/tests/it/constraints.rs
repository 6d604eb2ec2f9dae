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

both_engines! {
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
